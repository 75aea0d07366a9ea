"""Passes over whole tensors of the lane layout: batch norm with ReLU and residual, and its gradient.

Every kernel's tasks are the planes (group, channel) of its result, in order. Tensors are (G, C, P, 16) float32; `grid`
is layout.Plane.grid. Twins: refpcm.spec.nn.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import first_lanes, fma, lane_sum, load, maximum, splat, store, where_positive

NO_SKIP, SKIP, SKIP_NORM = 0, 1, 2


@kernel
def pack_images(start, stop, images, out, grid):
    """images (N, C, H, W) into the lanes of out; lanes without an image become zero."""
    first, row, rows, columns = grid
    for task in range(start, stop):
        group, c = task // out.shape[1], task % out.shape[1]
        count = min(LANES, images.shape[0] - group * LANES)
        for h in range(rows):
            for lane in range(LANES):
                for w in range(columns):
                    value = images[group * LANES + lane, c, h, w] if lane < count else np.float32(0)
                    out[group, c, first + h * row + w, lane] = value


@kernel
def normalise(start, stop, z, norm, skip_mode, skip, skip_norm, floor, out, grid):
    """out = max(n(z) + s, floor), n(z) = (z - mean) * scale + shift per channel; floor 0 is ReLU, -inf none.

    norm = (mean, scale, shift); s = 0, skip, or n'(skip) with the skip's own norm, by skip_mode.
    """
    first, row, rows, columns = grid
    (mean, scale, shift), (skip_mean, skip_scale, skip_shift) = norm, skip_norm
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
def moments(start, stop, z, mean, sums, grid, last_lanes):
    """sums[group, c] = (sum of z - mean, sum of (z - mean)^2), float64, over the lanes that hold an image."""
    first, row, rows, columns = grid
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
def normalise_gradient(start, stop, g, z, mean, scale, slope, offset, out, grid, last_lanes):
    """Batch norm's gradient: out = scale * g + slope * (z - mean) + offset per channel; 0 in lanes without an image.

    out may be g.
    """
    first, row, rows, columns = grid
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
def gradient_sums(start, stop, g, z, mean, sums, grid):
    """sums[group, c] = (sum of g, sum of g * (z - mean)), float64."""
    first, row, rows, columns = grid
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
def relu_gradient(start, stop, g, output, z, mean, sums, out, grid):
    """out = g where output > 0, else 0; sums of out and out * (z - mean) as in gradient_sums. out may be g."""
    first, row, rows, columns = grid
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
