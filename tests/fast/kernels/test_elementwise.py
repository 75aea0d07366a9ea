"""Passes over tensors against the twins of refpcm.spec.nn."""

import numpy as np
import pytest

from refpcm.fast.kernels import elementwise, layout
from refpcm.fast.threads import run_tasks

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


def per_channel(v):
    return v[:, None, None]


@pytest.mark.parametrize("mode", [elementwise.NO_SKIP, elementwise.SKIP, elementwise.SKIP_NORM])
def test_normalise_applies_norm_skip_and_relu(mode):
    z, skip = random(N, C, 6, 5), random(N, C, 6, 5)
    (m, a, b), (sm, sa, sb) = random(3, C), random(3, C)
    out = layout.empty_lanes(GROUPS, C, PLANE)
    run_tasks(elementwise.normalise, GROUPS * C, lanes(z), (m, a, b), mode, lanes(skip), (sm, sa, sb),
        np.float32(0), out, GRID)
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
    run_tasks(elementwise.normalise_gradient, GROUPS * C, lanes(g), lanes(z), m, a, s, o, out, GRID, N - 16)
    exact = per_channel(a) * g + per_channel(s) * (z - per_channel(m)) + per_channel(o)
    np.testing.assert_allclose(layout.unpack(out, PLANE, N), exact, atol=2e-6)
    assert np.all(layout.unpack(out, PLANE, 32)[N:] == 0)


def test_relu_gradient_may_work_in_place():
    g, y, z, mean = random(N, C, 6, 5), random(N, C, 6, 5), random(N, C, 6, 5), random(C)
    tensor, sums = lanes(g), np.empty((GROUPS, C, 2))
    run_tasks(elementwise.relu_gradient, GROUPS * C, tensor, lanes(y), lanes(z), mean, sums, tensor, GRID)
    exact = np.where(y > 0, g, 0)
    np.testing.assert_array_equal(layout.unpack(tensor, PLANE, N), exact)
    products = exact * (z - per_channel(mean))
    np.testing.assert_allclose(sums.sum(0), np.stack([exact.sum((0, 2, 3)), products.sum((0, 2, 3))], 1), atol=1e-4)
    run_tasks(elementwise.gradient_sums, GROUPS * C, tensor, lanes(z), mean, sums, GRID)
    np.testing.assert_allclose(sums.sum(0)[:, 1], products.sum((0, 2, 3)), atol=1e-4)


def test_pack_images_equals_the_layouts_own_pack():
    images, out = random(N, C, 6, 5), layout.empty_lanes(GROUPS, C, PLANE)
    run_tasks(elementwise.pack_images, GROUPS * C, images, out, GRID)
    np.testing.assert_array_equal(out, lanes(images))
