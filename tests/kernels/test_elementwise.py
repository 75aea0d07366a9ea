"""Passes over tensors against the twins of refpcm.nn."""

import numpy as np
import pytest

from refpcm import nn
from refpcm.kernels import elementwise, head, layout
from refpcm.kernels.parallel import run

N, C, PLANE = 19, 3, layout.Plane(6, 5)
RNG = np.random.default_rng(0)
GROUPS = layout.groups(N)
SHAPE = (PLANE.origin, PLANE.row, PLANE.height, PLANE.width)


def random(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def lanes(images, plane=PLANE):
    tensor = layout.empty_lanes(layout.groups(len(images)), images.shape[1], plane)
    layout.pack(images, tensor, plane)
    return tensor


def per_channel(v):
    return v[:, None, None]


@pytest.mark.parametrize("mode", [elementwise.NO_SKIP, elementwise.SKIP, elementwise.SKIP_NORM])
def test_normalise_applies_norm_skip_and_relu(mode):
    z, skip = random(N, C, 6, 5), random(N, C, 6, 5)
    (m, a, b), (sm, sa, sb) = random(3, C), random(3, C)
    out = layout.empty_lanes(GROUPS, C, PLANE)
    run(elementwise.normalise, GROUPS * C, lanes(z), m, a, b, mode, lanes(skip), sm, sa, sb, np.float32(0), out, *SHAPE)
    exact = (z - per_channel(m)) * per_channel(a) + per_channel(b)
    if mode == elementwise.SKIP:
        exact = exact + skip
    elif mode == elementwise.SKIP_NORM:
        exact = exact + (skip - per_channel(sm)) * per_channel(sa) + per_channel(sb)
    np.testing.assert_allclose(layout.unpack(out, PLANE, N), np.maximum(exact, 0), atol=2e-6)


def test_normalise_gradient_leaves_padding_lanes_zero():
    g, z = random(N, C, 6, 5), random(N, C, 6, 5)
    m, a, s, o = random(4, C)
    out = layout.empty_lanes(GROUPS, C, PLANE)
    run(elementwise.normalise_gradient, GROUPS * C, lanes(g), lanes(z), m, a, s, o, out, *SHAPE, N - 16)
    exact = per_channel(a) * g + per_channel(s) * (z - per_channel(m)) + per_channel(o)
    np.testing.assert_allclose(layout.unpack(out, PLANE, N), exact, atol=2e-6)
    assert np.all(layout.unpack(out, PLANE, 32)[N:] == 0)


def test_relu_gradient_may_work_in_place():
    g, y, z, mean = random(N, C, 6, 5), random(N, C, 6, 5), random(N, C, 6, 5), random(C)
    tensor, sums = lanes(g), np.empty((GROUPS, C, 2))
    run(elementwise.relu_gradient, GROUPS * C, tensor, lanes(y), lanes(z), mean, sums, tensor, *SHAPE)
    exact = np.where(y > 0, g, 0)
    np.testing.assert_array_equal(layout.unpack(tensor, PLANE, N), exact)
    products = exact * (z - per_channel(mean))
    np.testing.assert_allclose(sums.sum(0), np.stack([exact.sum((0, 2, 3)), products.sum((0, 2, 3))], 1), atol=1e-4)
    run(elementwise.gradient_sums, GROUPS * C, tensor, lanes(z), mean, sums, *SHAPE)
    np.testing.assert_allclose(sums.sum(0)[:, 1], products.sum((0, 2, 3)), atol=1e-4)


@pytest.mark.parametrize("stride, width", [(2, 8), (1, 5)])
def test_pad_shortcut_and_its_gradient(stride, width):
    x = random(N, C, 6, 5)
    exact = nn.pad_shortcut_forward(x, width, stride)
    plane = layout.Plane(*exact.shape[2:])
    before = (width - C) // 2
    out = layout.empty_lanes(GROUPS, width, plane)
    out[:] = 9
    shape = (plane.origin, plane.row, plane.height, plane.width)
    run(elementwise.pad_shortcut, GROUPS * width, lanes(x), PLANE.origin, PLANE.row, stride, before, out, *shape)
    np.testing.assert_array_equal(layout.unpack(out, plane, N), exact)
    g, dx = random(*exact.shape), layout.empty_lanes(GROUPS, C, PLANE)
    dx[:] = 9
    run(elementwise.pad_shortcut_gradient, GROUPS * C, lanes(g, plane), *shape, stride, before, dx,
        PLANE.origin, PLANE.row)
    np.testing.assert_array_equal(layout.unpack(dx, PLANE, N), nn.pad_shortcut_backward(g, x.shape, stride))


def test_max_pool_and_its_gradient_with_equal_maxima():
    x = np.random.default_rng(1).integers(-3, 4, (N, C, 6, 5)).astype(np.float32)
    exact, argmax = nn.max_pool_forward(x, 3, 2, 1)
    plane = layout.Plane(*exact.shape[2:])
    shape, window = (plane.origin, plane.row, plane.height, plane.width), (3, 2, 1)
    out, dx, g = layout.empty_lanes(GROUPS, C, plane), layout.empty_lanes(GROUPS, C, PLANE), random(*exact.shape)
    run(elementwise.max_pool, GROUPS * C, lanes(x), *SHAPE, *window, out, *shape)
    np.testing.assert_array_equal(layout.unpack(out, plane, N), exact)
    run(elementwise.max_pool_gradient, GROUPS * C, lanes(g, plane), out, *shape, lanes(x), *SHAPE, *window, dx)
    np.testing.assert_allclose(layout.unpack(dx, PLANE, N), nn.max_pool_backward(g, argmax, x.shape, *window), atol=1e-6)


def test_average_pool_and_its_gradient():
    x, pooled = random(N, C, 6, 5), np.empty((N, C), np.float32)
    run(elementwise.average_pool, GROUPS * C, lanes(x), *SHAPE, pooled)
    np.testing.assert_allclose(pooled, nn.global_average_pool_forward(x), atol=1e-6)
    g, dx = random(N, C), layout.empty_lanes(GROUPS, C, PLANE)
    run(elementwise.average_pool_gradient, GROUPS * C, g, dx, *SHAPE)
    np.testing.assert_allclose(layout.unpack(dx, PLANE, N), nn.global_average_pool_backward(g, x.shape), atol=1e-7)
    assert np.all(layout.unpack(dx, PLANE, 32)[N:] == 0)


def test_pack_images_equals_the_layouts_own_pack():
    images, out = random(N, C, 6, 5), layout.empty_lanes(GROUPS, C, PLANE)
    run(elementwise.pack_images, GROUPS * C, images, out, *SHAPE)
    np.testing.assert_array_equal(out, lanes(images))


@pytest.mark.parametrize("inputs", [16, 56, 5])
def test_linear_layer_and_gradients(inputs):
    x, weight, bias, dy = random(7, inputs), random(10, inputs), random(10), random(7, 10)
    out, dx, dweight, dbias = np.empty_like(dy), np.empty_like(x), np.empty_like(weight), np.empty_like(bias)
    run(head.linear, 7, x, weight, bias, out)
    run(head.linear_input_gradient, 7, dy, weight, dx)
    run(head.linear_weight_gradient, 10, dy, x, dweight, dbias)
    np.testing.assert_allclose(out, nn.linear_forward(x, weight, bias), atol=1e-5)
    for got, exact in zip((dx, dweight, dbias), nn.linear_backward(dy, x, weight)):
        np.testing.assert_allclose(got, exact, atol=1e-5)
