"""Passes over whole tensors of the lane layout: batch norm with ReLU and residual, its gradient, pooling, shortcuts.

Every kernel's tasks are the planes (group, channel) of its result, in order. Tensors are (G, C, P, 16) float32; `first`
is the index of pixel (0, 0) of a plane, `row` the pixels from one row to the next. Twins: refpcm.nn.
"""

import numpy as np

from refpcm.kernels.cache import kernel
from refpcm.kernels.layout import LANES

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
    for task in range(start, stop):
        group, c = task // z.shape[1], task % z.shape[1]
        m, a, b = mean[c], scale[c], shift[c]
        source, target, other = z[group, c].reshape(-1), out[group, c].reshape(-1), skip[group, c].reshape(-1)
        for h in range(rows):
            at = (first + h * row) * LANES
            end = at + columns * LANES
            if skip_mode == NO_SKIP:
                for i in range(at, end):
                    target[i] = max((source[i] - m) * a + b, floor)
            elif skip_mode == SKIP:
                for i in range(at, end):
                    target[i] = max((source[i] - m) * a + b + other[i], floor)
            else:
                sm, sa, sb = skip_mean[c], skip_scale[c], skip_shift[c]
                for i in range(at, end):
                    target[i] = max((source[i] - m) * a + b + ((other[i] - sm) * sa + sb), floor)


@kernel
def normalise_gradient(start, stop, g, z, mean, scale, slope, offset, out, first, row, rows, columns, last_lanes):
    """Batch norm's gradient: out = scale * g + slope * (z - mean) + offset per channel; 0 in lanes without an image.

    out may be g.
    """
    for task in range(start, stop):
        group, c = task // z.shape[1], task % z.shape[1]
        lanes = last_lanes if group == z.shape[0] - 1 else LANES
        m, a, s, o = mean[c], scale[c], slope[c], offset[c]
        gradient, source, target = g[group, c].reshape(-1), z[group, c].reshape(-1), out[group, c].reshape(-1)
        for h in range(rows):
            at = (first + h * row) * LANES
            for i in range(at, at + columns * LANES):
                target[i] = gradient[i] * a + ((source[i] - m) * s + o)
            if lanes < LANES:
                for i in range(at, at + columns * LANES):
                    if i % LANES >= lanes:
                        target[i] = 0


@kernel
def gradient_sums(start, stop, g, z, mean, sums, first, row, rows, columns):
    """sums[group, c] = (sum of g, sum of g * (z - mean)), float64."""
    for task in range(start, stop):
        group, c = task // z.shape[1], task % z.shape[1]
        m = mean[c]
        gradient, source = g[group, c].reshape(-1), z[group, c].reshape(-1)
        sums[group, c] = 0
        for h in range(rows):
            total, product = np.float32(0), np.float32(0)
            for i in range((first + h * row) * LANES, (first + h * row + columns) * LANES):
                total += gradient[i]
                product += gradient[i] * (source[i] - m)
            sums[group, c, 0] += total
            sums[group, c, 1] += product


@kernel
def relu_gradient(start, stop, g, output, z, mean, sums, out, first, row, rows, columns):
    """out = g where output > 0, else 0; sums of out and out * (z - mean) as in gradient_sums. out may be g."""
    for task in range(start, stop):
        group, c = task // z.shape[1], task % z.shape[1]
        m = mean[c]
        gradient, source = g[group, c].reshape(-1), z[group, c].reshape(-1)
        y, target = output[group, c].reshape(-1), out[group, c].reshape(-1)
        sums[group, c] = 0
        for h in range(rows):
            total, product = np.float32(0), np.float32(0)
            for i in range((first + h * row) * LANES, (first + h * row + columns) * LANES):
                value = gradient[i] if y[i] > 0 else np.float32(0)
                target[i] = value
                total += value
                product += value * (source[i] - m)
            sums[group, c, 0] += total
            sums[group, c, 1] += product


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
