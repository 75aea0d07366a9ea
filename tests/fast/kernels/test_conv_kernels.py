"""Convolution kernels against the float64 twins, within 8 u S: u = 2^-24, S the sum of the absolute products."""

import numpy as np
import pytest
from lane_case import Case

from refpcm.fast.kernels.finish import AFFINE, GRADIENT, STATISTICS

U = 2.0 ** -24
# (C, K, H, W, kernel, stride, N): the paper's shapes, those of the other networks, and awkward ones.
SHAPES = [(3, 16, 32, 32, 3, 1, 17), (16, 16, 32, 32, 3, 1, 16), (16, 28, 32, 32, 3, 2, 5), (16, 28, 32, 32, 1, 2, 5),
          (28, 28, 16, 16, 3, 1, 33), (28, 56, 16, 16, 3, 2, 16), (56, 56, 8, 8, 3, 1, 16), (3, 64, 30, 30, 7, 2, 2),
          (64, 64, 14, 14, 3, 1, 1), (64, 96, 7, 7, 3, 1, 16), (5, 7, 9, 11, 3, 1, 3), (5, 6, 11, 9, 3, 2, 18),
          (7, 5, 10, 13, 1, 2, 4), (6, 9, 5, 3, 1, 1, 2), (1, 1, 1, 1, 3, 1, 1), (2, 3, 2, 1, 3, 2, 2)]
CASES = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(map(str, shape)))


def assert_within(got, exact, absolute, extra=0):
    """|got - exact| <= 8 u S elementwise; extra: magnitude of what was added besides."""
    worst = np.max(np.abs(got - exact) / (8 * U * (absolute + extra) + 1e-30))
    assert worst <= 1, f"error is {worst:.2f} times the bound"


@CASES
def test_forward_is_exact_up_to_rounding(shape):
    case = Case(0, *shape)
    out, _ = case.forward(AFFINE, np.zeros(case.k, np.float32))
    assert_within(out, case.exact_forward(), case.exact_forward(np.abs))


@CASES
def test_gradients_are_exact_up_to_rounding(shape):
    case = Case(0, *shape)
    exact, absolute = case.exact_backward(), case.exact_backward(np.abs)
    assert_within(case.weight_gradient(), exact[1], absolute[1])
    if case.size != 7:  # only ever the first layer, whose input needs no gradient
        assert_within(case.input_gradient(AFFINE, np.zeros(case.c, np.float32))[0], exact[0], absolute[0])


@pytest.mark.parametrize("n", [16, 19])
def test_statistics_count_images_and_not_padding(n):
    case = Case(0, 5, 6, 8, 8, 3, 1, n)
    reference = np.linspace(-1, 1, case.k).astype(np.float32)
    out, sums = case.forward(STATISTICS, reference)
    shifted = out.astype(np.float64) - reference[:, None, None]
    np.testing.assert_allclose(sums[:, 0], shifted.sum((0, 2, 3)), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(sums[:, 1], (shifted ** 2).sum((0, 2, 3)), rtol=1e-5)


def test_inference_adds_bias_and_shortcut_then_clips():
    case = Case(0, 4, 6, 8, 8, 3, 2, 3)
    bias = np.linspace(-2, 2, case.k).astype(np.float32)
    addend = np.random.default_rng(2).standard_normal((case.n, case.k, case.out_h, case.out_w)).astype(np.float32)
    out, _ = case.forward(AFFINE, bias, np.float32(0), addend)
    exact = np.maximum(case.exact_forward() + bias[:, None, None] + addend, 0)
    assert_within(out, exact, case.exact_forward(np.abs), 5)


@pytest.mark.parametrize("stride, size", [(1, 3), (2, 3), (2, 1)])
@pytest.mark.parametrize("with_addend", [False, True])
def test_gradient_passes_the_relu_and_is_summed(stride, size, with_addend):
    case, rng = Case(0, 6, 5, 9, 10, size, stride, 18), np.random.default_rng(3)
    addend, output, activation = rng.standard_normal((3, case.n, case.c, case.h, case.w)).astype(np.float32)
    reference = np.linspace(-1, 1, case.c).astype(np.float32)
    got, sums = case.input_gradient(GRADIENT, reference, addend if with_addend else None, output, activation)
    total = case.exact_backward()[0] + (addend if with_addend else 0)
    exact = np.where(output > 0, total, 0)
    assert_within(got, exact, case.exact_backward(np.abs)[0], 5)
    assert np.all(got[output <= 0] == 0)
    np.testing.assert_allclose(sums[:, 0], exact.sum((0, 2, 3)), rtol=1e-4, atol=1e-3)
    products = exact * (activation.astype(np.float64) - reference[:, None, None])
    np.testing.assert_allclose(sums[:, 1], products.sum((0, 2, 3)), rtol=1e-4, atol=1e-3)


def test_weight_gradient_parts_and_bands_change_rounding_only():
    case = Case(0, 9, 13, 12, 12, 3, 1, 50)
    results = [case.weight_gradient(*split) for split in ((1, 1, 12), (4, 1, 5), (2, 4, 1))]
    exact, absolute = case.exact_backward()[1], case.exact_backward(np.abs)[1]
    for result in results:
        assert_within(result, exact, absolute)
