"""3x3 convolution with stride 1 by Winograd's F(2x2, 3x3): 16 products for 4 pixels instead of 36.

    Y = A^T [ (G g G^T) * (B^T d B) ] A         d: 4 x 4 input pixels, g: 3 x 3 weights, Y: 2 x 2 output pixels

        G = 1   0    0      B^T = 1  0 -1  0    A^T = 1  1  1  0
            1/2 1/2  1/2          0  1  1  0          0  1 -1 -1
            1/2 -1/2 1/2          0 -1  1  0
            0   0    1            0  1  0 -1

(Lavin and Gray, CVPR 2016, section 4.1.) The product * sums over input channels: for each of its 16 places that is a
1x1 convolution, done by the same tile as in conv.py. A task is a pair of rows of one group; it goes through 8 columns
at a time, so that the transformed input stays in the second cache and the products in the first.
"""

import numpy as np
from numba.extending import register_jitable

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.conv import aligned, tile_1
from refpcm.fast.kernels.emit import FLOAT_BYTES, OUT_TILE, PIXEL_BYTES, PIXEL_TILE
from refpcm.fast.kernels.finish import TOTALS, fetch_tile, finish_tile, reduce_totals
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import load, store

PLACES = 16  # of the element-wise product
TILE = PIXEL_TILE * LANES  # floats of one channel and place: PIXEL_TILE squares of 2 x 2 pixels side by side
COLUMNS = 2 * PIXEL_TILE
LESS_CHANNELS = 8  # below this many input channels the direct form is taken


@kernel
def pack_weights(start, stop, weights, scale, transposed, packed):
    """weights (K, C, 3, 3) -> packed (B, PLACES, C, OUT_TILE): G g G^T; arguments as for packing.pack_weights."""
    half, row = np.float32(0.5), np.empty((4, 3), np.float32)
    outputs = weights.shape[1] if transposed else weights.shape[0]
    packed[:, :, start:stop] = 0
    for c in range(start, stop):
        for k in range(outputs):
            g = weights[c, k, ::-1, ::-1] if transposed else weights[k, c, ::1, ::1]
            factor = np.float32(1) if transposed else scale[k]
            for j in range(3):
                row[0, j], row[3, j] = g[0, j] * factor, g[2, j] * factor
                row[1, j] = half * (row[0, j] + g[1, j] * factor + row[3, j])
                row[2, j] = half * (row[0, j] - g[1, j] * factor + row[3, j])
            for i in range(4):
                first, middle, last = row[i, 0], row[i, 1], row[i, 2]
                target = packed[k // OUT_TILE, 4 * i:4 * i + 4, c, k % OUT_TILE]
                target[0], target[3] = first, last
                target[1], target[2] = half * (first + middle + last), half * (first - middle + last)


@register_jitable
def _bt(d0, d1, d2, d3):
    """B^T times a column."""
    return d0 - d2, d1 + d2, d2 - d1, d1 - d3


@register_jitable
def _at(m0, m1, m2, m3):
    """A^T times a column."""
    return m0 + m1 + m2, m1 - m2 - m3


@register_jitable
def load_4(array, at, step):
    return load(array, at), load(array, at + step), load(array, at + 2 * step), load(array, at + 3 * step)


@kernel
def transform_input(x, at, x_plane, x_row, channels, squares, out, first, channel, place):
    """B^T d B of `squares` squares side by side: x[at + ...] -> out[first + (4 i + j) place + c channel + t LANES]."""
    for c in range(channels):
        for t in range(squares):
            source, target = at + c * x_plane + 2 * t * LANES, first + c * channel + t * LANES
            a0, a1, a2, a3 = _bt(*load_4(x, source, LANES))
            b0, b1, b2, b3 = _bt(*load_4(x, source + x_row, LANES))
            c0, c1, c2, c3 = _bt(*load_4(x, source + 2 * x_row, LANES))
            d0, d1, d2, d3 = _bt(*load_4(x, source + 3 * x_row, LANES))
            store_column(out, target, 4 * place, _bt(a0, b0, c0, d0))
            store_column(out, target + place, 4 * place, _bt(a1, b1, c1, d1))
            store_column(out, target + 2 * place, 4 * place, _bt(a2, b2, c2, d2))
            store_column(out, target + 3 * place, 4 * place, _bt(a3, b3, c3, d3))


@register_jitable
def store_column(out, at, step, column):
    store(out, at, column[0])
    store(out, at + step, column[1])
    store(out, at + 2 * step, column[2])
    store(out, at + 3 * step, column[3])


@kernel
def _transform_output(products, first, out, at, span):
    """A^T m A of OUT_TILE channels x PIXEL_TILE squares; out[at + (r * OUT_TILE + k) * span + column * LANES]."""
    place = OUT_TILE * TILE
    for k in range(OUT_TILE):
        for t in range(PIXEL_TILE):
            m, upper = first + k * TILE + t * LANES, at + k * span + 2 * t * LANES
            lower = upper + OUT_TILE * span
            u0, l0 = _at(*load_4(products, m, 4 * place))
            u1, l1 = _at(*load_4(products, m + place, 4 * place))
            u2, l2 = _at(*load_4(products, m + 2 * place, 4 * place))
            u3, l3 = _at(*load_4(products, m + 3 * place, 4 * place))
            left, right = _at(u0, u1, u2, u3)
            store(out, upper, left)
            store(out, upper + LANES, right)
            left, right = _at(l0, l1, l2, l3)
            store(out, lower, left)
            store(out, lower + LANES, right)


@kernel
def convolve_row_pairs(start, stop, x, x_first, x_row, stride, packed, out, grid, epilogue, sums, last_lanes):
    """As conv.convolve_rows (stride must be 1), but packed by `pack_weights` here, and a task is a pair of rows:
    sums (G * ceil(rows / 2), K, 2)."""
    out_first, out_row, rows, columns = grid
    mode, constants, floor, add, flat_out, addend, output, activation = epilogue
    channels, out_channels, pairs = packed.shape[2], out.shape[1], (rows + 1) // 2
    x_plane, out_plane = x.shape[2] * LANES, out.shape[2] * LANES
    place = channels * TILE + LANES  # one vector more, so that the places do not compete for the same cache sets
    transformed, v = aligned(PLACES * place)
    products, m = aligned(PLACES * OUT_TILE * TILE)
    span = COLUMNS * LANES
    scratch, first = aligned(2 * OUT_TILE * span)
    totals = np.zeros(out_channels * TOTALS, np.float32)
    v_at, m_at = transformed.ctypes.data + v * FLOAT_BYTES, products.ctypes.data + m * FLOAT_BYTES
    block_bytes, w_bytes = packed[0].size * FLOAT_BYTES, packed[0, 0].size * FLOAT_BYTES
    flat_x = x.reshape(-1)
    for task in range(start, stop):
        group, row = task // pairs, 2 * (task % pairs)
        x_task = group * channels * x_plane + (x_first + row * x_row) * LANES
        out_task = group * out_channels * out_plane + (out_first + row * out_row) * LANES
        for pixel in range(0, columns, COLUMNS):
            transform_input(flat_x, x_task + pixel * LANES, x_plane, x_row * LANES, channels, PIXEL_TILE,
                            transformed, v, TILE, place)
            count = min(COLUMNS, columns - pixel) * LANES
            for block in range(packed.shape[0]):
                k = block * OUT_TILE
                end, at = min(k + OUT_TILE, out_channels), out_task + k * out_plane + pixel * LANES
                for r in range(min(2, rows - row)):
                    fetch_tile(mode, add, flat_out, addend, output, activation, end - k, count,
                               at + r * out_row * LANES, out_plane)
                w = packed.ctypes.data + block * block_bytes
                for i in range(PLACES):
                    tile_1(v_at + i * place * FLOAT_BYTES, w + i * w_bytes, m_at + i * OUT_TILE * TILE * FLOAT_BYTES,
                            channels, 1, TILE * FLOAT_BYTES, 0, TILE * FLOAT_BYTES, PIXEL_BYTES)
                _transform_output(products, m, scratch, first, span)
                for r in range(min(2, rows - row)):
                    finish_tile(mode, constants, floor, add, flat_out, addend, output, activation, scratch,
                                first + r * OUT_TILE * span, span, k, end, count, at + r * out_row * LANES, out_plane,
                                totals)
        reduce_totals(totals, last_lanes if group == x.shape[0] - 1 else LANES, sums[task])
