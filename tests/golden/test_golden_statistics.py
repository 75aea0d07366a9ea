"""refpcm.golden.statistics against SciPy's own tests."""

import numpy as np
import pytest
from scipy import stats

from refpcm.golden.case import Output, Tolerance
from refpcm.golden.compare import compare

MU, SIGMA, COUNT, ALPHA = np.array([0.0, 0.3, 2.0]), np.array([0.5, 0.2, 0.7]), 400_000, 1e-6
Z = np.random.default_rng(1).standard_normal((len(MU), COUNT))
FOLDED = {"normal": lambda y: y, "folded": np.abs, "rectified": lambda y: np.maximum(y, 0)}


def judged(kind, family, sample, mu=MU, sigma=SIGMA):
    """The Verdict on samples (bins, n) of a family with the parameters mu, sigma (bins,)."""
    output = Output("x", "float64", sample.shape, "1", Tolerance(f"{kind}-{family}", ALPHA, ""), {"mu": mu, "sigma": sigma})
    return compare(output, sample)


def of(family, z=Z):
    """Samples (bins, n) of a family made from standard normals (bins, n)."""
    return FOLDED[family](MU[:, None] + SIGMA[:, None] * z)


@pytest.mark.parametrize("kind", ["moments", "kolmogorov"])
@pytest.mark.parametrize("family", FOLDED)
def test_right_samples_pass(family, kind):
    verdict = judged(kind, family, of(family))
    assert verdict.ok and 0 < verdict.used < 0.9


@pytest.mark.parametrize("family, law", [
    ("normal", stats.norm), ("folded", lambda mu, sigma: stats.foldnorm(mu / sigma, scale=sigma))])
def test_the_distance_of_each_bin_is_that_of_scipy(family, law):
    """Mirrored numbers, too, so that the largest distance is once above and once below the expected function."""
    for sample in (of(family)[:, :5000], of(family, -Z)[:, :5000]):
        for values, mu, sigma in zip(sample, MU, SIGMA):
            found = stats.kstest(values, law(mu, sigma).cdf).statistic
            verdict = judged("kolmogorov", family, values[None], np.array([mu]), np.array([sigma]))
            np.testing.assert_allclose(verdict.actual, found, rtol=1e-9)
            np.testing.assert_allclose(verdict.used, found * np.sqrt(5000) / stats.kstwobign.isf(ALPHA), rtol=1e-9)


@pytest.mark.parametrize("kind, change, place", [
    ("moments", lambda y: y + [[0], [0], [0.1]], "mean of bin 2"),
    ("moments", lambda y: y * [[1], [1.1], [1]], "variance of bin 1"),
    ("kolmogorov", lambda y: y + [[0], [0.1], [0]], "bin 1")])
def test_the_worst_place_is_named(kind, change, place):
    verdict = judged(kind, "normal", change(of("normal")[:, :20000]))
    assert not verdict.ok and verdict.place == place


def test_the_share_of_the_tolerance_is_that_of_two_z_tests():
    """Of normal numbers the mean deviates by sigma / sqrt(n), the variance by sigma^2 sqrt(2 / n)."""
    z = Z[0, :5000]
    largest = max(abs(z.mean()) * np.sqrt(5000), abs(z.var() - 1) * np.sqrt(5000 / 2))
    verdict = judged("moments", "normal", 2 + 0.7 * z[None], np.array([2.0]), np.array([0.7]))
    np.testing.assert_allclose(verdict.used, largest / stats.norm.isf(ALPHA / 2), rtol=1e-9)
    verdict = judged("moments", "normal", 2 + 0.7 * 1.1 * (z[None] - z.mean()), np.array([2.0]), np.array([0.7]))
    np.testing.assert_allclose(verdict.used, (1.21 * z.var() - 1) * np.sqrt(5000 / 2) / stats.norm.isf(ALPHA / 2), rtol=1e-9)


@pytest.mark.parametrize("family", FOLDED)
@pytest.mark.parametrize("kind, wrong", [
    ("moments", 1.01 * Z), ("moments", Z + 0.02), ("kolmogorov", Z + 0.02),
    ("kolmogorov", np.sqrt(12) * (stats.norm.cdf(Z) - 0.5))], ids=["1.01", "shifted", "shifted-shape", "uniform"])
def test_wrong_samples_fail(family, kind, wrong):
    assert not judged(kind, family, of(family, wrong)).ok


def test_a_sigma_of_1_01_is_left_to_the_moments_and_a_uniform_shape_to_kolmogorov():
    """What docs/golden-statistics.md says about either test: a distribution function 0.0024 off is not seen."""
    assert judged("kolmogorov", "normal", of("normal", 1.01 * Z)).ok
    uniform = np.sqrt(12) * ((np.arange(COUNT) + 0.5) / COUNT - 0.5)
    assert judged("moments", "normal", of("normal", np.tile(uniform, (len(MU), 1)))).ok


def test_an_atom_at_zero_of_the_wrong_size_fails():
    """0.02 of the normal number's probability that should be just above zero sits at it."""
    sample = of("rectified")
    sample[0, (sample[0] > 0) & (sample[0] < 0.02 * SIGMA[0] * np.sqrt(2 * np.pi))] = 0.0
    verdict = judged("kolmogorov", "rectified", sample)
    assert not verdict.ok and verdict.index == (0,)
    np.testing.assert_allclose(verdict.actual, 0.02, atol=0.002)


@pytest.mark.parametrize("kind", ["moments", "kolmogorov"])
@pytest.mark.parametrize("family", FOLDED)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_single_number_that_is_none_fails(value, family, kind):
    sample = of(family)[:, :1000]
    sample[1, 7] = value
    assert judged(kind, family, sample).reason == "1 of 3000 elements are NaN or infinite"


@pytest.mark.parametrize("distance, passes", [(3.2, False), (3.7, False), (3.77, True)])
def test_equivalence_is_students_test_where_the_reference_is_known(distance, passes):
    """16 chips so many standard errors below the upper margin; the normal quantile would be 3.09."""
    z = stats.norm.ppf((np.arange(16) + 0.5) / 16)
    accuracies = 0.9 + 0.05 - 0.01 * distance + 0.01 * 4 * z / z.std(ddof=1)
    expected = {"mean": np.full((1, 1), 0.9), "variance_of_mean": np.zeros((1, 1))}
    output = Output("accuracy", "float64", (1, 1, 16), "1", Tolerance("equivalence", 0.05, ""), expected)
    assert compare(output, accuracies[None, None]).ok == passes
    assert (stats.ttest_1samp(accuracies, 0.95, alternative="less").pvalue < 1e-3) == passes
