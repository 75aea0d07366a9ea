"""Which kernel computes a convolution, with which packing and how divided: the host side of conv.py and its kin."""

import numpy as np

from refpcm.fast.kernels import (
    conv,
    packing,
    weight_gradient,
    winograd,
    winograd4,
    winograd4_gradient,
    winograd_gradient,
)
from refpcm.fast.kernels.emit import OUT_TILE, in_tile, tile_sums
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.packing import blocks
from refpcm.fast.threads import run_tasks

SHAPES = ((3, 1), (3, 2), (1, 1), (1, 2), (7, 2))  # (kernel, stride) that the kernels know
SECOND_CACHE = 512 * 1024  # bytes that a band of the weight gradient may fill
BAND_PIXELS = 96  # pixels of a row band below which adding up lanes costs too much
PARTS = 8  # pieces of a weight gradient, whatever the number of threads
THREAD_WEIGHTS = 16384  # so many are worth a thread of their own to pack or collect
SMALL_WEIGHTS = 65536  # up to here a weight gradient is split over images, beyond over channels


FORMS = {"direct": 0, "winograd": 4}  # largest side of Winograd's squares of output pixels, 0: none


def corner(plane, padding):
    """Index of the pixel under the first tap of output (0, 0)."""
    return plane.origin - padding * (plane.row + 1)


def side_taken(square, size, stride, inputs, plane):
    """Side of the squares of output pixels that Winograd's form computes this convolution by; 0: the direct form does."""
    if square == 0 or size != 3 or stride != 1 or inputs < winograd.LESS_CHANNELS:
        return 0
    return 4 if square == 4 and plane.height % 4 == 0 and plane.width % 4 == 0 else 2


def convolve(square, scratch, weight, scale, transposed, stride, x, x_plane, padding, out, plane, epilogue, last_lanes):
    """out = convolution of x with `weight` times `scale` (see packing.pack_weights), finished as `epilogue` says.

    square: from FORMS.

    Returns the sums (channels of out, 2), float64.
    """
    inputs, outputs, size = x.shape[1], out.shape[1], weight.shape[2]
    side = side_taken(square, size, stride, inputs, plane)
    if side == 4:
        packed = scratch("packed", (blocks(outputs), winograd4.PLACES, inputs, OUT_TILE))
        pack, kernel, tasks = winograd4.pack_weights, winograd4.convolve_bands, winograd4.bands(plane)
    elif side == 2:
        packed = scratch("packed", (blocks(outputs), winograd.PLACES, inputs, OUT_TILE))
        pack, kernel, tasks = winograd.pack_weights, winograd.convolve_row_pairs, (plane.height + 1) // 2
    else:
        packed = scratch("packed", (blocks(outputs), size, inputs, size, OUT_TILE))
        pack, kernel, tasks = packing.pack_weights, conv.convolve_rows, plane.height
    run_tasks(pack, len(packed), weight, scale, transposed, packed, each=THREAD_WEIGHTS // (weight.size // len(packed)))
    sums = scratch("row sums", (len(x) * tasks, outputs, 2), np.float64)
    run_tasks(kernel, len(sums), x, corner(x_plane, padding), x_plane.row, stride, packed, out, plane.grid, epilogue, sums,
        last_lanes)
    return sums.sum(0)


def input_gradient(square, scratch, weight, stride, dy, dy_plane, out, plane, epilogue, last_lanes):
    """out = gradient of the input, from dy, finished as `epilogue` says; returns the sums like `convolve`."""
    size, inputs = weight.shape[2], out.shape[1]
    if stride == 1:
        ones = np.ones(inputs, np.float32)
        return convolve(square, scratch, weight, ones, True, 1, dy, dy_plane, size // 2, out, plane, epilogue, last_lanes)
    packed = scratch("packed", (4, blocks(inputs), 2, len(weight), 2, OUT_TILE))
    packing.pack_weights_by_parity(weight, packed)
    sums = scratch("row sums", (len(dy) * plane.height, inputs, 2), np.float64)
    run_tasks(conv.input_gradient_rows_stride_2, len(sums), dy, dy_plane.origin, dy_plane.row, packed, size, out, plane.grid,
        epilogue, sums, last_lanes)
    return sums.sum(0)


def weight_gradient_of(square, scratch, layer, x, x_plane, dy, plane):
    """Gradient (K, C, k, k) of the weights of `layer`. How it is divided depends on shapes alone."""
    size, shape = layer.kernel, (layer.out_channels, layer.in_channels, layer.kernel, layer.kernel)
    small = np.prod(shape) <= SMALL_WEIGHTS
    # Where output channels are divided, each part would transform the input anew: the direct form is faster.
    side = side_taken(square, size, layer.stride, layer.in_channels, plane) if small else 0
    gradient = np.empty(shape, np.float32)
    if side == 4:
        _weight_gradient_by_squares_of_4(scratch, layer, x, x_plane, dy, plane, gradient)
        return gradient
    image_parts = min(len(x), PARTS) if small else 1
    tiles = blocks(layer.out_channels)
    tiles_each = -(-tiles // min(tiles, PARTS // image_parts))
    sections = -(-tiles // tiles_each)
    row_bytes = (layer.in_channels * layer.stride ** 2 + layer.out_channels) * plane.width * LANES * 4
    band = max(SECOND_CACHE // row_bytes, -(-BAND_PIXELS // plane.width))
    parts, collect = weight_gradient.weight_gradient_parts, weight_gradient.collect_weight_gradient
    width, places = size, size  # of the kernel as the tile sees it, and how many such tiles there are
    if side == 2:
        parts, collect = winograd_gradient.weight_gradient_parts, winograd_gradient.collect_weight_gradient
        width, places = 1, winograd.PLACES
    in_tiles = -(-layer.in_channels // in_tile(width))
    partial = scratch("partial", (image_parts, sections, tiles_each, in_tiles, places, tile_sums(width)))
    run_tasks(parts, image_parts * sections, x, corner(x_plane, layer.padding), x_plane.row, layer.stride, dy, plane.grid,
        size, image_parts, band, partial)
    run_tasks(collect, layer.out_channels, partial, gradient, each=THREAD_WEIGHTS // gradient[0].size)
    return gradient


def _weight_gradient_by_squares_of_4(scratch, layer, x, x_plane, dy, plane, gradient):
    """Fill `gradient` by winograd4_gradient; a part has a group at least, and enough squares for one addition of lanes."""
    tiles, squares = blocks(layer.out_channels), len(x) * (plane.height // 4) * (plane.width // 4)
    parts = max(1, min(len(x), PARTS, squares // winograd4_gradient.SQUARES))
    partial = scratch("partial", (parts, winograd4_gradient.THIRDS, winograd4_gradient.PLACES, tiles,
                                  -(-layer.in_channels // in_tile(1)), LANES))
    run_tasks(winograd4_gradient.weight_gradient_parts, parts, x, corner(x_plane, layer.padding), x_plane.row, dy, plane.grid,
              partial)
    run_tasks(winograd4_gradient.collect_weight_gradient, tiles, partial, gradient,
              each=THREAD_WEIGHTS // (gradient.size // tiles))
