"""Max pool, global average pool and the option-A shortcut in the lane layout, with their gradients.

Every kernel's tasks are the planes (group, channel) of its result, in order. Tensors are (G, C, P, 16) float32; a grid
is layout.Plane.grid. Twins: refpcm.spec.nn.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.layout import LANES


@kernel
def pad_shortcut(start, stop, x, x_grid, stride, before, out, grid):
    """out[c] = every stride-th pixel of x[c - before]; channels without a source become zero."""
    (x_first, x_row, _, _), (first, row, rows, columns) = x_grid, grid
    for task in range(start, stop):
        group, c = task // out.shape[1], task % out.shape[1] - before
        if c < 0 or c >= x.shape[1]:
            out[group, c + before] = 0
        else:
            for h in range(rows):
                for w in range(columns):
                    for lane in range(LANES):
                        source = x[group, c, x_first + stride * (h * x_row + w), lane]
                        out[group, c + before, first + h * row + w, lane] = source


@kernel
def pad_shortcut_gradient(start, stop, g, grid, stride, before, out, out_grid):
    """out[c] at every stride-th pixel = g[c + before]; the other pixels become zero."""
    (first, row, rows, columns), (out_first, out_row, _, _) = grid, out_grid
    for task in range(start, stop):
        group, c = task // out.shape[1], task % out.shape[1]
        out[group, c] = 0
        for h in range(rows):
            for w in range(columns):
                for lane in range(LANES):
                    value = g[group, c + before, first + h * row + w, lane]
                    out[group, c, out_first + stride * (h * out_row + w), lane] = value


@kernel
def max_pool(start, stop, x, x_grid, window, out, grid):
    """Largest of each size x size window, NaN where one is NaN; pixels outside the image do not count.

    window = (size, stride, padding)
    """
    (x_first, x_row, x_rows, x_columns), (first, row, rows, columns) = x_grid, grid
    size, stride, padding = window
    for task in range(start, stop):
        group, c = task // out.shape[1], task % out.shape[1]
        for h in range(rows):
            for w in range(columns):
                target = out[group, c, first + h * row + w]
                target[:] = -np.inf
                for y in range(max(0, h * stride - padding), min(x_rows, h * stride - padding + size)):
                    for z in range(max(0, w * stride - padding), min(x_columns, w * stride - padding + size)):
                        source = x[group, c, x_first + y * x_row + z]
                        for lane in range(LANES):
                            value, largest = source[lane], target[lane]
                            new = (value > largest) | (value != value)  # NaN stays NaN; no branch, so it vectorises
                            target[lane] = value if new else largest


@kernel
def max_pool_gradient(start, stop, g, y, grid, x, x_grid,
                      window, out):
    """Each gradient goes to the first pixel of its window (row by row) that holds the maximum; out like x."""
    (x_first, x_row, x_rows, x_columns), (first, row, rows, columns) = x_grid, grid
    size, stride, padding = window
    for task in range(start, stop):
        group, c = task // x.shape[1], task % x.shape[1]
        out[group, c] = 0
        for h in range(rows):
            top, bottom = max(0, h * stride - padding), min(x_rows, h * stride - padding + size)
            for w in range(columns):
                left, right = max(0, w * stride - padding), min(x_columns, w * stride - padding + size)
                largest, gradient = y[group, c, first + h * row + w], g[group, c, first + h * row + w]
                open_lanes = np.ones(LANES, np.bool_)
                for i in range(top, bottom):
                    for j in range(left, right):
                        at = x_first + i * x_row + j
                        for lane in range(LANES):
                            if open_lanes[lane] and x[group, c, at, lane] == largest[lane]:
                                out[group, c, at, lane] += gradient[lane]
                                open_lanes[lane] = False


@kernel
def average_pool(start, stop, x, grid, out):
    """out (N, C) = mean over the pixels; images without a row in `out` are lanes without an image."""
    first, row, rows, columns = grid
    for task in range(start, stop):
        group, c = task // x.shape[1], task % x.shape[1]
        total = np.zeros(LANES, np.float32)
        for h in range(rows):
            for w in range(columns):
                for lane in range(LANES):
                    total[lane] += x[group, c, first + h * row + w, lane]
        for lane in range(min(LANES, out.shape[0] - group * LANES)):
            out[group * LANES + lane, c] = total[lane] / np.float32(rows * columns)


@kernel
def average_pool_gradient(start, stop, g, out, grid):
    """Spread g (N, C) evenly over the pixels of out; lanes without an image get 0."""
    first, row, rows, columns = grid
    for task in range(start, stop):
        group, c = task // out.shape[1], task % out.shape[1]
        share = np.zeros(LANES, np.float32)
        for lane in range(min(LANES, g.shape[0] - group * LANES)):
            share[lane] = g[group * LANES + lane, c] / np.float32(rows * columns)
        for h in range(rows):
            for w in range(columns):
                for lane in range(LANES):
                    out[group, c, first + h * row + w, lane] = share[lane]
