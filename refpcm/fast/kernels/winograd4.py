"""3x3 convolution with stride 1 by Winograd's F(4x4, 3x3): 36 products for 16 pixels instead of 144.

    Y = A^T [ (G g G^T) * (B^T d B) ] A         d: 6 x 6 input pixels, g: 3 x 3 weights, Y: 4 x 4 output pixels

The polynomials are interpolated at 0, p, -p, q, -q and infinity (Lavin and Gray, CVPR 2016, take p, q = 1, 2). With
P = p^2, Q = q^2:

    B^T = PQ   0   -P-Q   0    1   0     G = 1/PQ    0     0         A^T = 1  1   1   1   1   0
          0   -pQ  -Q     p    1   0         a       a p   a P             0  p  -p   q  -q   0
          0    pQ  -Q    -p    1   0         a      -a p   a P             0  P   P   Q   Q   0
          0   -qP  -P     q    1   0         b       b q   b Q             0  pP -pP  qQ -qQ  1
          0    qP  -P    -q    1   0         b      -b q   b Q             a = 1 / 2P(P - Q)
          0    PQ   0   -P-Q   0   1         0       0     1               b = 1 / 2Q(Q - P)

p = 5/8 and q = 3/2 cost as many operations as 1 and 2 and halve the error (docs/kernels.md); all numbers of A and B
are exact in float32. The rest is as in winograd.py, with PIXEL_TILE squares of 4 x 4 pixels at a time: side by side,
or, in narrow planes, in more than one row of squares. Planes are a multiple of 4 pixels high and wide.
"""

import numpy as np
from numba.extending import register_jitable

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.conv import aligned, tile_1
from refpcm.fast.kernels.emit import FLOAT_BYTES, OUT_TILE, PIXEL_BYTES, PIXEL_TILE
from refpcm.fast.kernels.finish import TOTALS, fetch_tile, finish_tile, reduce_totals
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import fma, load, prefetch, splat, store

SIDE = 4  # of a square of output pixels
PLACES = 36  # of the element-wise product
TILE = PIXEL_TILE * LANES  # floats of one channel and place
_P, _Q = 5 / 8, 3 / 2
P1, P2, P3 = (np.float32(_P ** n) for n in (1, 2, 3))
Q1, Q2, Q3 = (np.float32(_Q ** n) for n in (1, 2, 3))
PRODUCT, SUM = np.float32((_P * _Q) ** 2), np.float32(_P ** 2 + _Q ** 2)
G = np.array([[1 / (_P * _Q) ** 2, 0, 0],
              *([1 / (2 * p * p * (p * p - q * q)), 1 / (2 * p * (p * p - q * q)), 1 / (2 * (p * p - q * q))]
                for p, q in ((_P, _Q), (-_P, _Q), (_Q, _P), (-_Q, _P))), [0, 0, 1]])


@kernel
def pack_weights(start, stop, weights, scale, transposed, packed):
    """weights (K, C, 3, 3) -> packed (B, PLACES, C, OUT_TILE): G g G^T, in float64 up to the last rounding; arguments
    as for packing.pack_weights."""
    outputs, columns = weights.shape[1] if transposed else weights.shape[0], np.empty((6, 3))
    packed[:, :, start:stop] = 0
    for c in range(start, stop):
        for k in range(outputs):
            g = weights[c, k, ::-1, ::-1] if transposed else weights[k, c, ::1, ::1]
            factor = np.float32(1) if transposed else scale[k]
            for i in range(6):
                for j in range(3):
                    columns[i, j] = (G[i, 0] * g[0, j] + G[i, 1] * g[1, j] + G[i, 2] * g[2, j]) * factor
            for i in range(6):
                for j in range(6):
                    packed[k // OUT_TILE, 6 * i + j, c, k % OUT_TILE] = (
                        G[j, 0] * columns[i, 0] + G[j, 1] * columns[i, 1] + G[j, 2] * columns[i, 2])


@register_jitable
def bt_ends(d):
    """Rows 0 and 5 of B^T times a column of 6."""
    product, both = splat(PRODUCT), splat(-SUM)
    return fma(d[0], product, fma(d[2], both, d[4])), fma(d[1], product, fma(d[3], both, d[5]))


@register_jitable
def bt_points(d, point, other):
    """Rows of B^T of a point and its negative, times a column of 6; other: minus the square of the other point."""
    even, odd = fma(d[2], splat(other), d[4]), point * fma(d[1], splat(other), d[3])
    return even + odd, even - odd


@register_jitable
def bt(d):
    """B^T times a column of 6."""
    ends, p, q = bt_ends(d), bt_points(d, P1, -Q2), bt_points(d, Q1, -P2)
    return ends[0], p[0], p[1], q[0], q[1], ends[1]


@register_jitable
def _at(m):
    """A^T times a column of 6."""
    sum_p, sum_q, difference_p, difference_q = m[1] + m[2], m[3] + m[4], m[1] - m[2], m[3] - m[4]
    return (m[0] + (sum_p + sum_q), fma(difference_p, splat(P1), difference_q * Q1),
            fma(sum_p, splat(P2), sum_q * Q2), fma(difference_p, splat(P3), fma(difference_q, splat(Q3), m[5])))


@register_jitable
def load_6(array, at, step):
    return (load(array, at), load(array, at + step), load(array, at + 2 * step), load(array, at + 3 * step),
            load(array, at + 4 * step), load(array, at + 5 * step))


@register_jitable
def store_6(array, at, step, column):
    for i, value in enumerate(column):
        store(array, at + i * step, value)


@kernel
def transform_input(x, at, x_plane, x_row, channels, squares, out, first, channel, place):
    """B^T d B of `squares` squares side by side: x[at + ...] -> out[first + (6 i + j) place + c channel + t LANES]."""
    for c in range(channels):
        for t in range(squares):
            source, target = at + c * x_plane + SIDE * t * LANES, first + c * channel + t * LANES
            r0, r1 = bt(load_6(x, source, LANES)), bt(load_6(x, source + x_row, LANES))
            r2, r3 = bt(load_6(x, source + 2 * x_row, LANES)), bt(load_6(x, source + 3 * x_row, LANES))
            r4, r5 = bt(load_6(x, source + 4 * x_row, LANES)), bt(load_6(x, source + 5 * x_row, LANES))
            for j in range(6):
                store_6(out, target + j * place, 6 * place, bt((r0[j], r1[j], r2[j], r3[j], r4[j], r5[j])))


@kernel
def _transform_output(products, first, out, at, across, down, span):
    """A^T m A of OUT_TILE channels x across * down squares; out[at + (row * OUT_TILE + k) * span + column * LANES]."""
    place, row = OUT_TILE * TILE, OUT_TILE * span
    for k in range(OUT_TILE):
        for t in range(across * down):
            m, corner = first + k * TILE + t * LANES, at + k * span + SIDE * (t // across * row + t % across * LANES)
            c0, c1 = _at(load_6(products, m, 6 * place)), _at(load_6(products, m + place, 6 * place))
            c2, c3 = _at(load_6(products, m + 2 * place, 6 * place)), _at(load_6(products, m + 3 * place, 6 * place))
            c4, c5 = _at(load_6(products, m + 4 * place, 6 * place)), _at(load_6(products, m + 5 * place, 6 * place))
            for i in range(SIDE):
                pixels = _at((c0[i], c1[i], c2[i], c3[i], c4[i], c5[i]))
                for j in range(SIDE):
                    store(out, corner + i * row + j * LANES, pixels[j])


@register_jitable
def _share(units, i):
    """Of so many units of work, those that belong to place i of PLACES."""
    return range(units * i // PLACES, units * (i + 1) // PLACES)


@register_jitable
def squares_of(columns):
    """How the PIXEL_TILE squares lie: squares side by side, rows of squares."""
    across = min(PIXEL_TILE, columns // SIDE)
    return across, PIXEL_TILE // across


def bands(plane):
    """Tasks of `convolve_bands` in one group."""
    return -(-plane.height // (SIDE * squares_of(plane.width)[1]))


@kernel
def convolve_bands(start, stop, x, x_first, x_row, stride, packed, out, grid, epilogue, sums, last_lanes):
    """As conv.convolve_rows (stride must be 1), but packed by `pack_weights` here, and a task is a band of rows of
    squares: sums (G * bands, K, 2)."""
    out_first, out_row, rows, columns = grid
    mode, constants, floor, add, flat_out, addend, output, activation = epilogue
    across, down = squares_of(columns)
    bands, band_rows, span = -(-rows // (SIDE * down)), SIDE * down, SIDE * across * LANES
    channels, out_channels = packed.shape[2], out.shape[1]
    x_plane, out_plane = x.shape[2] * LANES, out.shape[2] * LANES
    place = channels * TILE + LANES  # one vector more, so that the places do not compete for the same cache sets
    transformed, v = aligned(PLACES * place)
    products, m = aligned(PLACES * OUT_TILE * TILE)
    scratch, first = aligned(band_rows * OUT_TILE * span)
    totals = np.zeros(out_channels * TOTALS, np.float32)
    v_at, m_at = transformed.ctypes.data + v * FLOAT_BYTES, products.ctypes.data + m * FLOAT_BYTES
    block_bytes, w_bytes = packed[0].size * FLOAT_BYTES, packed[0, 0].size * FLOAT_BYTES
    flat_x = x.reshape(-1)
    for task in range(start, stop):
        group, row = task // bands, task % bands * band_rows
        height = min(band_rows, rows - row)
        x_task = group * channels * x_plane + (x_first + row * x_row) * LANES
        out_task = group * out_channels * out_plane + (out_first + row * out_row) * LANES
        for pixel in range(0, columns, SIDE * across):
            count = min(SIDE * across, columns - pixel) * LANES
            for h in range(0, height, SIDE):
                transform_input(flat_x, x_task + (h * x_row + pixel) * LANES, x_plane, x_row * LANES, channels,
                                count // (SIDE * LANES), transformed, v + h // SIDE * across * LANES, TILE, place)
            ahead = x_task + (pixel + SIDE * across) * LANES  # where the next input begins
            if pixel + SIDE * across >= columns:
                after = min(task + 1, stop - 1)
                ahead = (after // bands * channels * x_plane + (x_first + after % bands * band_rows * x_row) * LANES)
            for block in range(packed.shape[0]):
                k = block * OUT_TILE
                c = channels * block // packed.shape[0]
                in_channels = channels * (block + 1) // packed.shape[0] - c
                end, at = min(k + OUT_TILE, out_channels), out_task + k * out_plane + pixel * LANES
                w = packed.ctypes.data + block * block_bytes
                for i in range(PLACES):
                    for unit in _share(in_channels * (height + 2), i):
                        row_at = (c + unit // (height + 2)) * x_plane + unit % (height + 2) * x_row * LANES
                        for line in range(ahead + row_at, ahead + row_at + (SIDE * across + 2) * LANES, LANES):
                            prefetch(flat_x, line)
                    for unit in _share((end - k) * height, i):
                        fetch_tile(mode, add, flat_out, addend, output, activation, 1, count,
                                   at + unit % (end - k) * out_plane + unit // (end - k) * out_row * LANES, out_plane)
                    tile_1(v_at + i * place * FLOAT_BYTES, w + i * w_bytes, m_at + i * OUT_TILE * TILE * FLOAT_BYTES,
                           channels, 1, TILE * FLOAT_BYTES, 0, TILE * FLOAT_BYTES, PIXEL_BYTES)
                _transform_output(products, m, scratch, first, across, down, span)
                for h in range(height):
                    finish_tile(mode, constants, floor, add, flat_out, addend, output, activation, scratch,
                                first + h * OUT_TILE * span, span, k, end, count, at + h * out_row * LANES, out_plane,
                                totals)
        reduce_totals(totals, last_lanes if group == x.shape[0] - 1 else LANES, sums[task])
