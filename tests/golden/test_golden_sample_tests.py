"""refpcm.golden.sample_tests: right samples pass, and each kind of dependence or wrong tail is named."""

import numpy as np
import pytest

from refpcm.golden.case import Output, Tolerance
from refpcm.golden.compare import compare

MU, SIGMA, ALPHA = np.array([0.0, 1.0, 3.0]), np.array([0.5, 0.2, 1.0]), 1e-6
Z = np.random.default_rng(7).standard_normal((3, 200_000))
FAMILIES = {"normal": lambda y: y, "folded": np.abs, "rectified": lambda y: np.maximum(y, 0)}


def judged(z, family="normal", joint=False):
    values = FAMILIES[family](MU[:, None] + SIGMA[:, None] * z)
    kind, expected = ("joint", {}) if joint else (f"sample-{family}", {"mu": MU, "sigma": SIGMA})
    return compare(Output("x", "float64", values.shape, "1", Tolerance(kind, ALPHA, ""), expected), values)


@pytest.mark.parametrize("family", FAMILIES)
def test_independent_numbers_of_the_right_distribution_pass(family):
    verdict = judged(Z, family)
    assert verdict.ok and 0.3 < verdict.used < 1


def test_independent_rows_pass_the_joint_test():
    assert judged(Z, joint=True).ok


def shared(z):
    return np.stack([z[0], z[1], 0.05 * z[0] + np.sqrt(1 - 0.05 ** 2) * z[2]])


def antithetic(z):
    z = z.copy()
    z[:, 1::2] = -z[:, ::2]
    return z


def antithetic_halves(z):
    return np.concatenate([z[:, :100_000], -z[:, :100_000]], 1)


def tabulated(z):
    """On a grid of a 4096th: some 30,000 different numbers."""
    return np.round(z * 4096) / 4096


@pytest.mark.parametrize("change, says", [
    (shared, "correlation of two rows"), (antithetic, "correlation of neighbours"),
    (antithetic_halves, "correlation of a row's halves"), (tabulated, "share of different values"),
    (lambda z: np.where(np.abs(z) > 4, 0.5 * z, z), "numbers beyond 4 sigma"), (lambda z: 1.02 * z, "variance of bin 2")])
def test_what_is_wrong_with_a_sample_is_named(change, says):
    verdict = judged(change(Z))
    assert not verdict.ok and (verdict.reason or verdict.sum_name).startswith(says), verdict


@pytest.mark.parametrize("family", ["folded", "rectified"])
def test_a_missing_upper_tail_is_found_where_numbers_cannot_be_negative(family):
    verdict = judged(np.where(np.abs(Z) > 4, 0.5 * Z, Z), family)
    assert not verdict.ok and verdict.reason.startswith("numbers beyond")


def test_a_correlation_names_its_rows_and_its_size():
    verdict = judged(shared(Z), joint=True)
    assert not verdict.ok and verdict.index == (0, 2) and abs(verdict.actual - 0.05) < 0.01


def test_numbers_that_are_all_the_same_are_not_independent():
    assert not judged(np.zeros_like(Z), joint=True).ok
