"""Gradient of the weights of a 3x3 convolution with stride 1, by the transpose of Winograd's F(4x4, 3x3).

    dg = G^T [ sum over squares and images of (B^T d B) * (A dY A^T) ] G        (letters as in winograd4.py)

The sum is, for each of the 36 places, what weight_gradient.py does for a 1x1 convolution whose pixels are squares. The
transformed squares of all places would not fit the second cache, so they are made a third at a time, two rows of the
six: those of the ends 0 and infinity, of the points p and -p, of q and -q. The rows of a point and its negative share
most of their arithmetic.
"""

import numpy as np
from numba.extending import register_jitable

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.conv import aligned
from refpcm.fast.kernels.emit import FLOAT_BYTES, OUT_TILE, in_tile
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import fma, load, splat, store
from refpcm.fast.kernels.weight_gradient import tile_1
from refpcm.fast.kernels.winograd import load_4
from refpcm.fast.kernels.winograd4 import P1, P2, Q1, Q2, SIDE, G, bt, bt_ends, bt_points, load_6, store_6

THIRDS = 3
PLACES = 12  # of a third
SQUARES = 8  # between two additions of lanes, or as many as stand side by side
END, P_0, P_1, P_2, Q_0, Q_1, Q_2 = (np.float32(G[i, j]) for i, j in
                                     ((0, 0), (1, 0), (1, 1), (1, 2), (3, 0), (3, 1), (3, 2)))


@register_jitable
def _a_points(y, point, square):
    """Rows of A of a point and its negative, times a column of 4."""
    even, odd = fma(y[2], splat(square), y[0]), point * fma(y[3], splat(square), y[1])
    return even + odd, even - odd


@register_jitable
def _a(y):
    """A times a column of 4."""
    p, q = _a_points(y, P1, P2), _a_points(y, Q1, Q2)
    return y[0], p[0], p[1], q[0], q[1], y[3]


@register_jitable
def _gt(u):
    """G^T times a column of 6."""
    p, q = u[1] + u[2], u[3] + u[4]
    return u[0] * END + (p * P_0 + q * Q_0), (u[1] - u[2]) * P_1 + (u[3] - u[4]) * Q_1, p * P_2 + (q * Q_2 + u[5])


@register_jitable
def _store_rows(out, at, place, upper, lower):
    store_6(out, at, place, upper)
    store_6(out, at + 6 * place, place, lower)


@kernel
def _transform_input(third, x, at, plane, row, channels, squares, out, first, channel, place):
    """A third of B^T d B of `squares` squares side by side: x[at + ...] to out[first + i place + c channel + t LANES],
    i 6 times the row of the third plus the column.
    """
    for c in range(channels):
        for t in range(squares):
            source, target = at + c * plane + SIDE * t * LANES, first + c * channel + t * LANES
            d0, d1 = load_6(x, source, row), load_6(x, source + LANES, row)
            d2, d3 = load_6(x, source + 2 * LANES, row), load_6(x, source + 3 * LANES, row)
            d4, d5 = load_6(x, source + 4 * LANES, row), load_6(x, source + 5 * LANES, row)
            if third == 0:
                c0, c1, c2 = bt_ends(d0), bt_ends(d1), bt_ends(d2)
                c3, c4, c5 = bt_ends(d3), bt_ends(d4), bt_ends(d5)
            else:
                p, o = (P1, -Q2) if third == 1 else (Q1, -P2)
                c0, c1, c2 = bt_points(d0, p, o), bt_points(d1, p, o), bt_points(d2, p, o)
                c3, c4, c5 = bt_points(d3, p, o), bt_points(d4, p, o), bt_points(d5, p, o)
            _store_rows(out, target, place, bt((c0[0], c1[0], c2[0], c3[0], c4[0], c5[0])),
                        bt((c0[1], c1[1], c2[1], c3[1], c4[1], c5[1])))


@kernel
def _transform_gradient(third, dy, at, plane, row, channels, squares, out, first, channel, place):
    """The same third of A dY A^T."""
    for k in range(channels):
        for t in range(squares):
            source, target = at + k * plane + SIDE * t * LANES, first + k * channel + t * LANES
            if third == 0:
                _store_rows(out, target, place, _a(load_4(dy, source, LANES)), _a(load_4(dy, source + 3 * row, LANES)))
            else:
                p, square = (P1, P2) if third == 1 else (Q1, Q2)
                c0, c1 = (_a_points(load_4(dy, source, row), p, square),
                          _a_points(load_4(dy, source + LANES, row), p, square))
                c2, c3 = (_a_points(load_4(dy, source + 2 * LANES, row), p, square),
                          _a_points(load_4(dy, source + 3 * LANES, row), p, square))
                _store_rows(out, target, place, _a((c0[0], c1[0], c2[0], c3[0])), _a((c0[1], c1[1], c2[1], c3[1])))


@kernel
def weight_gradient_parts(start, stop, x, x_first, x_row, dy, grid, partial):
    """As weight_gradient.weight_gradient_parts, size 3 and stride 1; planes are a multiple of 4 pixels high and wide.

    partial (image_parts, THIRDS, PLACES, blocks, C tiles, LANES), overwritten; a part is a run of groups.
    """
    dy_first, dy_row, rows, columns = grid
    groups, channels, out_channels = x.shape[0], x.shape[1], dy.shape[1]
    blocks, in_blocks, in_channels = partial.shape[3], partial.shape[4], in_tile(1)
    across, down = columns // SIDE, rows // SIDE
    deep = max(1, SQUARES // across)  # rows of squares taken together, of several groups where these are small
    channel = deep * across * LANES
    # Tiles of 4 channels may read past the last channel: memory for them, and a vector against cache conflicts.
    x_place = in_blocks * in_channels * channel + LANES
    dy_place = blocks * OUT_TILE * channel + LANES
    x_squares, v = aligned(PLACES * x_place)
    dy_squares, d = aligned(PLACES * dy_place)
    v_at, d_at = x_squares.ctypes.data + v * FLOAT_BYTES, dy_squares.ctypes.data + d * FLOAT_BYTES
    flat_x, flat_dy, x_plane, dy_plane = x.reshape(-1), dy.reshape(-1), x.shape[2] * LANES, dy.shape[2] * LANES
    for part in range(start, stop):
        partial[part] = 0
        first, last = groups * part // partial.shape[0] * down, groups * (part + 1) // partial.shape[0] * down
        for top in range(first, last, deep):
            count = min(deep, last - top)
            for third in range(THIRDS):
                for h in range(count):
                    group, row, shift = (top + h) // down, SIDE * ((top + h) % down), h * across * LANES
                    x_at = group * channels * x_plane + (x_first + row * x_row) * LANES
                    dy_at = group * out_channels * dy_plane + (dy_first + row * dy_row) * LANES
                    _transform_input(third, flat_x, x_at, x_plane, x_row * LANES, channels, across,
                                     x_squares, v + shift, channel, x_place)
                    _transform_gradient(third, flat_dy, dy_at, dy_plane, dy_row * LANES, out_channels, across,
                                        dy_squares, d + shift, channel, dy_place)
                for i in range(PLACES):
                    for c in range(in_blocks):
                        for b in range(blocks):
                            tile_1(v_at + (i * x_place + c * in_channels * channel) * FLOAT_BYTES,
                                   d_at + (i * dy_place + b * OUT_TILE * channel) * FLOAT_BYTES,
                                   partial[part, third, i, b, c].ctypes.data, 1, count * across,
                                   channel * FLOAT_BYTES, 0, channel * FLOAT_BYTES, 0)


@register_jitable
def _total(partial, at, place):
    """Six places of a row of one tile, added up over the parts in their order; partial[at]: the first."""
    size = THIRDS * PLACES * place
    a, b, c = load(partial, at), load(partial, at + place), load(partial, at + 2 * place)
    d, e, f = load(partial, at + 3 * place), load(partial, at + 4 * place), load(partial, at + 5 * place)
    for part in range(at + size, len(partial), size):
        a, b, c = a + load(partial, part), b + load(partial, part + place), c + load(partial, part + 2 * place)
        d, e = d + load(partial, part + 3 * place), e + load(partial, part + 4 * place)
        f = f + load(partial, part + 5 * place)
    return a, b, c, d, e, f


@kernel
def collect_weight_gradient(start, stop, partial, gradient):
    """Add the parts and apply G^T . G: gradient (K, C, 3, 3); a task is OUT_TILE output channels, a vector a tile."""
    in_channels, flat, place = in_tile(1), partial.reshape(-1), partial.shape[3] * partial.shape[4] * LANES
    tile = np.empty(9 * LANES, np.float32)
    for block in range(start, stop):
        for c in range(partial.shape[4]):
            at = (block * partial.shape[4] + c) * LANES
            r0, r5 = _total(flat, at, place), _total(flat, at + 6 * place, place)
            r1, r2 = _total(flat, at + 12 * place, place), _total(flat, at + 18 * place, place)
            r3, r4 = _total(flat, at + 24 * place, place), _total(flat, at + 30 * place, place)
            c0, c1 = (_gt((r0[0], r1[0], r2[0], r3[0], r4[0], r5[0])), _gt((r0[1], r1[1], r2[1], r3[1], r4[1], r5[1])))
            c2, c3 = (_gt((r0[2], r1[2], r2[2], r3[2], r4[2], r5[2])), _gt((r0[3], r1[3], r2[3], r3[3], r4[3], r5[3])))
            c4, c5 = (_gt((r0[4], r1[4], r2[4], r3[4], r4[4], r5[4])), _gt((r0[5], r1[5], r2[5], r3[5], r4[5], r5[5])))
            for i in range(3):
                for j, value in enumerate(_gt((c0[i], c1[i], c2[i], c3[i], c4[i], c5[i]))):
                    store(tile, (3 * i + j) * LANES, value)
            for k in range(block * OUT_TILE, min((block + 1) * OUT_TILE, gradient.shape[0])):
                for channel in range(c * in_channels, min((c + 1) * in_channels, gradient.shape[1])):
                    for i in range(9):
                        gradient[k, channel, i // 3, i % 3] = tile[i * LANES + k % OUT_TILE * in_channels
                                                                   + channel % in_channels]
