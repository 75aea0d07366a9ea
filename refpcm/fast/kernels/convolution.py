"""Which kernel computes a convolution, with which packing and how divided: the host side of conv.py and its kin."""

from dataclasses import dataclass

import numpy as np

from refpcm.fast.kernels import conv, weight_gradient, winograd, winograd4, winograd4_gradient, winograd_gradient
from refpcm.fast.kernels.emit import OUT_TILE, in_tile, tile_sums
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.packing import blocks, pack_weights, pack_weights_by_parity
from refpcm.fast.threads import run_tasks

SHAPES = ((3, 1), (3, 2), (1, 1), (1, 2), (7, 2))  # (kernel, stride) that the kernels know
SECOND_CACHE = 512 * 1024  # bytes that a band of the weight gradient may fill
BAND_PIXELS = 96  # pixels of a row band below which adding up lanes costs too much
PARTS = 8  # pieces of a weight gradient, whatever the number of threads
THREAD_WEIGHTS = 16384  # so many are worth a thread of their own to collect
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


@dataclass(frozen=True)
class Packing:
    """The weights of a convolution in the order that its kernel reads: `weights`, filled by `pack`.

    pack: (kernel, tasks, arguments). kernel: of the convolution, with so many tasks for a group of images.
    """
    weights: np.ndarray
    pack: tuple
    kernel: object
    tasks_of_group: int


def packing(square, memory, weight, scale, stride, plane, transposed=False):
    """The Packing of a convolution onto `plane` with `weight` (K, C, k, k) times `scale` (K,), see packing.pack_weights.

    square: from FORMS; memory: gives a float32 array of a shape. transposed: of the gradient of the input, for stride 1.
    """
    outputs, inputs = weight.shape[1::-1] if transposed else weight.shape[:2]
    size, tiles = weight.shape[2], blocks(outputs)
    side = side_taken(square, size, stride, inputs, plane)
    if side == 4:
        shape, pack = (tiles, winograd4.PLACES, inputs, OUT_TILE), winograd4.pack_weights
        kernel, tasks = winograd4.convolve_bands, winograd4.bands(plane)
    elif side == 2:
        shape, pack = (tiles, winograd.PLACES, inputs, OUT_TILE), winograd.pack_weights
        kernel, tasks = winograd.convolve_row_pairs, (plane.height + 1) // 2
    else:
        shape, pack = (tiles, size, inputs, size, OUT_TILE), pack_weights
        kernel, tasks = conv.convolve_rows, plane.height
    packed = memory(shape)
    return Packing(packed, (pack, inputs, (weight, scale, transposed, packed)), kernel, tasks)


def input_gradient_packing(square, memory, weight, stride, plane):
    """The Packing of the gradient, on `plane`, of the input of a convolution with `weight`; the rest as for `packing`."""
    if stride == 1:
        return packing(square, memory, weight, np.ones(weight.shape[1], np.float32), 1, plane, transposed=True)
    packed = memory((4, blocks(weight.shape[1]), 2, len(weight), 2, OUT_TILE))
    return Packing(packed, (pack_weights_by_parity, len(weight), (weight, packed)), conv.input_gradient_rows_stride_2,
                   plane.height)


def convolve(chain, packed, scratch, stride, x, x_plane, padding, out, plane, epilogue, last_lanes):
    """Add to the chain: out = convolution of x with what a Packing holds, finished as `epilogue` says.

    Returns the array of sums (tasks, channels of out, 2), float64, that it will fill. Of AFFINE they mean nothing: all
    convolutions share the array.
    """
    sums = scratch("row sums", (len(x) * packed.tasks_of_group, out.shape[1], 2), np.float64)
    chain.add(packed.kernel, len(sums), x, corner(x_plane, padding), x_plane.row, stride, packed.weights, out, plane.grid,
              epilogue, sums, last_lanes)
    return sums


def input_gradient(chain, packed, scratch, size, stride, dy, dy_plane, out, plane, epilogue, last_lanes):
    """Add to the chain: out = gradient of the input, from dy, finished as `epilogue` says; returns sums as `convolve`.

    size, stride: of the convolution.
    """
    if stride == 1:
        return convolve(chain, packed, scratch, 1, dy, dy_plane, size // 2, out, plane, epilogue, last_lanes)
    sums = scratch("row sums", (len(dy) * packed.tasks_of_group, out.shape[1], 2), np.float64)
    chain.add(packed.kernel, len(sums), dy, dy_plane.origin, dy_plane.row, packed.weights, size, out, plane.grid, epilogue,
              sums, last_lanes)
    return sums


def weight_gradient_of(chain, square, scratch, layer, x, x_plane, dy, plane):
    """Add to the chain the gradient of the weights of `layer`, in parts; how it is divided depends on shapes alone.

    Where a part reads all groups, the chain runs here: before, and for the parts alone.
    Returns a function: once the chain has run, it collects the parts and returns the gradient (K, C, k, k).
    """
    size, shape = layer.kernel, (layer.out_channels, layer.in_channels, layer.kernel, layer.kernel)
    small, side = _is_small(layer), weight_gradient_side(square, layer, plane)
    if side == 4:
        return _weight_gradient_by_squares_of_4(chain, scratch, layer, x, x_plane, dy, plane, shape)
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
    if sections > 1:
        chain.run()
    chain.add(parts, image_parts * sections, x, corner(x_plane, layer.padding), x_plane.row, layer.stride, dy, plane.grid,
              size, image_parts, band, partial)
    if sections > 1:
        chain.run()
    return lambda: _collected(collect, layer.out_channels, partial, shape)


def _is_small(layer):
    return layer.out_channels * layer.in_channels * layer.kernel ** 2 <= SMALL_WEIGHTS


def weight_gradient_side(square, layer, plane):
    """`side_taken` of the gradient of the weights of `layer`, whose output is on `plane`."""
    # Where output channels are divided, each part would transform the input anew: the direct form is taken.
    return side_taken(square, layer.kernel, layer.stride, layer.in_channels, plane) if _is_small(layer) else 0


def _weight_gradient_by_squares_of_4(chain, scratch, layer, x, x_plane, dy, plane, shape):
    """`weight_gradient_of` by winograd4_gradient; a part has a group at least, and enough squares for one addition of
    lanes."""
    tiles, squares = blocks(layer.out_channels), len(x) * (plane.height // 4) * (plane.width // 4)
    parts = max(1, min(len(x), PARTS, squares // winograd4_gradient.SQUARES))
    partial = scratch("partial", (parts, winograd4_gradient.THIRDS, winograd4_gradient.PLACES, tiles,
                                  -(-layer.in_channels // in_tile(1)), LANES))
    chain.add(winograd4_gradient.weight_gradient_parts, parts, x, corner(x_plane, layer.padding), x_plane.row, dy, plane.grid,
              partial)
    return lambda: _collected(winograd4_gradient.collect_weight_gradient, tiles, partial, shape)


def _collected(collect, tasks, partial, shape):
    gradient = np.empty(shape, np.float32)
    run_tasks(collect, tasks, partial, gradient, each=THREAD_WEIGHTS // (gradient.size // tasks))
    return gradient
