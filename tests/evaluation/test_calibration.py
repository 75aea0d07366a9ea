"""The mini-batches of AdaBS (I-11, I-20): plain, as in training, with the border of the training's crops."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.calibration import MiniBatches, WithBlackBorder, mini_batches
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


@pytest.mark.parametrize("images, notes, said", [
    (list(IMAGES), OWN, "choose train"), (IMAGES, {"config": {"crop_padding": -1}}, "crop_padding"),
    (IMAGES, {"config": {"cutout": "large"}}, "net.safetensors"), (IMAGES, {"config": {"crop_padding": 8}}, "smaller")])
def test_views_that_cannot_be_made_are_refused(images, notes, said):
    with pytest.raises(RefpcmError, match=said):
        mini_batches(inputs(notes), images, CHOSEN, Protocol(), TASK)
