"""Augmentation of a batch in one pass over its pixels; specified by `refpcm.training.augmentation`."""

import numpy as np

from refpcm.kernels.cache import kernel
from refpcm.kernels.parallel import run


def transform_images(images, moves, cutout, values, out):
    """images (N, C, H, W) uint8, moves (N, 5) int32 -> out (N, C, H, W) float32.

    values (C, 256): float32 of every pixel value. Moves and arguments as in `augmentation.transform_images_twin`.
    """
    run(_transform, len(images), images, moves, cutout, values, out)


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
