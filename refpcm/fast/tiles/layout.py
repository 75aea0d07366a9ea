"""A layer's matrix cut into tiles and laid out as the kernels read it.

R = C k k rows, K columns, P row parts, B = ceil(K / 4) blocks of columns.
"""

from dataclasses import dataclass

import numpy as np

from refpcm.fast.kernels.emit import OUT_TILE
from refpcm.fast.kernels.packing import blocks
from refpcm.spec.pcm.tile import parts


@dataclass(frozen=True, eq=False)
class LaneTiles:
    """kernel, stride, padding: of the convolution; 1, 1, 0 for a linear layer.

    packed: weights (P, B, k, C', k, 4), of the part's channels first[p] .. first[p] + C' - 1. variance: read noise of
    every weight, packed alike, with P = 0 where there is none. dac, adc: see `encoded`. sigma: of the output noise.
    """
    kernel: int
    stride: int
    padding: int
    columns: int
    first: np.ndarray
    packed: np.ndarray
    variance: np.ndarray
    dac: tuple
    adc: tuple
    sigma: np.float32


def lane_tiles(weights, kernel, stride, padding, tiles, ranges, w_max=1.0, variance=None):
    """LaneTiles of weights (R, K); variance (R, K) or None; the rest as in `refpcm.spec.pcm.tile.product`."""
    first, packed = _pack(weights, kernel, parts(len(weights), tiles.rows))
    packed_variance = packed[:0] if variance is None else _pack(variance, kernel, parts(len(weights), tiles.rows))[1]
    return LaneTiles(kernel, stride, padding, weights.shape[1], first, packed, packed_variance,
                     encoded(tiles.dac, ranges.inputs), encoded(tiles.adc, ranges.outputs),
                     np.float32(tiles.output_noise * w_max * ranges.inputs))


def _pack(matrix, kernel, bounds):
    """A part takes whole channels; rows of other parts are zero in it."""
    taps = kernel * kernel
    channels = len(matrix) // taps
    width = max(-(-end // taps) - begin // taps for begin, end in bounds)
    first = np.array([min(begin // taps, channels - width) for begin, _ in bounds])
    packed = np.empty((len(bounds), blocks(matrix.shape[1]), kernel, width, kernel, OUT_TILE), np.float32)
    for p, (begin, end) in enumerate(bounds):
        part = np.zeros((width * taps, packed.shape[1] * OUT_TILE), np.float32)
        part[begin - first[p] * taps:end - first[p] * taps, :matrix.shape[1]] = matrix[begin:end]
        packed[p] = part.reshape(width, kernel, kernel, -1, OUT_TILE).transpose(3, 1, 0, 2, 4)
    return first, packed


def encoded(converter, full_scale):
    """(levels, step, 1 / step, certain) as the kernels take a converter; 0 levels: ideal.

    x * (1 / step) in float32 is off by less than (levels + 1) 2^-23 from x / step as long as the code is in range. So
    where it is no farther than `certain` from a whole number, half less twice that, this number is the code.
    """
    if converter.bits is None:
        return np.float32(0), 1.0, np.float32(1), np.float32(0)
    levels = converter.levels
    step = full_scale / levels
    return np.float32(levels), float(step), np.float32(1 / step), np.float32(0.5 - (levels + 1) * 2.0 ** -22)
