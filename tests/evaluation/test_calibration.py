"""The mini-batches of AdaBS (I-11, I-20): plain, as in training, with the border of the training's crops."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.calibration import MiniBatches, WithBlackBorder, mini_batches, parsed_augmentation
from refpcm.forms import find_forms
from refpcm.spec import random
from refpcm.spec.training.augmentation import Augmentation, draw_moves, no_moves, transform_images

IMAGES = random.uniforms(1, 0, random.Purpose.INITIALISATION, 0, 0, 0, 40 * 3 * 8 * 8).reshape(40, 3, 8, 8)
IMAGES = (1 + IMAGES * 255).astype(np.uint8)  # none is black
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)
CHOSEN = np.array([[3, 9, 5], [30, 2, 1]])
TASK = SimpleNamespace(chip=4, draw=6)
OWN = {"config": {"crop_padding": 2, "flip": True, "cutout": 3}}


@dataclass
class Protocol:
    calibration: str = "train-augmented"
    augmentation: str = None
    seed: int = 8
    network: str = "net.safetensors"


def inputs(notes):
    return SimpleNamespace(file=SimpleNamespace(mean=MEAN, std=STD, notes=notes), data=SimpleNamespace(name="tiny"),
                           forms=find_forms("direct"))


def test_images_stay_as_they_are_unless_asked_for():
    for source in ("train", "test"):
        batches = mini_batches(inputs(OWN), IMAGES, CHOSEN, Protocol(source), TASK)
        assert len(batches) == 2
        for batch, rows in zip(batches, CHOSEN):
            np.testing.assert_array_equal(batch, transform_images(IMAGES[rows], no_moves(3), 0, MEAN, STD))


def test_a_network_trained_here_sees_the_crops_flips_and_squares_of_its_training():
    moves = draw_moves(Augmentation(2, True, 3), (8, 8), 8, 6, 40, 4, random.Purpose.CALIBRATION_AUGMENTATION)
    batches = mini_batches(inputs(OWN), IMAGES, CHOSEN, Protocol(), TASK)
    for batch, rows in zip(batches, CHOSEN):
        np.testing.assert_array_equal(batch, transform_images(IMAGES[rows], moves[rows], 3, MEAN, STD))


def test_every_chip_and_read_has_views_of_its_own_and_the_same_ones_again():
    def first(chip, draw):
        return mini_batches(inputs(OWN), IMAGES, CHOSEN, Protocol(), SimpleNamespace(chip=chip, draw=draw))[0]
    np.testing.assert_array_equal(first(1, 0), first(1, 0))
    assert not np.array_equal(first(1, 0), first(2, 0)) and not np.array_equal(first(1, 0), first(1, 1))


def test_a_network_trained_elsewhere_gets_crops_with_a_black_border():
    """Padding comes before the normalisation there: a border pixel is (0 - mean) / std, not 0."""
    batches = mini_batches(inputs({}), IMAGES, CHOSEN, Protocol(), TASK)
    moves = draw_moves(Augmentation(4, True), (8, 8), 8, 6, 40, 4, random.Purpose.CALIBRATION_AUGMENTATION)
    black = -np.array(MEAN) / np.array(STD)
    for batch, rows in zip(batches, CHOSEN):
        for view, image, (row, column, flip, _, _) in zip(batch, IMAGES[rows], moves[rows]):
            for y in range(8):
                for x in range(8):
                    i, j = y + row, (7 - x if flip else x) + column
                    inside = 0 <= i < 8 and 0 <= j < 8
                    wanted = (image[:, i, j] / 255 - np.array(MEAN)) / np.array(STD) if inside else black
                    np.testing.assert_allclose(view[:, y, x], wanted, rtol=1e-6)
    assert type(batches) is WithBlackBorder and issubclass(WithBlackBorder, MiniBatches)


def test_an_augmentation_that_is_asked_for_goes_before_that_of_the_training():
    moves = draw_moves(Augmentation(1, False, 4), (8, 8), 8, 6, 40, 4, random.Purpose.CALIBRATION_AUGMENTATION)
    batches = mini_batches(inputs(OWN), IMAGES, CHOSEN, Protocol(augmentation="crop 1, cutout 4"), TASK)
    for batch, rows in zip(batches, CHOSEN):
        np.testing.assert_array_equal(batch, transform_images(IMAGES[rows], moves[rows], 4, MEAN, STD))


def test_the_usual_augmentation_by_name_is_the_usual_one():
    usual, named = (mini_batches(inputs({}), IMAGES, CHOSEN, Protocol(augmentation=text), TASK) for text in (None, "crop 4, flip"))
    for one, other in zip(usual, named):
        np.testing.assert_array_equal(one, other)


class Files:
    """Images that are decoded one by one, as those of an ImageNet index; a crop here shifts the values."""
    shape, crop_uniforms = IMAGES.shape, 21

    def __len__(self):
        return len(IMAGES)

    def decode(self, row, uniforms):
        return IMAGES[row] + np.uint8(100 * uniforms[0])


def test_image_files_give_resized_crops_each_from_numbers_of_its_own():
    batches = mini_batches(inputs({}), Files(), CHOSEN, Protocol(), TASK)
    moves = draw_moves(Augmentation(0, True), (8, 8), 8, 6, 40, 4, random.Purpose.CALIBRATION_AUGMENTATION)
    shift = [random.uniforms(8, 4, random.Purpose.CALIBRATION_AUGMENTATION, 5, 6, 32 * row, 21)[0] for row in range(40)]
    for batch, rows in zip(batches, CHOSEN):
        images = np.stack([IMAGES[row] + np.uint8(100 * shift[row]) for row in rows])
        np.testing.assert_array_equal(batch, transform_images(images, moves[rows], 0, MEAN, STD))


@pytest.mark.parametrize("text, wanted", [
    (None, None), ("flip", Augmentation(0, True)), ("crop 4, flip, cutout 8", Augmentation(4, True, 8)),
    ("resized-crop,flip", Augmentation(0, True, 0, True)), ("crop 0", Augmentation(0, False))])
def test_an_augmentation_is_read_from_text(text, wanted):
    assert parsed_augmentation(text) == wanted


@pytest.mark.parametrize("text", ["", "crop", "crop x", "crop -1", "flip 2", "crop 4 5", "rotate", "crop 4,,flip"])
def test_other_words_are_no_augmentation(text):
    with pytest.raises(RefpcmError, match="augmentation: .* is unknown; give a list such as"):
        parsed_augmentation(text)


@pytest.mark.parametrize("images, notes, said", [
    (IMAGES, {"config": {"resized_crop": True}}, "many sizes"), (IMAGES, {"config": {"crop_padding": -1}}, "crop_padding"),
    (IMAGES, {"config": {"cutout": "large"}}, "net.safetensors"), (IMAGES, {"config": {"crop_padding": 8}}, "smaller")])
def test_views_that_cannot_be_made_are_refused(images, notes, said):
    with pytest.raises(RefpcmError, match=said):
        mini_batches(inputs(notes), images, CHOSEN, Protocol(), TASK)
