"""The functions of conv.py and weight_gradient.py in plain Numba loops.

Fallback where emitted code is not wanted, and its oracle in tests.

Same arguments, same layout, same packed weights, same order of tasks; about half as fast or less.
"""

import numpy as np

from refpcm.kernels.cache import kernel
from refpcm.kernels.emit import OUT_TILE, in_tile
from refpcm.kernels.finish import TOTALS, finish_tile, reduce_totals
from refpcm.kernels.layout import LANES


@kernel
def convolve_rows(start, stop, x, x_first, x_row, stride, packed, out, grid, how, sums, last_lanes):
    """See conv.convolve_rows."""
    channels, size = packed.shape[2], packed.shape[1]
    out_first, out_row, rows, columns = grid
    mode, constants, floor, add, flat_out, addend, output, activation = how
    values, totals = np.empty((columns, LANES), np.float32), np.zeros(out.shape[1] * TOTALS, np.float32)
    for task in range(start, stop):
        group, row = task // rows, task % rows
        for k in range(out.shape[1]):
            values[:] = 0
            for i in range(size):
                for c in range(channels):
                    for j in range(size):
                        w = packed[k // OUT_TILE, i, c, j, k % OUT_TILE]
                        source = x_first + (row * stride + i) * x_row + j
                        for p in range(columns):
                            for lane in range(LANES):
                                values[p, lane] += w * x[group, c, source + p * stride, lane]
            at = ((group * out.shape[1] + k) * out.shape[2] + out_first + row * out_row) * LANES
            finish_tile(mode, constants, floor, add, flat_out, addend, output, activation, values.reshape(-1), 0, 0,
                        k, k + 1, columns * LANES, at, 0, totals)
        reduce_totals(totals, last_lanes if group == x.shape[0] - 1 else LANES, sums[task])


@kernel
def input_gradient_rows_stride_2(start, stop, dy, dy_first, dy_row, packed, taps, out, grid, how, sums, last_lanes):
    """See conv.input_gradient_rows_stride_2."""
    out_first, out_row, rows, columns = grid
    mode, constants, floor, add, flat_out, addend, output, activation = how
    values, totals = np.empty((columns, LANES), np.float32), np.zeros(out.shape[1] * TOTALS, np.float32)
    channels = dy.shape[1]
    for task in range(start, stop):
        group, row = task // rows, task % rows
        for c in range(out.shape[1]):
            values[:] = 0
            for column in range(columns):
                if taps == 1 and (row % 2 == 1 or column % 2 == 1):
                    continue
                n_rows, n_columns = 1 + row % 2, 1 + column % 2
                flat = packed[2 * (row % 2) + column % 2, c // OUT_TILE].reshape(-1)
                for i in range(n_rows):
                    for k in range(channels):
                        for j in range(n_columns):
                            w = flat[((i * channels + k) * n_columns + j) * OUT_TILE + c % OUT_TILE]
                            source = dy_first + (row // 2 + i) * dy_row + column // 2 + j
                            for lane in range(LANES):
                                values[column, lane] += w * dy[group, k, source, lane]
            at = ((group * out.shape[1] + c) * out.shape[2] + out_first + row * out_row) * LANES
            finish_tile(mode, constants, floor, add, flat_out, addend, output, activation, values.reshape(-1), 0, 0,
                        c, c + 1, columns * LANES, at, 0, totals)
        reduce_totals(totals, last_lanes if group == dy.shape[0] - 1 else LANES, sums[task])


@kernel
def weight_gradient_parts(start, stop, x, x_first, x_row, stride, dy, grid, size, image_parts, band, partial):
    """See weight_gradient.weight_gradient_parts; `band` only changes the order of additions there."""
    dy_first, dy_row, rows, columns = grid
    groups, channels, out_channels = x.shape[0], x.shape[1], dy.shape[1]
    blocks, in_channels = partial.shape[2], in_tile(size)
    for part in range(start, stop):
        images, section = part // partial.shape[1], part % partial.shape[1]
        partial[images, section] = 0
        for group in range(groups * images // image_parts, groups * (images + 1) // image_parts):
            for k in range(section * blocks * OUT_TILE, min(out_channels, (section + 1) * blocks * OUT_TILE)):
                for c in range(channels):
                    for i in range(size):
                        for j in range(size):
                            total = np.float32(0)
                            for row in range(rows):
                                for column in range(columns):
                                    source = x_first + (row * stride + i) * x_row + column * stride + j
                                    target = dy_first + row * dy_row + column
                                    for lane in range(LANES):
                                        total += x[group, c, source, lane] * dy[group, k, target, lane]
                            at = ((k % OUT_TILE) * in_channels + c % in_channels) * size + j
                            partial[images, section, k // OUT_TILE - section * blocks, c // in_channels, i, at] += total
