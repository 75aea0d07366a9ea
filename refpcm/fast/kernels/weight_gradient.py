"""Gradient of a convolution's weights in the lane layout. Twin: refpcm.spec.nn.conv2d_backward.

A task is one part of the images and of the output channels; parts are added up in their order afterwards.
G groups, C input and K output channels, P pixels of a plane.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.emit import FLOAT_BYTES, OUT_TILE, PIXEL_BYTES, in_tile, weight_gradient_tile

tile_3, tile_3_stride_2 = weight_gradient_tile(3, 1), weight_gradient_tile(3, 2)
tile_1, tile_1_stride_2 = weight_gradient_tile(1, 1), weight_gradient_tile(1, 2)
tile_7_stride_2 = weight_gradient_tile(7, 2)


@kernel
def weight_gradient_parts(start, stop, x, x_first, x_row, stride, dy, grid, size, image_parts, band, partial):
    """Parts `start` .. `stop` - 1 of the weight gradient.

    x (G, C, P, 16), x_first: index of the pixel under the first tap of output (0, 0); dy (G, K, P', 16), lanes
    without an image zero, grid: of its planes (layout.Plane.grid); partial
    (image_parts, channel_parts, blocks a part, C tiles, size, tile_sums), overwritten. A part is (run of groups, run
    of channel tiles); it walks bands of `band` rows, so that x and dy of a band stay in the second cache.
    """
    dy_first, dy_row, rows, columns = grid
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
                            x_tile = x_band + c * in_channels * x_plane + i * x_row * PIXEL_BYTES
                            args = (x_tile, dy_band + k * dy_plane,
                                    own.ctypes.data + ((b * in_blocks + c) * size + i) * sums_bytes, height, columns,
                                    x_plane, stride * x_row * PIXEL_BYTES, dy_plane, dy_row * PIXEL_BYTES)
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
