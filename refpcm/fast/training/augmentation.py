"""Augmentation of a batch in one pass over its pixels: the fast form of `refpcm.spec.training.augmentation`."""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.threads import run_tasks
from refpcm.spec.training.augmentation import normalised_values


def transform_images(images, moves, cutout, mean, std):
    """Return images (N, C, H, W) uint8 as float32; see `refpcm.spec.training.augmentation.transform_images`."""
    out = np.empty(images.shape, np.float32)
    run_tasks(_transform, len(images), images, moves, cutout, normalised_values(mean, std), out)
    return out


@kernel
def _transform(start, stop, images, moves, cutout, values, out):
    channels, h, w = images.shape[1:]
    for i in range(start, stop):
        row, column, flip, cut_row, cut_column = moves[i]
        top, left = cut_row - cutout // 2, cut_column - cutout // 2
        for c in range(channels):
            for y in range(h):
                source_y = y + row
                cut = cut_row >= 0 and top <= y < top + cutout
                for x in range(w):
                    source_x = (w - 1 - x if flip else x) + column
                    if (source_y < 0 or source_y >= h or source_x < 0 or source_x >= w
                            or (cut and left <= x < left + cutout)):
                        out[i, c, y, x] = np.float32(0)
                    else:
                        out[i, c, y, x] = values[c, images[i, c, source_y, source_x]]
