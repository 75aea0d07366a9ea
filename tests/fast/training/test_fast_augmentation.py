"""refpcm.fast.training.augmentation against the specification, bit for bit."""

import numpy as np
import pytest

from refpcm.fast.training import augmentation as fast_form
from refpcm.spec.training.augmentation import Augmentation, draw_moves, transform_images

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 3, 32, 32), np.uint8)


@pytest.mark.parametrize("augmentation", [
    Augmentation(), Augmentation(4, True, 16), Augmentation(0, False, 8), Augmentation(31, True, 7)])
def test_the_fast_form_equals_the_specification_bit_for_bit(augmentation):
    moves = draw_moves(augmentation, (32, 32), 1, 2, len(IMAGES))
    fast = fast_form.transform_images(IMAGES, moves, augmentation.cutout, MEAN, STD)
    assert fast.dtype == np.float32
    assert np.array_equal(fast, transform_images(IMAGES, moves, augmentation.cutout, MEAN, STD))
