"""Inference where the lanes of a vector are 16 output channels of one image: for batches that cannot fill 16 lanes.

A tensor is (N, B, P, 16), B = ceil(C / 16) blocks of channels, P pixels of a plane with its border (layout.Plane):
channel c sits in lane c % 16 of block c // 16. That is the layout of the other kernels with blocks of channels in the
place of channels and images in the place of groups, so pooling.py serves both. Lanes beyond the last channel are zero.
"""

from refpcm.kernels.cache import kernel
from refpcm.kernels.conv import aligned
from refpcm.kernels.emit import FLOAT_BYTES, PIXEL_BYTES
from refpcm.kernels.emit_single import PIXELS, channel_tile
from refpcm.kernels.layout import LANES
from refpcm.kernels.vector import load, maximum, splat, store

tile_1, tile_1_stride_2 = channel_tile(1, 1), channel_tile(1, 2)
tile_3, tile_3_stride_2 = channel_tile(3, 1), channel_tile(3, 2)
tile_7_stride_2 = channel_tile(7, 2)


@kernel
def pack_weights(start, stop, weights, scale, packed):
    """weights (K, C, k, k) times scale (K,) -> packed (blocks of K, k, C, k, 16); a task is a block."""
    size = packed.shape[1]
    for block in range(start, stop):
        first = block * LANES
        count = min(LANES, weights.shape[0] - first)
        for c in range(packed.shape[2]):  # outermost, since the taps of c are neighbours in `weights`
            for i in range(size):
                for j in range(size):
                    target = packed[block, i, c, j]
                    for lane in range(count):
                        target[lane] = weights[first + lane, c, i, j] * scale[first + lane]
                    target[count:] = 0


@kernel
def pack_images(start, stop, images, out, grid):
    """images (N, C, H, W) into the lanes of out (N, B, P, 16); a task is an image."""
    first, row, rows, columns = grid
    for n in range(start, stop):
        for c in range(images.shape[1]):
            for h in range(rows):
                for w in range(columns):
                    out[n, c // LANES, first + h * row + w, c % LANES] = images[n, c, h, w]


@kernel
def convolve_rows(start, stop, x, x_first, x_row, stride, packed, bias, add, addend, floor, out, grid):
    """out = max(conv(x) + bias + addend, floor); a task is a row of 16 output channels of one image.

    Tasks are ordered (block of channels, image, row), so that weights are fetched once. x_first: index of the pixel
    under the first tap of output (0, 0); packed from `pack_weights`; bias (B * 16,); addend like out, used if `add`;
    grid: layout.Plane.grid of out. See finish.AFFINE for the order of operations.
    """
    out_first, out_row, rows, columns = grid
    images, blocks, size, channels = x.shape[0], out.shape[1], packed.shape[1], packed.shape[2]
    x_plane, out_plane, block_bytes = x.shape[2] * PIXEL_BYTES, out.shape[2] * LANES, packed[0].size * FLOAT_BYTES
    flat_out, flat_addend, lowest = out.reshape(-1), addend.reshape(-1), splat(floor)
    scratch, first = aligned(PIXELS * LANES)
    scratch_at, x_at, packed_at = scratch.ctypes.data + first * FLOAT_BYTES, x.ctypes.data, packed.ctypes.data
    for task in range(start, stop):
        block, image, row = task // (images * rows), task // rows % images, task % rows
        constant = load(bias, block * LANES)
        x_task = x_at + image * x.shape[1] * x_plane + (x_first + row * stride * x_row) * PIXEL_BYTES
        out_task = (image * blocks + block) * out_plane + (out_first + row * out_row) * LANES
        for pixel in range(0, columns, PIXELS):
            args = (x_task + pixel * stride * PIXEL_BYTES, packed_at + block * block_bytes, scratch_at, channels, size,
                    x_plane, x_row * PIXEL_BYTES)
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
            at = out_task + pixel * LANES
            for i in range(0, min(PIXELS, columns - pixel) * LANES, LANES):
                value = load(scratch, first + i) + constant
                if add:
                    value = value + load(flat_addend, at + i)
                store(flat_out, at + i, maximum(value, lowest))


@kernel
def pad_shortcut(start, stop, x, x_grid, stride, before, channels, out, grid):
    """out[c] = every stride-th pixel of x[c - before]; channels without a source become zero. A task is an image.

    channels: of x. See nn.pad_shortcut.
    """
    (x_first, x_row, _, _), (first, row, rows, columns) = x_grid, grid
    for n in range(start, stop):
        out[n] = 0
        for c in range(channels):
            target = c + before
            for h in range(rows):
                for w in range(columns):
                    source = x[n, c // LANES, x_first + stride * (h * x_row + w), c % LANES]
                    out[n, target // LANES, first + h * row + w, target % LANES] = source
