"""Passes over whole tensors of the lane layout: batch norm with ReLU and residual, its gradient, pooling, shortcuts.

Every kernel's tasks are the planes (group, channel) of its result, in order. Tensors are (G, C, P, 16) float32; `first`
is the index of pixel (0, 0) of a plane, `row` the pixels from one row to the next. Twins: refpcm.nn.
"""

import numpy as np

from refpcm.kernels.cache import kernel
from refpcm.kernels.layout import LANES
from refpcm.kernels.vector import first_lanes, fma, lane_sum, load, maximum, splat, store, where_positive

NO_SKIP, SKIP, SKIP_NORM = 0, 1, 2


@kernel
def pack_images(start, stop, images, out, first, row, rows, columns):
    """images (N, C, H, W) into the lanes of out; lanes without an image become zero."""
    for task in range(start, stop):
        group, c = task // out.shape[1], task % out.shape[1]
        count = min(LANES, images.shape[0] - group * LANES)
        for h in range(rows):
            for lane in range(LANES):
                for w in range(columns):
                    value = images[group * LANES + lane, c, h, w] if lane < count else np.float32(0)
                    out[group, c, first + h * row + w, lane] = value


@kernel
def normalise(start, stop, z, mean, scale, shift, skip_mode, skip, skip_mean, skip_scale, skip_shift, floor, out,
              first, row, rows, columns):
    """out = max(n(z) + s, floor), n(z) = (z - mean) * scale + shift per channel; floor 0 is ReLU, -inf none.

    s = 0, skip, or n'(skip) with the skip's own mean, scale, shift, by skip_mode. (z, skip, out all of one geometry.)
    """
    flat_z, flat_skip, flat_out = z.reshape(-1), skip.reshape(-1), out.reshape(-1)
    lowest = splat(floor)
    for task in range(start, stop):
        c = task % z.shape[1]
        m, a, b = mean[c], splat(scale[c]), splat(shift[c])
        skip_m, skip_a, skip_b = skip_mean[c], splat(skip_scale[c]), splat(skip_shift[c])
        for h in range(rows):
            at = (task * z.shape[2] + first + h * row) * LANES
            for i in range(at, at + columns * LANES, LANES):
                value = fma(load(flat_z, i) - m, a, b)
                if skip_mode == SKIP:
                    value = value + load(flat_skip, i)
                elif skip_mode == SKIP_NORM:
                    value = value + fma(load(flat_skip, i) - skip_m, skip_a, skip_b)
                store(flat_out, i, maximum(value, lowest))


@kernel
def moments(start, stop, z, mean, sums, first, row, rows, columns, last_lanes):
    """sums[group, c] = (sum of z - mean, sum of (z - mean)^2), float64, over the lanes that hold an image."""
    flat_z = z.reshape(-1)
    for task in range(start, stop):
        group, c = task // z.shape[1], task % z.shape[1]
        lanes = last_lanes if group == z.shape[0] - 1 else LANES
        m = mean[c]
        sums[group, c] = 0
        for h in range(rows):
            total, square = splat(np.float32(0)), splat(np.float32(0))
            at = (task * z.shape[2] + first + h * row) * LANES
            for i in range(at, at + columns * LANES, LANES):
                value = load(flat_z, i) - m
                total = total + value
                square = fma(value, value, square)
            sums[group, c, 0] += lane_sum(first_lanes(total, lanes))
            sums[group, c, 1] += lane_sum(first_lanes(square, lanes))


@kernel
def normalise_gradient(start, stop, g, z, mean, scale, slope, offset, out, first, row, rows, columns, last_lanes):
    """Batch norm's gradient: out = scale * g + slope * (z - mean) + offset per channel; 0 in lanes without an image.

    out may be g.
    """
    flat_g, flat_z, flat_out = g.reshape(-1), z.reshape(-1), out.reshape(-1)
    for task in range(start, stop):
        group, c = task // z.shape[1], task % z.shape[1]
        lanes = last_lanes if group == z.shape[0] - 1 else LANES
        m, a, s, o = mean[c], splat(scale[c]), splat(slope[c]), splat(offset[c])
        for h in range(rows):
            at = (task * z.shape[2] + first + h * row) * LANES
            for i in range(at, at + columns * LANES, LANES):
                value = fma(load(flat_g, i), a, fma(load(flat_z, i) - m, s, o))
                store(flat_out, i, first_lanes(value, lanes))


@kernel
def gradient_sums(start, stop, g, z, mean, sums, first, row, rows, columns):
    """sums[group, c] = (sum of g, sum of g * (z - mean)), float64."""
    flat_g, flat_z = g.reshape(-1), z.reshape(-1)
    for task in range(start, stop):
        group, c = task // z.shape[1], task % z.shape[1]
        m = mean[c]
        sums[group, c] = 0
        for h in range(rows):
            total, product = splat(np.float32(0)), splat(np.float32(0))
            at = (task * z.shape[2] + first + h * row) * LANES
            for i in range(at, at + columns * LANES, LANES):
                value = load(flat_g, i)
                total = total + value
                product = fma(value, load(flat_z, i) - m, product)
            sums[group, c, 0] += lane_sum(total)
            sums[group, c, 1] += lane_sum(product)


@kernel
def relu_gradient(start, stop, g, output, z, mean, sums, out, first, row, rows, columns):
    """out = g where output > 0, else 0; sums of out and out * (z - mean) as in gradient_sums. out may be g."""
    flat_g, flat_z, flat_y, flat_out = g.reshape(-1), z.reshape(-1), output.reshape(-1), out.reshape(-1)
    for task in range(start, stop):
        group, c = task // z.shape[1], task % z.shape[1]
        m = mean[c]
        sums[group, c] = 0
        for h in range(rows):
            total, product = splat(np.float32(0)), splat(np.float32(0))
            at = (task * z.shape[2] + first + h * row) * LANES
            for i in range(at, at + columns * LANES, LANES):
                value = where_positive(load(flat_y, i), load(flat_g, i))
                store(flat_out, i, value)
                total = total + value
                product = fma(value, load(flat_z, i) - m, product)
            sums[group, c, 0] += lane_sum(total)
            sums[group, c, 1] += lane_sum(product)


@kernel
def pad_shortcut(start, stop, x, x_first, x_row, stride, before, out, first, row, rows, columns):
    """out[c] = every stride-th pixel of x[c - before]; channels without a source become zero."""
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
def pad_shortcut_gradient(start, stop, g, first, row, rows, columns, stride, before, out, out_first, out_row):
    """out[c] at every stride-th pixel = g[c + before]; the other pixels become zero."""
    for task in range(start, stop):
        group, c = task // out.shape[1], task % out.shape[1]
        out[group, c] = 0
        for h in range(rows):
            for w in range(columns):
                for lane in range(LANES):
                    out[group, c, out_first + stride * (h * out_row + w), lane] = g[group, c + before, first + h * row + w, lane]


@kernel
def max_pool(start, stop, x, x_first, x_row, x_rows, x_columns, size, stride, padding, out, first, row, rows, columns):
    """Largest of each size x size window; pixels outside the image do not count."""
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
                            target[lane] = max(target[lane], source[lane])


@kernel
def max_pool_gradient(start, stop, g, y, first, row, rows, columns, x, x_first, x_row, x_rows, x_columns,
                      size, stride, padding, out):
    """Each gradient goes to the first pixel of its window (row by row) that holds the maximum; out like x."""
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
def average_pool(start, stop, x, first, row, rows, columns, out):
    """out (N, C) = mean over the pixels; images without a row in `out` are lanes without an image."""
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
def average_pool_gradient(start, stop, g, out, first, row, rows, columns):
    """Spread g (N, C) evenly over the pixels of out; lanes without an image get 0."""
    for task in range(start, stop):
        group, c = task // out.shape[1], task % out.shape[1]
        share = np.zeros(LANES, np.float32)
        for lane in range(min(LANES, g.shape[0] - group * LANES)):
            share[lane] = g[group * LANES + lane, c] / np.float32(rows * columns)
        for h in range(rows):
            for w in range(columns):
                for lane in range(LANES):
                    out[group, c, first + h * row + w, lane] = share[lane]
