"""Features and estimates against what NumPy and SciPy compute of the same numbers."""

import numpy as np
import pytest

from refpcm.golden.lab import law
from refpcm.golden.lab.estimates import estimated, shown
from refpcm.golden.lab.features import Method, design, features, positive_share
from refpcm.spec.pcm.device import JOSHI2020
from tests.golden.lab.experiments import of_columns

TIMES_S = np.array([30.0, 100, 1000, 1e5])
RNG = np.random.default_rng(3)
NO_SHIFT = {"sigma": 0.0, "nu_sigma": 0.0}


def block(g_us, times_s=TIMES_S, target_us=10.0):
    """Measurements of conductances (devices, times, reads) of one target."""
    device, time, read = (index.ravel() for index in np.indices(g_us.shape))
    return of_columns(device=device, target_us=np.full(device.size, target_us), time_s=times_s[time], g_us=g_us.ravel(),
                      read=read)


def found(m, noise, drift=False):
    growth, method = law.noise_growth(m, JOSHI2020), Method(noise, drift, 20.0)
    return features(m, growth, method), estimated(features(m, growth, method), method, NO_SHIFT)


def test_without_read_noise_the_estimates_are_means_and_standard_deviations_of_the_devices():
    first_us, nu = RNG.normal(10, 1, 50), RNG.normal(0.05, 0.01, 50)
    m = block((first_us[:, None] * (TIMES_S / 30) ** -nu[:, None])[..., None])
    _, estimates = found(m, None)
    assert estimates["offset"] == pytest.approx((first_us.mean() - 10, first_us.std(ddof=1) / np.sqrt(50)))
    assert estimates["nu_mean"] == pytest.approx((nu.mean(), nu.std(ddof=1) / np.sqrt(50)))
    assert shown("sigma", estimates["sigma"][0]) == pytest.approx(first_us.std(ddof=1))
    assert shown("nu_sigma", estimates["nu_sigma"][0]) == pytest.approx(nu.std(ddof=1))


def test_the_first_read_is_traced_back_to_t0_with_the_mean_exponent():
    first_us, nu = RNG.normal(10, 1, 50), RNG.normal(0.05, 0.01, 50)
    m = block((first_us[:, None] * (TIMES_S / 30) ** -nu[:, None])[..., None])
    _, estimates = found(m, None, True)
    at_t0_us = first_us * (1 + nu.mean() * np.log(30 / 20))
    assert estimates["offset"][0] == pytest.approx(at_t0_us.mean() - 10)
    assert shown("sigma", estimates["sigma"][0]) == pytest.approx(at_t0_us.std(ddof=1))


def test_the_standard_error_of_a_cube_root_of_a_variance_is_that_of_leaving_one_out():
    first_us = RNG.normal(10, 1, 20)
    _, estimates = found(block(first_us[:, None, None], TIMES_S[:1]), None)
    without = [np.cbrt(np.delete(first_us, i).var(ddof=1)) for i in range(20)]
    assert estimates["sigma"] == pytest.approx((np.cbrt(first_us.var(ddof=1)), np.sqrt(19 * np.var(without))))


def test_the_drift_fit_is_that_of_numpy_and_the_rest_of_it_is_the_read_noise():
    g_us = np.exp(RNG.normal(2, 0.1, (40, 4, 1)))
    values, estimates = found(block(g_us), "residuals")
    growth = np.log((TIMES_S + 250e-9) / 500e-9)
    x = np.log(TIMES_S)
    design_matrix = np.stack([np.ones(4), x], 1)
    hat = design_matrix @ np.linalg.pinv(design_matrix)
    lines = [np.polyfit(x, y, 1, full=True) for y in np.log(g_us[..., 0])]
    np.testing.assert_allclose(values["nu"], [-line[0][0] for line in lines])
    q2 = np.array([line[1][0] for line in lines]) / ((1 - np.diag(hat)) @ growth)
    np.testing.assert_allclose(values["fit_q2"], q2)
    assert shown("q_s", estimates["q_s"][0]) ** 2 == pytest.approx(q2.mean())
    slope = np.linalg.pinv(design_matrix)[1]  # nu is -slope . log G
    np.testing.assert_allclose(values["fit_variance"], q2 * (slope ** 2 @ growth))
    np.testing.assert_allclose(values["nu"], -np.log(g_us[..., 0]) @ slope)


def test_the_growth_of_residuals_leaves_out_the_middle_time():
    times_s = np.append(TIMES_S, 1e7)
    g_us = np.exp(RNG.normal(2, 0.1, (40, 5, 1)))
    _, estimates = found(block(g_us, times_s), "residuals")
    design_matrix = np.stack([np.ones(5), np.log(times_s)], 1)
    hat = design_matrix @ np.linalg.pinv(design_matrix)
    scaled = (np.log(g_us[..., 0]) @ (np.eye(5) - hat)) ** 2 / (1 - np.diag(hat))
    assert shown("growth", estimates["growth"][0]) == pytest.approx(scaled[:, 3:].mean() / scaled[:, :2].mean())


def test_devices_of_two_readings_do_not_enter_into_the_noise_of_residuals():
    whole = block(np.exp(RNG.normal(2, 0.1, (40, 4, 1))))
    extra = of_columns(device=np.append(whole.number[whole.owner], [99, 99]), target_us=np.full(len(whole) + 2, 10.0),
                       time_s=np.append(whole.t_s, [30.0, 100]), g_us=np.append(whole.g_us, [3.0, 4.0]))
    assert found(extra, "residuals")[1]["q_s"][0] == pytest.approx(found(whole, "residuals")[1]["q_s"][0])


def test_read_noise_of_repeated_reads_is_the_variance_within_a_time():
    g_us = 10 + RNG.normal(0, 1, (30, 1, 1)) + RNG.normal(0, 0.5, (30, 4, 3))
    _, estimates = found(block(g_us), "reads")
    growth = np.log((TIMES_S + 250e-9) / 500e-9)
    within, mean = g_us.var(-1, ddof=1), g_us.mean(-1)
    q2 = np.sum(within / growth) / np.sum(mean ** 2 - within / 3)
    assert shown("q_s", estimates["q_s"][0]) ** 2 == pytest.approx(q2)
    between = mean[:, 0].var(ddof=1) - within[:, 0].mean() / 3
    assert shown("sigma", estimates["sigma"][0]) ** 2 == pytest.approx(between)
    relative = [within[:, i].mean() / np.mean(mean[:, i] ** 2 - within[:, i] / 3) for i in (0, 3)]
    assert shown("growth", estimates["growth"][0]) == pytest.approx(relative[1] / relative[0])


def test_devices_without_repeated_reads_do_not_enter_into_the_read_noise():
    g_us = 10 + RNG.normal(0, 0.5, (30, 4, 2))
    whole = block(g_us)
    extra = of_columns(device=np.append(whole.number[whole.owner], 99), target_us=np.full(len(whole) + 1, 10.0),
                       time_s=np.append(whole.t_s, 30.0), g_us=np.append(whole.g_us, 3.0),
                       read=np.append(np.arange(len(whole)), 0))
    assert design(extra).reads == pytest.approx(30 / 31) and design(extra).noise == "reads"
    for name in ("q_s", "growth"):
        assert found(extra, "reads")[1][name][0] == pytest.approx(found(whole, "reads")[1][name][0])


def test_what_the_readings_allow_is_counted():
    g_us = np.ones((10, 4, 1))
    assert design(block(g_us)).noise == "residuals" and design(block(g_us[:, :2], TIMES_S[:2])).noise is None
    assert design(block(np.ones((10, 1, 2)), TIMES_S[:1])).noise == "reads"
    one = design(block(g_us[:, :1], TIMES_S[:1]))
    assert (one.times, one.late, one.spread, one.residuals, one.reads) == (0, 0, 0, 0, 0)
    g_us[:3, 1] = 0
    assert positive_share(block(g_us)) == 0.7
    assert found(block(g_us), "residuals")[0]["fit"].tolist() == [0.0] * 3 + [1.0] * 7
