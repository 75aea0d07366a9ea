"""Products on tiles for whole images: the host side of kernels.py. Specification: `refpcm.spec.pcm.tile.product`."""

from math import prod

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.fast.kernels import layout
from refpcm.fast.kernels.convolution import SHAPES, corner
from refpcm.fast.kernels.finish import AFFINE, finish
from refpcm.fast.kernels.layout import LANES, SPARE_PLANES, Plane
from refpcm.fast.network.buffers import Scratch
from refpcm.fast.threads import Chain
from refpcm.fast.tiles import kernels as tile_kernels
from refpcm.fast.tiles.layout import lane_tiles
from refpcm.spec.nn.conv2d import output_size
from refpcm.spec.pcm.tile import count, demand_shape, parts

NOTHING = np.zeros((0, 0, 0, LANES), np.float32)
NO_NOISE = np.zeros((0, 0, LANES), np.float32)


def buffer(scratch, name, shape, spare=0):
    """float32 array from a `Scratch`, 64-byte aligned, with `spare` readable floats behind it."""
    memory = scratch(name, (prod(shape) + spare + LANES,))
    start = -memory.ctypes.data % 64 // 4
    return memory[start:start + prod(shape)].reshape(shape)


def lane_product(chain, tiles, scratch, x, x_plane, read_noise, output_noise, scale, out, plane, epilogue, last_lanes):
    """out (G, K, P, 16) <- products of x (G, C, P', 16) with a layer's LaneTiles, times scale (K,), finished as `epilogue`.

    chain: run here, with what waits in it.
    epilogue: from refpcm.fast.kernels.finish. read_noise, output_noise: standard normals (G, row parts * K * positions, 16), or
    NO_NOISE where it is not wanted.
    Returns the sums as `refpcm.fast.kernels.convolution.convolve` does, and how many inputs and how many column sums
    saturated.
    """
    analog, squares, beyond = x, NOTHING, np.zeros(1)
    spare = SPARE_PLANES * x_plane.pixels * LANES
    if tiles.dac[0] > 0:
        analog = buffer(scratch, "analog inputs", x.shape, spare)
    if len(tiles.variance):
        squares = buffer(scratch, "squared inputs", x.shape, spare)
    if analog is not x or squares.size:
        beyond = np.empty(x.shape[0] * x.shape[1])
        chain.add(tile_kernels.convert_planes, len(beyond), x, tiles.dac, analog, squares, beyond, last_lanes)
    tasks = len(x) * plane.height
    sums, counts = scratch("row sums", (tasks, tiles.columns, 2), np.float64), np.empty(tasks)
    chain.add(tile_kernels.product_rows, tasks, analog, squares, corner(x_plane, tiles.padding), x_plane.row, tiles.stride,
              tiles.first, tiles.packed, tiles.variance, tiles.adc, scale, read_noise, tiles.sigma, output_noise, out,
              plane.grid, epilogue, sums, counts, last_lanes)
    chain.run()
    return sums, int(beyond.sum()), int(counts.sum())


def windows_product(values, weights, kernel, stride, padding, tiles, ranges, z=None, w_max=1.0, saturation=None,
                    variance=None, z_read=None):
    """Products of the weights (R, K) with the input vectors of all positions: (N, C, H, W) -> (N, K, H_out, W_out).

    values float32; `padding` zeros are added on every side. The vector of a position is its window (C, kernel, kernel)
    in C order, R = C kernel^2; a pixel is converted once, however many vectors it is in, and counts once, padding not.
    z, z_read: standard normal (N, P, K, V), P row parts, V = H_out W_out positions, wanted as in
    `refpcm.spec.pcm.tile.product`, like the rest.
    Raises RefpcmError for a kernel and stride without a fast form, and for arrays of other shapes.
    """
    if (kernel, stride) not in SHAPES:
        raise RefpcmError(f"products of windows have no fast form for kernel {kernel} with stride {stride}; known are "
                          f"{', '.join(f'{k} with {s}' for k, s in SHAPES)}")
    n, c, h, w = values.shape
    x_plane, groups = Plane(h, w, max(1, padding)), layout.groups(len(values))
    plane = Plane(*(output_size(size, kernel, stride, padding) for size in (h, w)))
    columns = weights.shape[1]
    demand_shape("weights", weights, (c * kernel ** 2, columns))
    noise_shape = n, len(parts(len(weights), tiles.rows)), columns, plane.height * plane.width
    if tiles.output_noise:
        demand_shape("z", z, noise_shape)
    if variance is not None:
        demand_shape("variance", variance, weights.shape)
        demand_shape("z_read", z_read, noise_shape)
    x, out = layout.empty_lanes(groups, c, x_plane), layout.empty_lanes(groups, columns, plane)
    layout.pack(values, x, x_plane)
    layer = lane_tiles(weights, kernel, stride, padding, tiles, ranges, w_max, variance)
    epilogue = finish(AFFINE, np.zeros(columns, np.float32), out)
    noises = [_noise_lanes(noise, groups) if wanted else NO_NOISE
              for noise, wanted in ((z_read, variance is not None), (z, tiles.output_noise))]
    _, dac, adc = lane_product(Chain(groups), layer, Scratch(), x, x_plane, *noises, np.ones(columns, np.float32), out,
                               plane, epilogue, layout.in_last_group(n))
    if saturation is not None:
        count(saturation, tiles, values.size, dac, n * len(layer.first) * columns * plane.height * plane.width, adc)
    return layout.unpack(out, plane, n)


def _noise_lanes(noise, groups):
    """(N, P, K, V) -> (G, P K V, 16)."""
    lanes = np.zeros((groups * LANES, prod(noise.shape[1:])), np.float32)
    lanes[:len(noise)] = noise.reshape(len(noise), -1)
    return np.ascontiguousarray(lanes.reshape(groups, LANES, -1).transpose(0, 2, 1))
