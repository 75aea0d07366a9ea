"""Convolution in the lane layout: forward, gradient of the input, gradient of the weights.

A task is one row of one group of 16 images (forward, gradient of the input) or one part of the weights (gradient of
the weights). The innermost tiles come from emit.py; conv_plain.py holds the same functions in plain loops.
Twins: refpcm.nn.conv2d. Dimensions: G groups, C input and K output channels, P pixels of a plane, B channel tiles.
"""

import numpy as np

from refpcm.kernels.cache import kernel
from refpcm.kernels.emit import OUT_TILE, PIXEL_BYTES, PIXEL_TILE, convolve_tile, in_tile, tile_sums, weight_gradient_tile
from refpcm.kernels.finish import TOTALS, fetch_tile, finish_tile, reduce_totals
from refpcm.kernels.layout import LANES

FLOAT_BYTES = 4
SPAN = PIXEL_TILE * LANES  # floats of one channel of a tile
_tile_3, _tile_3_stride_2 = convolve_tile(3, 1), convolve_tile(3, 2)
_tile_1, _tile_1_stride_2 = convolve_tile(1, 1), convolve_tile(1, 2)
_tile_2, _tile_7_stride_2 = convolve_tile(2, 1), convolve_tile(7, 2)
_gradient_3, _gradient_3_stride_2 = weight_gradient_tile(3, 1), weight_gradient_tile(3, 2)
_gradient_1, _gradient_1_stride_2 = weight_gradient_tile(1, 1), weight_gradient_tile(1, 2)
_gradient_7_stride_2 = weight_gradient_tile(7, 2)

SHAPES = ((3, 1), (3, 2), (1, 1), (1, 2), (7, 2))  # (kernel, stride) that exist in both directions


@kernel
def pack_weights(weights, scale, transposed, packed):
    """weights (K, C, k, k) -> packed (B, k, C, k, OUT_TILE), times scale[K]; channels past the last are zero.

    transposed: the weights of the convolution that is the gradient of the input (roles of K and C exchanged, taps
    turned round); scale is then not used.
    """
    blocks, size, channels = packed.shape[0], packed.shape[1], packed.shape[2]
    for block in range(blocks):
        for i in range(size):
            for c in range(channels):
                for j in range(size):
                    for t in range(OUT_TILE):
                        k = block * OUT_TILE + t
                        if transposed:
                            inside = k < weights.shape[1]
                            packed[block, i, c, j, t] = weights[c, k, size - 1 - i, size - 1 - j] if inside else 0
                        else:
                            packed[block, i, c, j, t] = weights[k, c, i, j] * scale[k] if k < weights.shape[0] else 0


@kernel
def pack_weights_by_parity(weights, packed):
    """weights (K, C, k, k), k = 1 or 3, of a convolution with stride 2 -> packed (4, B, 2, K, 2, OUT_TILE).

    The gradient at an input pixel uses the taps of one parity of its row and column: parity 0 the middle tap, parity 1
    the outer two in turned order. packed[2 * row parity + column parity, block] starts with (rows, K, columns, tile).
    """
    outputs, inputs, size = weights.shape[0], weights.shape[1], weights.shape[2]
    middle = size // 2
    for case in range(4):
        rows, columns = 1 + case // 2, 1 + case % 2
        for block in range(packed.shape[1]):
            flat = packed[case, block].reshape(-1)
            for i in range(rows):
                for k in range(outputs):
                    for j in range(columns):
                        for t in range(OUT_TILE):
                            c = block * OUT_TILE + t
                            y = middle if rows == 1 else 2 - 2 * i
                            x = middle if columns == 1 else 2 - 2 * j
                            inside = c < inputs and y < size and x < size
                            flat[((i * outputs + k) * columns + j) * OUT_TILE + t] = weights[k, c, y, x] if inside else 0


@kernel
def _aligned(size):
    """`size` zeros, float32, and the index of the first that is 64-byte aligned (room is made for it)."""
    memory = np.zeros(size + LANES, np.float32)
    return memory, (-memory.ctypes.data % 64) // FLOAT_BYTES


@kernel
def convolve_rows(start, stop, x, x_first, x_row, stride, packed, out, out_first, out_row, rows, columns,
                  mode, constants, floor, addend, add, output, activation, sums, last_lanes):
    """Convolution of rows `start` .. `stop` - 1 of all groups, finished as finish.py says.

    x (G, C, P, 16), x_first: index of the pixel under the first tap of output (0, 0); packed from pack_weights;
    out (G, K, P', 16) with out_first its pixel (0, 0); rows, columns: size of the output; constants (K,);
    addend, output, activation: like out; sums (G * rows, K, 2) float64, overwritten (meaningless for AFFINE);
    last_lanes: images in the last group.
    """
    channels, size, out_channels = packed.shape[2], packed.shape[1], out.shape[1]
    x_plane, out_plane, block_bytes = x.shape[2] * PIXEL_BYTES, out.shape[2] * LANES, packed[0].size * FLOAT_BYTES
    scratch, first = _aligned(OUT_TILE * SPAN)
    totals = np.zeros(out_channels * TOTALS, np.float32)
    scratch_at, x_at, packed_at = scratch.ctypes.data + first * FLOAT_BYTES, x.ctypes.data, packed.ctypes.data
    flat_out, flat_addend = out.reshape(-1), addend.reshape(-1)
    flat_output, flat_activation = output.reshape(-1), activation.reshape(-1)
    for task in range(start, stop):
        group, row = task // rows, task % rows
        x_task = x_at + group * channels * x_plane + (x_first + row * stride * x_row) * PIXEL_BYTES
        out_task = group * out_channels * out_plane + (out_first + row * out_row) * LANES
        for pixel in range(0, columns, PIXEL_TILE):
            count = min(PIXEL_TILE, columns - pixel) * LANES
            for block in range(packed.shape[0]):
                k = block * OUT_TILE
                end, at = min(k + OUT_TILE, out_channels), out_task + k * out_plane + pixel * LANES
                fetch_tile(mode, end - k, count, flat_out, at, out_plane, flat_addend, add, flat_output, flat_activation)
                args = (x_task + pixel * stride * PIXEL_BYTES, packed_at + block * block_bytes, scratch_at, channels,
                        size, x_plane, x_row * PIXEL_BYTES, SPAN * FLOAT_BYTES, PIXEL_BYTES)
                if size == 3 and stride == 1:
                    _tile_3(*args)
                elif size == 3:
                    _tile_3_stride_2(*args)
                elif size == 1 and stride == 1:
                    _tile_1(*args)
                elif size == 1:
                    _tile_1_stride_2(*args)
                else:
                    _tile_7_stride_2(*args)
                finish_tile(mode, scratch, first, SPAN, k, end, count, flat_out, at, out_plane, constants, floor,
                            flat_addend, add, flat_output, flat_activation, totals)
        reduce_totals(totals, last_lanes if group == x.shape[0] - 1 else LANES, sums[task])


@kernel
def input_gradient_rows_stride_2(start, stop, dy, dy_first, dy_row, packed, taps, out, out_first, out_row, rows, columns,
                                 mode, constants, floor, addend, add, output, activation, sums, last_lanes):
    """Gradient of the input of a convolution with stride 2: rows `start` .. `stop` - 1 of all groups.

    dy (G, K, P, 16), dy_first: index of its pixel (0, 0); packed from pack_weights_by_parity; taps: 3, or 1 (then odd
    rows and columns receive nothing); out (G, C, P', 16) and the rest as for convolve_rows. A tile of even and one of
    odd columns interleave in the scratch.
    """
    channels, out_channels = dy.shape[1], out.shape[1]
    dy_plane, out_plane = dy.shape[2] * PIXEL_BYTES, out.shape[2] * LANES
    scratch, first = _aligned(OUT_TILE * 2 * SPAN)
    totals = np.zeros(out_channels * TOTALS, np.float32)
    scratch_at, dy_at, packed_at = scratch.ctypes.data + first * FLOAT_BYTES, dy.ctypes.data, packed.ctypes.data
    case_bytes, block_bytes = packed[0].size * FLOAT_BYTES, packed[0, 0].size * FLOAT_BYTES
    flat_out, flat_addend = out.reshape(-1), addend.reshape(-1)
    flat_output, flat_activation = output.reshape(-1), activation.reshape(-1)
    for task in range(start, stop):
        group, row = task // rows, task % rows
        dy_task = dy_at + group * channels * dy_plane + (dy_first + row // 2 * dy_row) * PIXEL_BYTES
        out_task = group * out_channels * out_plane + (out_first + row * out_row) * LANES
        for pixel in range(0, columns, 2 * PIXEL_TILE):
            count = min(2 * PIXEL_TILE, columns - pixel) * LANES
            for block in range(packed.shape[1]):
                c = block * OUT_TILE
                end, at = min(c + OUT_TILE, out_channels), out_task + c * out_plane + pixel * LANES
                fetch_tile(mode, end - c, count, flat_out, at, out_plane, flat_addend, add, flat_output, flat_activation)
                if taps == 1:
                    scratch[:] = 0
                for odd in range(2):
                    if taps == 1 and (odd == 1 or row % 2 == 1):
                        continue
                    w = packed_at + (2 * (row % 2) + odd) * case_bytes + block * block_bytes
                    args = (dy_task + pixel // 2 * PIXEL_BYTES, w, scratch_at + odd * PIXEL_BYTES, channels,
                            1 + row % 2, dy_plane, dy_row * PIXEL_BYTES, 2 * SPAN * FLOAT_BYTES, 2 * PIXEL_BYTES)
                    if odd:
                        _tile_2(*args)
                    else:
                        _tile_1(*args)
                finish_tile(mode, scratch, first, 2 * SPAN, c, end, count, flat_out, at, out_plane, constants, floor,
                            flat_addend, add, flat_output, flat_activation, totals)
        reduce_totals(totals, last_lanes if group == dy.shape[0] - 1 else LANES, sums[task])


@kernel
def weight_gradient_parts(start, stop, x, x_first, x_row, stride, dy, dy_first, dy_row, rows, columns, size,
                          image_parts, band, partial):
    """Parts `start` .. `stop` - 1 of the weight gradient.

    x (G, C, P, 16) with x_first as for convolve_rows; dy (G, K, P', 16), lanes without an image zero; partial
    (image_parts, channel_parts, blocks a part, C tiles, size, tile_sums), overwritten. A part is (run of groups, run
    of channel tiles); it walks bands of `band` rows, so that x and dy of a band stay in the second cache.
    """
    groups, channels, out_channels = x.shape[0], x.shape[1], dy.shape[1]
    blocks, in_blocks, in_channels = partial.shape[2], partial.shape[3], in_tile(size)
    x_plane, dy_plane = x.shape[2] * PIXEL_BYTES, dy.shape[2] * PIXEL_BYTES
    x_at, dy_at, sums_bytes = x.ctypes.data, dy.ctypes.data, partial.shape[5] * FLOAT_BYTES
    for part in range(start, stop):
        images, section = part // partial.shape[1], part % partial.shape[1]
        own = partial[images, section]
        own[:] = 0
        for group in range(groups * images // image_parts, groups * (images + 1) // image_parts):
            for top in range(0, rows, band):
                height = min(band, rows - top)
                x_band = x_at + group * channels * x_plane + (x_first + top * stride * x_row) * PIXEL_BYTES
                dy_band = dy_at + group * out_channels * dy_plane + (dy_first + top * dy_row) * PIXEL_BYTES
                for c in range(in_blocks):
                    for b in range(blocks):
                        k = (section * blocks + b) * OUT_TILE
                        if k >= out_channels:
                            break
                        for i in range(size):
                            args = (x_band + c * in_channels * x_plane + i * x_row * PIXEL_BYTES, dy_band + k * dy_plane,
                                    own.ctypes.data + ((b * in_blocks + c) * size + i) * sums_bytes, height, columns,
                                    x_plane, stride * x_row * PIXEL_BYTES, dy_plane, dy_row * PIXEL_BYTES)
                            if size == 3 and stride == 1:
                                _gradient_3(*args)
                            elif size == 3:
                                _gradient_3_stride_2(*args)
                            elif size == 1 and stride == 1:
                                _gradient_1(*args)
                            elif size == 1:
                                _gradient_1_stride_2(*args)
                            else:
                                _gradient_7_stride_2(*args)


@kernel
def collect_weight_gradient(start, stop, partial, gradient):
    """Add the parts in their order and put them into gradient (K, C, k, k); a task is one output channel."""
    channels, size = gradient.shape[1], gradient.shape[2]
    in_channels, blocks = in_tile(size), partial.shape[2]
    for k in range(start, stop):
        section, block = k // OUT_TILE // blocks, k // OUT_TILE % blocks
        for c in range(channels):
            for i in range(size):
                for j in range(size):
                    at = ((k % OUT_TILE) * in_channels + c % in_channels) * size + j
                    total = np.float32(0)
                    for images in range(partial.shape[0]):
                        total += partial[images, section, block, c // in_channels, i, at]
                    gradient[k, c, i, j] = total


__all__ = ["pack_weights", "pack_weights_by_parity", "convolve_rows", "input_gradient_rows_stride_2",
           "weight_gradient_parts", "collect_weight_gradient", "tile_sums", "in_tile", "SHAPES"]
