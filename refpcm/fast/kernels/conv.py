"""Convolution in the lane layout: forward, and the gradient of the input. Twins: refpcm.spec.nn.conv2d_forward, _backward.

A task is one row of one group of 16 images. The innermost tiles come from emit.py.
G groups, C input and K output channels, P pixels of a plane.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.emit import FLOAT_BYTES, OUT_TILE, PIXEL_BYTES, PIXEL_TILE, convolve_tile
from refpcm.fast.kernels.finish import TOTALS, fetch_tile, finish_tile, reduce_totals
from refpcm.fast.kernels.layout import LANES

SPAN = PIXEL_TILE * LANES  # floats of one channel of a tile
tile_3, tile_3_stride_2 = convolve_tile(3, 1), convolve_tile(3, 2)
tile_1, tile_1_stride_2 = convolve_tile(1, 1), convolve_tile(1, 2)
tile_2, tile_7_stride_2 = convolve_tile(2, 1), convolve_tile(7, 2)


@kernel
def aligned(size):
    """`size` zeros, float32, and the index of the first that is 64-byte aligned (more than `size` are made for it)."""
    memory = np.zeros(size + LANES, np.float32)
    return memory, (-memory.ctypes.data % 64) // FLOAT_BYTES


@kernel
def convolve_rows(start, stop, x, x_first, x_row, stride, packed, out, grid, epilogue, sums, last_lanes):
    """Convolution of rows `start` .. `stop` - 1 of all groups, finished as finish.py says.

    x (G, C, P, 16), x_first: index of the pixel under the first tap of output (0, 0); packed from
    packing.pack_weights; out (G, K, P', 16), grid: of its planes (layout.Plane.grid); epilogue: from finish.finish;
    sums (G * rows, K, 2) float64, overwritten (meaningless for AFFINE); last_lanes: images in the last group.
    """
    out_first, out_row, rows, columns = grid
    mode, constants, floor, add, flat_out, addend, output, activation = epilogue
    channels, size, out_channels = packed.shape[2], packed.shape[1], out.shape[1]
    x_plane, out_plane, block_bytes = x.shape[2] * PIXEL_BYTES, out.shape[2] * LANES, packed[0].size * FLOAT_BYTES
    scratch, first = aligned(OUT_TILE * SPAN)
    totals = np.zeros(out_channels * TOTALS, np.float32)
    scratch_at, x_at, packed_at = scratch.ctypes.data + first * FLOAT_BYTES, x.ctypes.data, packed.ctypes.data
    for task in range(start, stop):
        group, row = task // rows, task % rows
        x_task = x_at + group * channels * x_plane + (x_first + row * stride * x_row) * PIXEL_BYTES
        out_task = group * out_channels * out_plane + (out_first + row * out_row) * LANES
        for pixel in range(0, columns, PIXEL_TILE):
            count = min(PIXEL_TILE, columns - pixel) * LANES
            for block in range(packed.shape[0]):
                k = block * OUT_TILE
                end, at = min(k + OUT_TILE, out_channels), out_task + k * out_plane + pixel * LANES
                fetch_tile(mode, add, flat_out, addend, output, activation, end - k, count, at, out_plane)
                args = (x_task + pixel * stride * PIXEL_BYTES, packed_at + block * block_bytes, scratch_at, channels,
                        size, x_plane, x_row * PIXEL_BYTES, SPAN * FLOAT_BYTES, PIXEL_BYTES)
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
                finish_tile(mode, constants, floor, add, flat_out, addend, output, activation, scratch, first, SPAN,
                            k, end, count, at, out_plane, totals)
        reduce_totals(totals, last_lanes if group == x.shape[0] - 1 else LANES, sums[task])


@kernel
def input_gradient_rows_stride_2(start, stop, dy, dy_first, dy_row, packed, taps, out, grid, epilogue, sums, last_lanes):
    """Gradient of the input of a convolution with stride 2: rows `start` .. `stop` - 1 of all groups.

    dy (G, K, P, 16), dy_first: index of its pixel (0, 0); packed from packing.pack_weights_by_parity; taps: 3, or 1
    (then odd rows and columns receive nothing); out (G, C, P', 16) and the rest as for convolve_rows. A tile of even
    and one of odd columns interleave in the scratch.
    """
    out_first, out_row, rows, columns = grid
    mode, constants, floor, add, flat_out, addend, output, activation = epilogue
    channels, out_channels = dy.shape[1], out.shape[1]
    dy_plane, out_plane = dy.shape[2] * PIXEL_BYTES, out.shape[2] * LANES
    scratch, first = aligned(OUT_TILE * 2 * SPAN)
    totals = np.zeros(out_channels * TOTALS, np.float32)
    scratch_at, dy_at, packed_at = scratch.ctypes.data + first * FLOAT_BYTES, dy.ctypes.data, packed.ctypes.data
    case_bytes, block_bytes = packed[0].size * FLOAT_BYTES, packed[0, 0].size * FLOAT_BYTES
    for task in range(start, stop):
        group, row = task // rows, task % rows
        dy_task = dy_at + group * channels * dy_plane + (dy_first + row // 2 * dy_row) * PIXEL_BYTES
        out_task = group * out_channels * out_plane + (out_first + row * out_row) * LANES
        for pixel in range(0, columns, 2 * PIXEL_TILE):
            count = min(2 * PIXEL_TILE, columns - pixel) * LANES
            for block in range(packed.shape[1]):
                c = block * OUT_TILE
                end, at = min(c + OUT_TILE, out_channels), out_task + c * out_plane + pixel * LANES
                fetch_tile(mode, add, flat_out, addend, output, activation, end - c, count, at, out_plane)
                if taps == 1:
                    scratch[:] = 0
                for odd in range(2):
                    if taps == 1 and (odd == 1 or row % 2 == 1):
                        continue
                    w = packed_at + (2 * (row % 2) + odd) * case_bytes + block * block_bytes
                    args = (dy_task + pixel // 2 * PIXEL_BYTES, w, scratch_at + odd * PIXEL_BYTES, channels,
                            1 + row % 2, dy_plane, dy_row * PIXEL_BYTES, 2 * SPAN * FLOAT_BYTES, 2 * PIXEL_BYTES)
                    if odd:
                        tile_2(*args)
                    else:
                        tile_1(*args)
                finish_tile(mode, constants, floor, add, flat_out, addend, output, activation, scratch, first, 2 * SPAN,
                            c, end, count, at, out_plane, totals)
        reduce_totals(totals, last_lanes if group == dy.shape[0] - 1 else LANES, sums[task])
