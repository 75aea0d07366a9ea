"""Augmentation: what is drawn, what is done."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.spec.random import Purpose, uniforms
from refpcm.spec.training.augmentation import Augmentation, draw_moves, no_moves, transform_images

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 3, 32, 32), np.uint8)


def test_without_moves_images_are_only_normalised():
    exact = (IMAGES / 255.0 - np.array(MEAN)[:, None, None]) / np.array(STD)[:, None, None]
    assert np.abs(transform_images(IMAGES, no_moves(40), 0, MEAN, STD) - exact).max() < 1e-6


def test_a_known_shift_flip_and_square():
    image = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
    moves = np.array([[1, 0, 0, -1, -1]], np.int32)

    def moved(*move, cutout=0):
        out = transform_images(image, np.array([move], np.int32), cutout, (0.0,), (1 / 255,))
        return out[0, 0].round().astype(int).tolist()
    assert moved(*moves[0])[0] == [4, 5, 6, 7] and moved(*moves[0])[3] == [0, 0, 0, 0]
    assert moved(0, -1, 0, -1, -1)[1] == [0, 4, 5, 6]
    assert moved(0, 0, 1, -1, -1)[0] == [3, 2, 1, 0]
    assert moved(0, 1, 1, -1, -1)[0] == [0, 3, 2, 1]
    assert moved(0, 0, 0, 3, 0, cutout=2) == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 9, 10, 11], [0, 13, 14, 15]]


def test_draws_cover_their_range_evenly():
    moves = draw_moves(Augmentation(4, True, 16), (32, 32), 0, 0, 90_000)
    for column in (0, 1):
        values, counts = np.unique(moves[:, column], return_counts=True)
        assert values.tolist() == list(range(-4, 5))
        assert ((counts - 10_000) ** 2 / 10_000).sum() < 40  # chi-squared, 8 degrees: p = 3e-6
    assert abs(moves[:, 2].mean() - 0.5) < 5 / 600
    assert moves[:, 3:].min() == 0 and moves[:, 3:].max() == 31


def test_an_image_is_moved_alike_in_a_data_set_of_any_size_and_differently_in_another_epoch():
    few, many = (draw_moves(Augmentation(), (32, 32), 5, 3, count) for count in (10, 1000))
    assert np.array_equal(few, many[:10])
    assert not np.array_equal(many, draw_moves(Augmentation(), (32, 32), 5, 4, 1000))


def test_a_padding_that_hides_the_image_is_refused():
    with pytest.raises(RefpcmError, match="crop_padding"):
        draw_moves(Augmentation(32), (32, 32), 0, 0, 1)


def test_each_move_has_its_own_random_numbers():
    """Layers 0 to 4 of the address: row shift, column shift, flip, Cutout row, Cutout column; fixed for ever."""
    u = [uniforms(7, 0, Purpose.AUGMENTATION, part, 3, 0, 50) for part in range(5)]
    expected = [np.floor(9 * u[0]) - 4, np.floor(9 * u[1]) - 4, u[2] < 0.5, np.floor(30 * u[3]), np.floor(20 * u[4])]
    assert np.array_equal(draw_moves(Augmentation(4, True, 8), (30, 20), 7, 3, 50), np.stack(expected, 1))


def test_a_cutout_may_hide_all_but_a_row_and_a_column():
    image, largest = np.full((1, 1, 32, 32), 9, np.uint8), Augmentation(cutout=62)
    draw_moves(largest, (32, 32), 0, 0, 1)
    views = [transform_images(image, np.array([[0, 0, 0, row, column]], np.int32), 62, (0.0,), (1.0,))
             for row in (0, 31) for column in (0, 31)]
    assert any(view.any() for view in views)


@pytest.mark.parametrize("edge", [63, 64, 10 ** 30])
def test_a_cutout_that_hides_every_image_is_refused(edge):
    with pytest.raises(RefpcmError, match="cutout"):
        draw_moves(Augmentation(cutout=edge), (32, 32), 0, 0, 1)


def test_switched_off_augmentation_moves_nothing():
    assert np.array_equal(draw_moves(Augmentation(0, False, 0), (32, 32), 0, 0, 7), no_moves(7))
