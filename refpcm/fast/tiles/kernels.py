"""The fast form of `refpcm.spec.pcm.tile.product`: convolutions on tiles in the layout of 16 images, float32.

Conversions and noise are the same operations in the same order as in the specification. A column's sum is added up in
the order kernel row, channel, kernel column of the part's rows, with fused multiply-adds, on every machine; the
specification leaves the order to BLAS: an ADC code may then differ by one where a sum lies on a tie. Every image is
computed for itself, and no two tasks write the same number: results depend on neither batches nor threads.

G groups of 16 images, C input channels, K columns, P row parts, V positions of an image.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.conv import SPAN, aligned, tile_1, tile_1_stride_2, tile_3, tile_3_stride_2, tile_7_stride_2
from refpcm.fast.kernels.emit import FLOAT_BYTES, OUT_TILE, PIXEL_BYTES, PIXEL_TILE
from refpcm.fast.kernels.finish import TOTALS, fetch_tile, finish_tile, reduce_totals
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import first_lanes, lane_sum, load, maximum, splat, store, where_positive
from refpcm.fast.tiles.vectors import any_above, minimum, nearest, product64, root

ZERO, ONE = np.float32(0), np.float32(1)


@kernel
def code_at(x, step, levels):
    """Return the code of one number as the specification computes it, one level farther at most; NaN stays NaN."""
    steps, limit = np.float64(x) / step, np.float64(levels) + 1.0
    return np.float32(np.rint(-limit if steps < -limit else limit if steps > limit else steps))


@kernel
def _convert(source, begin, target, at, count, converter, beyond):
    """target[at:at + count] <- what source[begin:begin + count] is converted to; may be the same place.

    beyond (16,): increased by the number of values beyond the range in every lane.
    """
    levels, step, inverse, certain = converter
    largest, one_more, limit, total = splat(levels), splat(levels + ONE), splat(certain), load(beyond, 0)
    for i in range(0, count, LANES):
        steps = load(source, begin + i) * inverse
        steps = minimum(maximum(steps, ZERO - one_more), one_more)
        code = nearest(steps)
        off = steps - code
        if any_above(maximum(off, ZERO - off), limit):  # too near a tie for float32
            for lane in range(LANES):
                target[at + i + lane] = code_at(source[begin + i + lane], step, levels)
            code = load(target, at + i)
        total = total + where_positive(maximum(code, ZERO - code) - largest, splat(ONE))
        store(target, at + i, product64(minimum(maximum(code, ZERO - largest), largest), step))
    store(beyond, 0, total)


@kernel
def convert_planes(start, stop, x, dac, out, squares, counts, last_lanes):
    """out (G, C, P', 16) <- DAC(x), borders included; squares <- their squares unless it is empty.

    A task is a plane (group, channel); counts[task]: how many inputs saturated.
    """
    size, beyond = x.shape[2] * LANES, np.zeros(LANES, np.float32)
    flat_x, flat_out, flat_squares = x.reshape(-1), out.reshape(-1), squares.reshape(-1)
    for task in range(start, stop):
        beyond[:] = ZERO
        if dac[0] > ZERO:
            _convert(flat_x, task * size, flat_out, task * size, size, dac, beyond)
        if squares.size:
            for i in range(task * size, (task + 1) * size, LANES):
                value = load(flat_out, i)
                store(flat_squares, i, value * value)
        lanes = last_lanes if task // x.shape[1] == x.shape[0] - 1 else LANES
        counts[task] = lane_sum(first_lanes(load(beyond, 0), lanes))


@kernel
def _tile(size, stride, x, w, out, channels, x_plane, x_row):
    """One tile of sums (4 columns, 4 positions, 16 lanes) at address `out`."""
    args = x, w, out, channels, size, x_plane, x_row, SPAN * FLOAT_BYTES, PIXEL_BYTES
    if size == 3 and stride == 1:
        tile_3(*args)
    elif size == 3:
        tile_3_stride_2(*args)
    elif size == 1 and stride == 1:
        tile_1(*args)
    elif size == 1:
        tile_1_stride_2(*args)
    else:
        tile_7_stride_2(*args)


@kernel
def _add_noise(values, first, noise, at, count, sigma):
    for i in range(0, count, LANES):
        store(values, first + i, load(values, first + i) + load(noise, at + i) * sigma)


@kernel
def _add_read_noise(values, variances, first, noise, at, count):
    for i in range(0, count, LANES):
        sigma = root(load(variances, first + i))
        store(values, first + i, load(values, first + i) + load(noise, at + i) * sigma)


@kernel
def product_rows(start, stop, x, squares, x_first, x_row, stride, first, packed, variance, adc, scale, read_noise,
                 sigma, output_noise, out, grid, epilogue, sums, counts, last_lanes):
    """Products of rows `start` .. `stop` - 1 of all groups: tiles, noise, ADC, digital sum, times scale (K,), and what
    refpcm.fast.kernels.finish makes of them.

    x (G, C, P', 16): analog inputs; squares: their squares, where there is read noise. x_first, x_row, grid, epilogue, sums
    (G rows, K, 2), last_lanes: as for refpcm.fast.kernels.conv.convolve_rows. first, packed, variance: from LaneTiles.
    read_noise, output_noise: standard normals (G, P K V, 16), wanted if variance has parts and if sigma is not 0.
    counts[task]: how many sums saturated.
    """
    out_first, out_row, rows, columns = grid
    mode, constants, floor, add, flat_out, addend, output, activation = epilogue
    size, channels, all_columns, positions = packed.shape[2], packed.shape[3], out.shape[1], rows * columns
    x_plane, out_plane, block_bytes = x.shape[2] * PIXEL_BYTES, out.shape[2] * LANES, packed[0, 0].size * FLOAT_BYTES
    scratch, tile_at = aligned(3 * OUT_TILE * SPAN)  # sums of a part, their variances, digital sums of the parts
    tile_size = OUT_TILE * SPAN
    total_at = tile_at + 2 * tile_size
    address = scratch.ctypes.data + tile_at * FLOAT_BYTES
    flat_read, flat_noise = read_noise.reshape(-1), output_noise.reshape(-1)
    variances = scratch[tile_size:]
    totals, beyond = np.zeros(all_columns * TOTALS, np.float32), np.zeros(LANES, np.float32)
    for task in range(start, stop):
        group, row = task // rows, task % rows
        from_task = (group * x.shape[1] * x.shape[2] + x_first + row * stride * x_row) * PIXEL_BYTES
        out_task = group * all_columns * out_plane + (out_first + row * out_row) * LANES
        beyond[:] = ZERO
        for pixel in range(0, columns, PIXEL_TILE):
            count = min(PIXEL_TILE, columns - pixel) * LANES
            for block in range(packed.shape[1]):
                k = block * OUT_TILE
                end, at = min(k + OUT_TILE, all_columns), out_task + k * out_plane + pixel * LANES
                fetch_tile(mode, add, flat_out, addend, output, activation, end - k, count, at, out_plane)
                for p in range(packed.shape[0]):
                    offset = from_task + first[p] * x_plane + pixel * stride * PIXEL_BYTES
                    packed_offset = (p * packed.shape[1] + block) * block_bytes
                    _tile(size, stride, x.ctypes.data + offset, packed.ctypes.data + packed_offset, address, channels,
                          x_plane, x_row * PIXEL_BYTES)
                    if variance.shape[0]:
                        _tile(size, stride, squares.ctypes.data + offset, variance.ctypes.data + packed_offset,
                              address + tile_size * FLOAT_BYTES, channels, x_plane, x_row * PIXEL_BYTES)
                    for t in range(end - k):
                        here = tile_at + t * SPAN
                        z = ((group * packed.shape[0] + p) * all_columns + k + t) * positions + row * columns + pixel
                        if variance.shape[0]:
                            _add_read_noise(scratch, variances, here, flat_read, z * LANES, count)
                        if sigma != ZERO:
                            _add_noise(scratch, here, flat_noise, z * LANES, count, sigma)
                        if adc[0] > ZERO:
                            _convert(scratch, here, scratch, here, count, adc, beyond)
                        for i in range(0, count, LANES):
                            value, sum_at = load(scratch, here + i), total_at + t * SPAN + i
                            if p > 0:
                                value = load(scratch, sum_at) + value
                            if p == packed.shape[0] - 1:
                                value = value * scale[k + t]
                            store(scratch, sum_at, value)
                finish_tile(mode, constants, floor, add, flat_out, addend, output, activation, scratch, total_at, SPAN,
                            k, end, count, at, out_plane, totals)
        lanes = last_lanes if group == x.shape[0] - 1 else LANES
        counts[task] = lane_sum(first_lanes(load(beyond, 0), lanes))
        reduce_totals(totals, lanes, sums[task])
