"""Winograd's F(2x2, 3x3) against the float64 twin; same bound as the direct form."""

import numpy as np
import pytest
from lane_case import Case
from test_conv_kernels import assert_within

from refpcm.fast.kernels.finish import AFFINE, GRADIENT, STATISTICS

SHAPES = [(16, 16, 32, 32, 17), (28, 28, 16, 16, 16), (56, 56, 8, 8, 33), (64, 64, 14, 14, 1), (96, 64, 7, 7, 16),
          (8, 5, 9, 11, 3), (9, 7, 1, 3, 2)]
CASES = pytest.mark.parametrize("c, k, h, w, n", SHAPES)


@CASES
def test_forward_and_input_gradient_are_exact_up_to_rounding(c, k, h, w, n):
    case = Case(2, c, k, h, w, 3, 1, n)
    out, _ = case.forward(AFFINE, np.zeros(k, np.float32))
    assert_within(out, case.exact_forward(), case.exact_forward(np.abs))
    got, _ = case.input_gradient(AFFINE, np.zeros(c, np.float32))
    assert_within(got, case.exact_backward()[0], case.exact_backward(np.abs)[0])


@CASES
def test_weight_gradient_is_exact_up_to_rounding(c, k, h, w, n):
    case = Case(2, c, k, h, w, 3, 1, n)
    got = case.gradient_of_weights()
    assert_within(got, case.exact_backward()[1], case.exact_backward(np.abs)[1])


def test_integers_come_out_exactly():
    """All intermediate numbers are multiples of 1/4 and small: nothing is rounded."""
    case, rng = Case(2, 9, 6, 7, 10, 3, 1, 5), np.random.default_rng(0)
    case.x = rng.integers(-8, 9, case.x.shape).astype(np.float32)
    case.weights = rng.integers(-8, 9, case.weights.shape).astype(np.float32)
    out, _ = case.forward(AFFINE, np.zeros(case.k, np.float32))
    np.testing.assert_array_equal(out, case.exact_forward())


def test_statistics_count_images_and_not_padding():
    case = Case(2, 8, 6, 7, 8, 3, 1, 19)
    reference = np.linspace(-1, 1, case.k).astype(np.float32)
    out, sums = case.forward(STATISTICS, reference)
    shifted = out.astype(np.float64) - reference[:, None, None]
    np.testing.assert_allclose(sums[:, 0], shifted.sum((0, 2, 3)), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(sums[:, 1], (shifted ** 2).sum((0, 2, 3)), rtol=1e-5)


def test_gradient_passes_the_relu_and_is_summed():
    case, rng = Case(2, 6, 8, 9, 10, 3, 1, 18), np.random.default_rng(3)
    addend, output, activation = rng.standard_normal((3, case.n, case.c, case.h, case.w)).astype(np.float32)
    reference = np.linspace(-1, 1, case.c).astype(np.float32)
    got, sums = case.input_gradient(GRADIENT, reference, addend, output, activation)
    exact = np.where(output > 0, case.exact_backward()[0] + addend, 0)
    assert_within(got, exact, case.exact_backward(np.abs)[0], 5)
    np.testing.assert_allclose(sums[:, 0], exact.sum((0, 2, 3)), rtol=1e-4, atol=1e-3)
