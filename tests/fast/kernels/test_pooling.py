"""Pooling, the option-A shortcut and the linear layer against the twins of refpcm.spec.nn."""

import numpy as np
import pytest

from refpcm.fast.kernels import head, layout, pooling
from refpcm.fast.threads import run_tasks
from refpcm.spec import nn

N, C, PLANE = 19, 3, layout.Plane(6, 5)
RNG = np.random.default_rng(0)
GROUPS = layout.groups(N)
GRID = PLANE.grid


def random(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def lanes(images, plane=PLANE):
    tensor = layout.empty_lanes(layout.groups(len(images)), images.shape[1], plane)
    layout.pack(images, tensor, plane)
    return tensor


@pytest.mark.parametrize("stride, width, before", [(2, 8, 2), (1, 5, 1), (2, 8, 0), (2, 6, 3)])
def test_pad_shortcut_and_its_gradient(stride, width, before):
    x = random(N, C, 6, 5)
    exact = nn.pad_shortcut_forward(x, width, stride, before)
    plane = layout.Plane(*exact.shape[2:])
    out = layout.empty_lanes(GROUPS, width, plane)
    out[:] = 9
    run_tasks(pooling.pad_shortcut, GROUPS * width, lanes(x), GRID, stride, before, out, plane.grid)
    np.testing.assert_array_equal(layout.unpack(out, plane, N), exact)
    g, dx = random(*exact.shape), layout.empty_lanes(GROUPS, C, PLANE)
    dx[:] = 9
    run_tasks(pooling.pad_shortcut_gradient, GROUPS * C, lanes(g, plane), plane.grid, stride, before, dx, GRID)
    np.testing.assert_array_equal(layout.unpack(dx, PLANE, N), nn.pad_shortcut_backward(g, x.shape, stride, before))


def test_max_pool_and_its_gradient_with_equal_maxima():
    x = np.random.default_rng(1).integers(-3, 4, (N, C, 6, 5)).astype(np.float32)
    exact, argmax = nn.max_pool_forward(x, 3, 2, 1)
    plane = layout.Plane(*exact.shape[2:])
    window = 3, 2, 1
    out, dx, g = layout.empty_lanes(GROUPS, C, plane), layout.empty_lanes(GROUPS, C, PLANE), random(*exact.shape)
    run_tasks(pooling.max_pool, GROUPS * C, lanes(x), GRID, window, out, plane.grid)
    np.testing.assert_array_equal(layout.unpack(out, plane, N), exact)
    run_tasks(pooling.max_pool_gradient, GROUPS * C, lanes(g, plane), out, plane.grid, lanes(x), GRID, window, dx)
    wanted = nn.max_pool_backward(g, argmax, x.shape, *window)
    np.testing.assert_allclose(layout.unpack(dx, PLANE, N), wanted, atol=1e-6)


def test_max_pool_keeps_nan_wherever_it_stands_in_a_window():
    x = random(N, C, 6, 5)
    x[0, 0, 2, 2] = x[3, 1, 0, 0] = x[18, 2, 5, 4] = np.nan
    exact = nn.max_pool_forward(x, 3, 2, 1)[0]
    plane = layout.Plane(*exact.shape[2:])
    out = layout.empty_lanes(GROUPS, C, plane)
    run_tasks(pooling.max_pool, GROUPS * C, lanes(x), GRID, (3, 2, 1), out, plane.grid)
    assert np.isnan(exact).sum() == 3
    np.testing.assert_array_equal(layout.unpack(out, plane, N), exact)


def test_average_pool_and_its_gradient():
    x, pooled = random(N, C, 6, 5), np.empty((N, C), np.float32)
    run_tasks(pooling.average_pool, GROUPS * C, lanes(x), GRID, pooled)
    np.testing.assert_allclose(pooled, nn.global_average_pool_forward(x), atol=1e-6)
    g, dx = random(N, C), layout.empty_lanes(GROUPS, C, PLANE)
    run_tasks(pooling.average_pool_gradient, GROUPS * C, g, dx, GRID)
    np.testing.assert_allclose(layout.unpack(dx, PLANE, N), nn.global_average_pool_backward(g, x.shape), atol=1e-7)
    assert np.all(layout.unpack(dx, PLANE, 32)[N:] == 0)


@pytest.mark.parametrize("inputs", [16, 56, 5])
def test_linear_layer_and_gradients(inputs):
    x, weight, bias, dy = random(7, inputs), random(10, inputs), random(10), random(7, 10)
    out, dx, dweight, dbias = np.empty_like(dy), np.empty_like(x), np.empty_like(weight), np.empty_like(bias)
    run_tasks(head.linear, 7, x, weight, bias, out)
    run_tasks(head.linear_input_gradient, 7, dy, weight, dx)
    run_tasks(head.linear_weight_gradient, 10, dy, x, dweight, dbias)
    np.testing.assert_allclose(out, nn.linear_forward(x, weight, bias), atol=1e-5)
    for got, exact in zip((dx, dweight, dbias), nn.linear_backward(dy, x, weight)):
        np.testing.assert_allclose(got, exact, atol=1e-5)
