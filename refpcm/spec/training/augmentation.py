"""Crop with padding, horizontal flip and Cutout, and the normalisation of the images.

What happens to an image depends on (seed, epoch, image number) only: not on its batch, the batch size or
the thread count. Padding and the Cutout square are zero after normalisation, that is, the mean colour.
"""

from dataclasses import dataclass

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec import random


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a training image."""
    crop_padding: int = 4  # pixels on each side; the crop keeps the image size
    flip: bool = True
    cutout: int = 0  # edge of the square in pixels (DeVries and Taylor 2017), 0 = none
    resized_crop: bool = False  # of image files: a random part, scaled (Szegedy et al. 2015, section 6)


def check_sizes(augmentation, shape):
    """Raises RefpcmError if a shift could move an image of `shape` (H, W) out of sight, or every Cutout square hides it all."""
    if augmentation.crop_padding >= min(shape):
        raise RefpcmError(f"crop_padding = {augmentation.crop_padding} must be smaller than the images, "
                          f"{min(shape)} pixels")
    if augmentation.cutout >= 2 * max(shape) - 1:
        raise RefpcmError(f"cutout = {augmentation.cutout} hides every image of {max(shape)} pixels; "
                          "choose a smaller one")


def draw_moves(augmentation, shape, seed, draw, count, chip=0, purpose=random.Purpose.AUGMENTATION, generator=random):
    """Return what to do to each of `count` images: int32 (count, 5) of row shift, column shift, flip, Cutout row, column.
    E-69.

    A shift s shows pixel i + s at i. The Cutout centre is any pixel, so that squares may overlap the border;
    -1, -1 without Cutout. `shape` is (H, W); draw: the epoch, or what else the purpose wants; generator:
    `refpcm.spec.random` or `refpcm.fast.random`. Raises RefpcmError as `check_sizes`.
    """
    check_sizes(augmentation, shape)
    row, column, flip, cut_row, cut_column = (
        generator.uniforms(seed, chip, purpose, part, draw, 0, count) for part in range(5))
    padding, (h, w) = augmentation.crop_padding, shape
    moves = [np.floor(row * (2 * padding + 1)) - padding, np.floor(column * (2 * padding + 1)) - padding,
             (flip < 0.5) & augmentation.flip]
    moves += [np.floor(cut_row * h), np.floor(cut_column * w)] if augmentation.cutout else [np.full(count, -1)] * 2
    return np.stack(moves, 1).astype(np.int32)


def no_moves(count):
    """Return moves that leave `count` images as they are."""
    return np.tile(np.array([0, 0, 0, -1, -1], np.int32), (count, 1))


def transform_images(images, moves, cutout, mean, std):
    """Return images (N, C, H, W) uint8 as float32: normalised, shifted, flipped and cut out as moves (N, 5) say.

    E-70.
    """
    n, c, h, w = images.shape
    values = normalised_values(mean, std)
    out = np.zeros(images.shape, np.float32)
    for i, (row, column, flip, cut_row, cut_column) in enumerate(moves):
        y0, y1, x0, x1 = max(0, -row), min(h, h - row), max(0, -column), min(w, w - column)
        shifted = images[i, :, y0 + row:y1 + row, x0 + column:x1 + column]
        for channel in range(c):
            out[i, channel, y0:y1, x0:x1] = values[channel, shifted[channel]]
        if flip:
            out[i] = out[i, :, :, ::-1].copy()
        if cut_row >= 0:
            top, left = cut_row - cutout // 2, cut_column - cutout // 2
            out[i, :, max(0, top):max(0, top + cutout), max(0, left):max(0, left + cutout)] = 0
    return out


def normalised_values(mean, std):
    """Return (v / 255 - mean) / std of every pixel value v in 0 .. 255: float32 (C, 256), rounded last. E-68."""
    mean, std = (np.asarray(v, np.float64)[:, None] for v in (mean, std))
    return ((np.arange(256) / 255 - mean) / std).astype(np.float32)
