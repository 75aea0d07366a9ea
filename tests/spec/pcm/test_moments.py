"""Moments and distributions of every stage, through the product's kernels, against closed forms.

400,000 devices a level: sigma is known to 0.11 % (one standard error), so at 5 standard errors a 1 % error in sigma
is found, and so is a shift of the mean by 1 % of sigma.
"""

from functools import lru_cache

import numpy as np
import pytest
from scipy import stats

from refpcm.fast.chip import program, read_conductances
from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.device import DEVICES, JOSHI2020
from refpcm.spec.pcm.read_noise import accumulation

N = 400_000
LEVELS = np.array([1.0, 0.7, 0.3, 0.1, 0.02])


@pytest.fixture(scope="module")
def chip():
    """One row per level of g, N columns; G- is idle: target 0."""
    return program({"levels": np.repeat(LEVELS[:, None], N, 1)}, JOSHI2020, 11, 3)


@pytest.fixture(scope="module")
def read_at(chip):
    """Conductances (2, rows, N) at a time, draw 1; each time is read once, and nobody writes into it."""
    return lru_cache(lambda t_s: read_conductances(chip, chip.crossbars[0], t_s, 1))


def assert_moments(sample, mean, sigma, excess=0.0):
    n = sample.size
    sample = sample.astype(np.float64)
    assert abs(sample.mean() - mean) < 5 * sigma / np.sqrt(n)
    assert abs(sample.std() / sigma - 1) < 5 * np.sqrt((2 + excess) / (4 * n))


def rectified(mean, sigma):
    """Mean and standard deviation of max(mean + sigma z, 0)."""
    a = mean / sigma
    first = mean * stats.norm.cdf(a) + sigma * stats.norm.pdf(a)
    second = (mean ** 2 + sigma ** 2) * stats.norm.cdf(a) + mean * sigma * stats.norm.pdf(a)
    return first, np.sqrt(second - first ** 2)


def folded(mean, sigma):
    """Mean and standard deviation of |mean + sigma z|."""
    a = mean / sigma
    first = mean * (2 * stats.norm.cdf(a) - 1) + 2 * sigma * stats.norm.pdf(a)
    return first, np.sqrt(mean ** 2 + sigma ** 2 - first ** 2)


@pytest.mark.parametrize("row", range(LEVELS.size))
def test_programmed_conductances(chip, row):
    g = LEVELS[row]
    sigma = 0.26348 + 1.9650 * g - 1.1731 * g ** 2
    assert_moments(chip.crossbars[0].g_prog_us[0, row], *rectified(25 * g, sigma))


def test_programming_error_is_normal(chip):
    """Kolmogorov-Smirnov, alpha = 1e-6: a distance of 0.0042 is found."""
    z = (chip.crossbars[0].g_prog_us[0, 0].astype(float) - 25) / (0.26348 + 1.9650 - 1.1731)
    assert stats.kstest(z, "norm").pvalue > 1e-6


def test_the_idle_device_is_half_normal_at_the_sigma_of_zero(chip):
    """I-5, default: max(0.26348 z, 0)."""
    idle = chip.crossbars[0].g_prog_us[1].reshape(-1)
    assert abs(np.mean(idle == 0) - 0.5) < 5 * 0.5 / np.sqrt(idle.size)
    assert_moments(idle, *rectified(0.0, 0.26348), excess=1.0)


@pytest.mark.parametrize("row", range(LEVELS.size))
def test_drift_exponents(chip, row):
    log_g = np.log(LEVELS[row])
    mean, sigma = np.clip(-0.0155 * log_g + 0.0244, 0.049, 0.1), np.clip(-0.0125 * log_g - 0.0059, 0.008, 0.045)
    assert_moments(chip.crossbars[0].nu[0, row], *folded(mean, sigma))


def test_programming_error_and_exponent_are_independent(chip):
    x = chip.crossbars[0]
    assert abs(np.corrcoef(x.g_prog_us[0, 0], x.nu[0, 0])[0, 1]) < 5 / np.sqrt(N)


def test_drift_follows_the_power_law(chip):
    """Without read noise ln(G / G_prog) = -nu ln(t / t0) holds for every device."""
    from dataclasses import replace

    from refpcm.spec.pcm.curve import polynomial
    quiet = replace(chip, device=replace(JOSHI2020, read_noise=(polynomial(0.0),)))
    x = chip.crossbars[0]
    for t_s in (20.0, 25.0, 3600.0, 86400.0 * 365):
        g = read_conductances(quiet, x, t_s, 0)[0, :2].astype(np.float64)
        expected = x.g_prog_us[0, :2] * (t_s / 20.0) ** -x.nu[0, :2].astype(np.float64)
        np.testing.assert_allclose(g, expected, rtol=1e-6)


@pytest.mark.parametrize("t_s", [25.0, 86400.0])
@pytest.mark.parametrize("row", range(LEVELS.size))
def test_read_noise(chip, read_at, row, t_s):
    """(G / G_drift - 1) is normal with sigma Q_s sqrt(ln((t + t_read) / (2 t_read)))."""
    x = chip.crossbars[0]
    g_drift = x.g_prog_us[0, row] * (t_s / 20.0) ** -x.nu[0, row].astype(np.float64)
    alive = g_drift > 0
    relative = read_at(t_s)[0, row][alive] / g_drift[alive] - 1
    sigma = min(0.0088 / LEVELS[row] ** 0.65, 0.2) * np.sqrt(np.log((t_s + 250e-9) / 500e-9))
    if sigma < 0.2:
        assert_moments(relative, 0.0, sigma)
    else:  # cut at zero conductance
        assert_moments(relative, *(rectified(1.0, sigma) - np.array([1.0, 0.0])), excess=1.0)


def test_reads_differ_between_draws_and_times_without_correlation(chip):
    x = chip.crossbars[0]
    reads = [read_conductances(chip, x, t, d)[0, 0] for t, d in ((3600, 0), (3600, 1), (3601, 0))]
    drifted = x.g_prog_us[0, 0] * 180.0 ** -x.nu[0, 0].astype(np.float64)
    noise = [r / drifted - 1 for r in reads]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(noise[i], noise[j])[0, 1]) < 5 / np.sqrt(N)


@pytest.mark.parametrize("name", ["hermes", "hermes-1", "crosssim-joshi"])
def test_the_other_sets_programmed_and_drifting(name):
    device = DEVICES[name]
    x = program({"levels": np.repeat(LEVELS[:2, None], N, 1)}, device, 5, 0).crossbars[0]
    for row, g in enumerate(LEVELS[:2]):
        sigma, mean_nu, sigma_nu = (float(curve_value(c, g)) for c in (device.programming_us, device.nu_mean,
                                                                       device.nu_sigma))
        assert_moments(x.g_prog_us[0, row], *rectified(device.g_max_us * g, sigma))
        assert_moments(x.nu[0, row], *folded(mean_nu, sigma_nu))


def test_read_noise_grows_with_the_logarithm_of_time():
    assert accumulation(86400.0, JOSHI2020) == pytest.approx(np.sqrt(np.log(86400 / 500e-9)), rel=1e-9)
