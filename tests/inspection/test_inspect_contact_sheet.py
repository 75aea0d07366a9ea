"""refpcm.inspection.contact_sheet: the images in their order, each with its label."""

import io

import numpy as np
import pytest
from PIL import Image

from refpcm.errors import RefpcmError
from refpcm.inspection.contact_sheet import PIXELS, check_sheet, sheet_of


def lost(image, name="cat", told="dog"):
    return {"image": image, "class": name, "told": told, "chips": 3}


def opened(*arguments):
    return Image.open(io.BytesIO(sheet_of(*arguments)))


def test_the_sheet_shows_the_images_in_order():
    images = np.zeros((3, 3, 8, 8), np.uint8)
    images[2, 0] = 255
    sheet = opened(images, [lost(2), lost(0)], 5)
    assert sheet.size == (1026, 150) and sheet.getpixel((50, 50)) == (255, 0, 0) and sheet.getpixel((150, 50)) == (0, 0, 0)


def test_every_image_has_a_label_under_it_that_depends_on_its_classes():
    images = np.full((1, 3, 8, 8), 200, np.uint8)
    one, other = (np.asarray(opened(images, [lost(0, "cat", told)], 5))[6 + PIXELS:] for told in ("dog", "frog"))
    assert (one < 100).any() and (one != other).any()


def test_long_and_foreign_names_stay_under_their_image():
    images = np.full((1, 3, 8, 8), 200, np.uint8)
    label = np.asarray(opened(images, [lost(0, "a" * 500, "\u732b\x1b[31m")], 5))[6 + PIXELS:]
    assert (label[:, :6 + PIXELS + 6] < 100).any() and (label[:, 6 + PIXELS + 6:] == 255).all()


def test_without_lost_images_the_sheet_is_empty():
    assert (np.asarray(opened(np.zeros((1, 3, 8, 8), np.uint8), [], 5)) == 255).all()


def test_the_name_of_a_sheet_ends_in_png():
    check_sheet("lost.PNG")
    with pytest.raises(RefpcmError, match="must end in .png"):
        check_sheet("sheet.gif")
