"""Gradient of the weights of a 3x3 convolution with stride 1, by the transpose of Winograd's F(2x2, 3x3).

    dg = G^T [ sum over squares and images of (B^T d B) * (A dY A^T) ] G        (letters as in winograd.py)

The sum is, for each of the 16 places, what weight_gradient.py does for a 1x1 convolution whose pixels are squares.
Rows and columns past the edge take part with a dY of zero, the border of its planes.
"""

import numpy as np
from numba.extending import register_jitable

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.conv import aligned
from refpcm.fast.kernels.emit import FLOAT_BYTES, OUT_TILE, in_tile
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import load, prefetch, splat
from refpcm.fast.kernels.weight_gradient import tile_1
from refpcm.fast.kernels.winograd import PLACES, store_column, transform_input

SQUARES = 16  # at least so many between two additions of lanes


@register_jitable
def _a(y0, y1, zero):
    """A times a column of two."""
    return y0, y0 + y1, y0 - y1, zero - y1


@kernel
def _transform_gradient(dy, at, plane, row, channels, squares, out, first, channel, place):
    """A dY A^T of `squares` squares side by side, addressed as in winograd.transform_input."""
    zero = splat(np.float32(0))
    for k in range(channels):
        for t in range(squares):
            source, target = at + k * plane + 2 * t * LANES, first + k * channel + t * LANES
            a0, a1, a2, a3 = _a(load(dy, source), load(dy, source + LANES), zero)
            b0, b1, b2, b3 = _a(load(dy, source + row), load(dy, source + row + LANES), zero)
            store_column(out, target, 4 * place, _a(a0, b0, zero))
            store_column(out, target + place, 4 * place, _a(a1, b1, zero))
            store_column(out, target + 2 * place, 4 * place, _a(a2, b2, zero))
            store_column(out, target + 3 * place, 4 * place, _a(a3, b3, zero))


@register_jitable
def _fetch_share(array, at, plane, row, channels, rows, pixels, i):
    """Prefetch share i of PLACES of so many rows of `pixels` pixels of every channel, from array[at] on."""
    for unit in range(channels * rows * i // PLACES, channels * rows * (i + 1) // PLACES):
        first = at + unit // rows * plane + unit % rows * row
        for line in range(first, first + pixels * LANES, LANES):
            prefetch(array, line)


@kernel
def weight_gradient_parts(start, stop, x, x_first, x_row, stride, dy, grid, size, image_parts, band, partial):
    """As weight_gradient.weight_gradient_parts (size 3, stride 1; `band` is not used), with partial
    (image_parts, sections, blocks a part, C tiles, PLACES, tile_sums(1))."""
    dy_first, dy_row, rows, columns = grid
    groups, channels, out_channels = x.shape[0], x.shape[1], dy.shape[1]
    blocks, in_blocks, in_channels = partial.shape[2], partial.shape[3], in_tile(1)
    across, pairs = (columns + 1) // 2, (rows + 1) // 2
    deep = min(pairs, -(-SQUARES // across))  # pairs of rows taken together
    channel = deep * across * LANES
    # Tiles of 4 channels may read past the last channel: memory for them, and a vector against cache conflicts.
    x_place = in_blocks * in_channels * channel + LANES
    dy_place = blocks * OUT_TILE * channel + LANES
    x_squares, v = aligned(PLACES * x_place)
    dy_squares, d = aligned(PLACES * dy_place)
    v_at, d_at = x_squares.ctypes.data + v * FLOAT_BYTES, dy_squares.ctypes.data + d * FLOAT_BYTES
    flat_x, flat_dy, sums_bytes = x.reshape(-1), dy.reshape(-1), partial.shape[5] * FLOAT_BYTES
    x_plane, dy_plane = x.shape[2] * LANES, dy.shape[2] * LANES
    end = groups * ((stop - 1) // partial.shape[1] + 1) // image_parts
    for part in range(start, stop):
        images, section = part // partial.shape[1], part % partial.shape[1]
        own, first_channel = partial[images, section], section * blocks * OUT_TILE
        own[:] = 0
        own_channels = min(out_channels - first_channel, blocks * OUT_TILE)
        for group in range(groups * images // image_parts, groups * (images + 1) // image_parts):
            x_group = group * channels * x_plane + x_first * LANES
            dy_group = (group * out_channels + first_channel) * dy_plane + dy_first * LANES
            for top in range(0, pairs, deep):
                count = min(deep, pairs - top)
                for pair in range(count):
                    row, shift = 2 * (top + pair), pair * across * LANES
                    transform_input(flat_x, x_group + row * x_row * LANES, x_plane, x_row * LANES, channels, across,
                                    x_squares, v + shift, channel, x_place)
                    _transform_gradient(flat_dy, dy_group + row * dy_row * LANES, dy_plane, dy_row * LANES,
                                        own_channels, across, dy_squares, d + shift, channel, dy_place)
                ahead, next_x, next_dy = 0, x_group, dy_group  # what the next squares are made of
                if top + deep < pairs:
                    ahead, row = min(deep, pairs - top - deep), 2 * (top + deep)
                    next_x, next_dy = next_x + row * x_row * LANES, next_dy + row * dy_row * LANES
                elif group + 1 < end:
                    ahead, next_x, next_dy = deep, next_x + channels * x_plane, next_dy + out_channels * dy_plane
                for i in range(PLACES):
                    if ahead:
                        _fetch_share(flat_x, next_x, x_plane, x_row * LANES, channels, 2 * ahead + 2, 2 * across + 2, i)
                        _fetch_share(flat_dy, next_dy, dy_plane, dy_row * LANES, own_channels, 2 * ahead, 2 * across, i)
                    for c in range(in_blocks):
                        for b in range(-(-own_channels // OUT_TILE)):
                            tile_1(v_at + (i * x_place + c * in_channels * channel) * FLOAT_BYTES,
                                   d_at + (i * dy_place + b * OUT_TILE * channel) * FLOAT_BYTES,
                                   own.ctypes.data + ((b * in_blocks + c) * PLACES + i) * sums_bytes,
                                   1, count * across, channel * FLOAT_BYTES, 0, channel * FLOAT_BYTES, 0)


@kernel
def collect_weight_gradient(start, stop, partial, gradient):
    """Add the parts in their order and apply G^T . G: gradient (K, C, 3, 3); a task is one output channel."""
    in_channels, blocks, half = in_tile(1), partial.shape[2], np.float32(0.5)
    u, rows = np.empty((4, 4), np.float32), np.empty((3, 4), np.float32)
    for k in range(start, stop):
        section, block = k // OUT_TILE // blocks, k // OUT_TILE % blocks
        for c in range(gradient.shape[1]):
            at = (k % OUT_TILE) * in_channels + c % in_channels
            for i in range(PLACES):
                total = np.float32(0)
                for images in range(partial.shape[0]):
                    total += partial[images, section, block, c // in_channels, i, at]
                u[i // 4, i % 4] = total
            for j in range(4):
                rows[0, j] = u[0, j] + half * (u[1, j] + u[2, j])
                rows[1, j] = half * (u[1, j] - u[2, j])
                rows[2, j] = half * (u[1, j] + u[2, j]) + u[3, j]
            for i in range(3):
                gradient[k, c, i, 0] = rows[i, 0] + half * (rows[i, 1] + rows[i, 2])
                gradient[k, c, i, 1] = half * (rows[i, 1] - rows[i, 2])
                gradient[k, c, i, 2] = half * (rows[i, 1] + rows[i, 2]) + rows[i, 3]
