"""Winograd's F(4x4, 3x3) against the float64 twin.

Its errors follow the largest products of a square's surroundings, not those of the single pixel. On normal numbers
they stay within 24 u S, S the sum of a pixel's absolute products; on any numbers within C + 18 roundings of the sum
of the absolute terms that the transformed form adds up.
"""

import numpy as np
import pytest
from lane_case import Case
from test_conv_kernels import U, assert_within

from refpcm.fast.kernels import winograd4
from refpcm.fast.kernels.finish import AFFINE, GRADIENT, STATISTICS

SHAPES = [(16, 16, 32, 32, 17), (28, 28, 16, 16, 16), (56, 56, 8, 8, 33), (12, 9, 4, 12, 3), (8, 5, 20, 28, 3),
          (9, 7, 4, 4, 2), (64, 24, 12, 8, 1)]
CASES = pytest.mark.parametrize("c, k, h, w, n", SHAPES)
BOUND = 3  # times the direct form's 8 u S


def bt():
    """B^T (6, 6): row i is the polynomial that vanishes at all points but the i-th."""
    p, q = winograd4.P1, winograd4.Q1
    rows = [np.poly([r for r in (0, p, -p, q, -q) if r != root])[::-1] for root in (0, p, -p, q, -q)]
    return np.array([*(np.append(row, 0) for row in rows), np.poly([0, p, -p, q, -q])[::-1]])


def at():
    """A^T (4, 6)."""
    p, q = float(winograd4.P1), float(winograd4.Q1)
    return np.array([[root ** i for root in (0, p, -p, q, -q)] + [float(i == 3)] for i in range(4)])


def test_the_matrices_are_those_of_a_convolution():
    rng = np.random.default_rng(0)
    d, g = rng.standard_normal(6), rng.standard_normal(3)
    np.testing.assert_allclose(at() @ ((winograd4.G @ g) * (bt() @ d)), np.correlate(d, g), rtol=1e-12)


@CASES
def test_forward_and_input_gradient_are_exact_up_to_rounding(c, k, h, w, n):
    case = Case(4, c, k, h, w, 3, 1, n)
    out, _ = case.forward(AFFINE, np.zeros(k, np.float32))
    assert_within(out, case.exact_forward(), BOUND * case.exact_forward(np.abs))
    got, _ = case.input_gradient(AFFINE, np.zeros(c, np.float32))
    assert_within(got, case.exact_backward()[0], BOUND * case.exact_backward(np.abs)[0])


@CASES
def test_weight_gradient_is_exact_up_to_rounding(c, k, h, w, n):
    case = Case(4, c, k, h, w, 3, 1, n)
    got = case.gradient_of_weights()
    assert_within(got, case.exact_backward()[1], BOUND * case.exact_backward(np.abs)[1])


def test_weight_gradients_are_those_of_the_squares_of_four():
    """Not those of F(2x2), which would pass every bound here."""
    four, two, none = (Case(square, 12, 8, 8, 8, 3, 1, 16).gradient_of_weights() for square in (4, 2, 0))
    assert np.any(four != two) and np.any(two != none) and np.any(four != none)


def test_errors_are_bounded_by_the_terms_of_the_transformed_sum_for_any_numbers():
    """Inputs over six decades, where the bound in S fails, as it must."""
    case, rng = Case(4, 24, 8, 16, 16, 3, 1, 4), np.random.default_rng(1)
    case.x *= 10.0 ** rng.uniform(-3, 3, case.x.shape).astype(np.float32)
    out, _ = case.forward(AFFINE, np.zeros(case.k, np.float32))
    assert np.any(np.abs(out - case.exact_forward()) > BOUND * 8 * U * case.exact_forward(np.abs))
    b, a, g = np.abs(bt()), np.abs(at()), np.abs(winograd4.G)
    weights = g @ np.abs(case.weights.astype(np.float64)) @ g.T
    padded = np.pad(np.abs(case.x.astype(np.float64)), ((0, 0), (0, 0), (1, 1), (1, 1)))
    squares = np.lib.stride_tricks.sliding_window_view(padded, (6, 6), (2, 3))[:, :, ::4, ::4]
    products = np.einsum("kcij,nchwij->nkhwij", weights, b @ squares @ b.T, optimize=True)
    terms = (a @ products @ a.T).swapaxes(3, 4).reshape(out.shape)
    assert np.all(np.abs(out - case.exact_forward()) <= (case.c + 18) * U * terms)


@pytest.mark.parametrize("h, w", [(14, 14), (7, 7), (8, 10), (1, 3)])
def test_other_sizes_are_computed_in_squares_of_two(h, w):
    four, two = Case(4, 9, 6, h, w, 3, 1, 3), Case(2, 9, 6, h, w, 3, 1, 3)
    zeros = np.zeros(6, np.float32)
    np.testing.assert_array_equal(four.forward(AFFINE, zeros)[0], two.forward(AFFINE, zeros)[0])


def test_statistics_count_images_and_not_padding():
    case = Case(4, 8, 6, 8, 8, 3, 1, 19)
    reference = np.linspace(-1, 1, case.k).astype(np.float32)
    out, sums = case.forward(STATISTICS, reference)
    shifted = out.astype(np.float64) - reference[:, None, None]
    np.testing.assert_allclose(sums[:, 0], shifted.sum((0, 2, 3)), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(sums[:, 1], (shifted ** 2).sum((0, 2, 3)), rtol=1e-5)


def test_gradient_passes_the_relu_and_is_summed():
    case, rng = Case(4, 6, 8, 12, 8, 3, 1, 18), np.random.default_rng(3)
    addend, output, activation = rng.standard_normal((3, case.n, case.c, case.h, case.w)).astype(np.float32)
    reference = np.linspace(-1, 1, case.c).astype(np.float32)
    got, sums = case.input_gradient(GRADIENT, reference, addend, output, activation)
    exact = np.where(output > 0, case.exact_backward()[0] + addend, 0)
    assert_within(got, exact, BOUND * case.exact_backward(np.abs)[0], 5)
    np.testing.assert_allclose(sums[:, 0], exact.sum((0, 2, 3)), rtol=1e-4, atol=1e-3)
