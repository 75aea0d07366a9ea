"""Convolution with output channels as lanes: against the float64 twin, and bit for bit against the other layout."""

import numpy as np
import pytest
from lane_case import Case
from test_conv_kernels import SHAPES, assert_within

from refpcm.kernels import layout, single
from refpcm.kernels.convolution import corner
from refpcm.kernels.finish import AFFINE, NO_FLOOR
from refpcm.kernels.parallel import run
from refpcm.nn.pad_shortcut import channels_before, pad_shortcut_forward

LANES = layout.LANES
MORE_SHAPES = [(16, 17, 9, 9, 1, 1, 2), (40, 20, 8, 17, 3, 2, 3), (17, 33, 6, 25, 3, 1, 2)]


def blocks(channels):
    return -(-channels // LANES)


def to_blocks(images, plane):
    """(N, C, H, W) -> (N, B, P, 16)."""
    n, c = images.shape[:2]
    tensor = layout.empty_lanes(n, blocks(c), plane)
    padded = np.pad(images, ((0, 0), (0, tensor.shape[1] * LANES - c), (0, 0), (0, 0)))
    layout.interior(tensor, plane)[:] = padded.reshape(n, -1, LANES, *images.shape[2:]).transpose(0, 1, 3, 4, 2)
    return tensor


def from_blocks(tensor, plane, channels):
    inside = layout.interior(tensor, plane).transpose(0, 1, 4, 2, 3)
    return inside.reshape(len(tensor), -1, *inside.shape[3:])[:, :channels]


def convolve(case, bias, floor=NO_FLOOR, addend=None):
    """-> (N, K, H', W') of a lane_case.Case, by single.convolve_rows."""
    plane = case.y_plane
    x, out = to_blocks(case.x, case.x_plane), layout.empty_lanes(case.n, blocks(case.k), plane)
    packed = np.full((blocks(case.k), case.size, case.c, case.size, LANES), np.nan, np.float32)
    run(single.pack_weights, len(packed), case.weights, np.ones(case.k, np.float32), packed)
    run(single.convolve_rows, case.n * blocks(case.k) * plane.height, x, corner(case.x_plane, case.padding),
        case.x_plane.row, case.stride, packed, np.pad(bias, (0, -len(bias) % LANES)), addend is not None,
        out if addend is None else to_blocks(addend, plane), floor, out, plane.grid)
    return from_blocks(out, plane, case.k)


@pytest.mark.parametrize("shape", SHAPES + MORE_SHAPES, ids=lambda shape: "-".join(map(str, shape)))
def test_forward_is_exact_up_to_rounding_and_has_the_bits_of_the_other_layout(shape):
    case = Case("vector", *shape)
    out = convolve(case, np.zeros(case.k, np.float32))
    assert_within(out, case.exact_forward(), case.exact_forward(np.abs))
    np.testing.assert_array_equal(out, case.forward(AFFINE, np.zeros(case.k, np.float32))[0])


def test_bias_and_shortcut_are_added_before_the_floor_in_the_same_order():
    case, rng = Case("vector", 20, 19, 8, 8, 3, 2, 3), np.random.default_rng(2)
    bias = rng.standard_normal(case.k).astype(np.float32)
    addend = rng.standard_normal((case.n, case.k, case.out_h, case.out_w)).astype(np.float32)
    out = convolve(case, bias, np.float32(0), addend)
    np.testing.assert_array_equal(out, case.forward(AFFINE, bias, np.float32(0), addend)[0])
    assert (out == 0).any()


def test_images_land_in_the_lanes_of_their_channels():
    images, plane = np.random.default_rng(0).standard_normal((3, 20, 5, 4)).astype(np.float32), layout.Plane(5, 4)
    out = layout.empty_lanes(3, 2, plane)
    run(single.pack_images, 3, images, out, plane.grid)
    np.testing.assert_array_equal(out, to_blocks(images, plane))


@pytest.mark.parametrize("c, k, stride, size", [(16, 32, 2, 8), (3, 20, 1, 5), (17, 40, 2, 7)])
def test_pad_shortcut(c, k, stride, size):
    x = np.random.default_rng(0).standard_normal((2, c, size, size)).astype(np.float32)
    wanted = pad_shortcut_forward(x, k, stride)
    plane, out_plane = layout.Plane(size, size), layout.Plane(*wanted.shape[2:])
    out = layout.empty_lanes(2, blocks(k), out_plane)
    layout.interior(out, out_plane)[:] = np.nan
    run(single.pad_shortcut, 2, to_blocks(x, plane), plane.grid, stride, channels_before(c, k), c, out, out_plane.grid)
    np.testing.assert_array_equal(from_blocks(out, out_plane, k), wanted)
    assert not np.isnan(out).any()
