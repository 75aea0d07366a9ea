"""L6 statistics: the device model with the implementation's own random numbers.

400,000 samples a bin find an error of 1 % in sigma with probability 0.99997 at alpha = 1e-6 (docs/golden-statistics.md).
"""

import numpy as np

from refpcm.golden.case import Case, Output, Tolerance, UNITLESS, stored
from refpcm.pcm import drift, programming, read_noise
from refpcm.pcm.curve import curve_value
from refpcm.pcm.device import JOSHI2020

COUNT, ALPHA = 400_000, 1e-6
LEVELS_US = np.linspace(0, 25, 11)  # the eleven levels of the paper's Fig. 3
DETECTS = f"alpha = {ALPHA:g} for each test; with {COUNT:,} samples finds 1 % in sigma, 1.4 % of sigma in the mean"
SHAPE = f"alpha = {ALPHA:g} for each bin; with {COUNT:,} samples finds a distance of 0.006 between distribution functions"


def cases():
    sigma = programming.programming_sigma_us(LEVELS_US, JOSHI2020)
    g = LEVELS_US / 25
    mu_nu, sigma_nu = curve_value(JOSHI2020.nu_mean, g), curve_value(JOSHI2020.nu_sigma, g)
    drifted = drift.drifted_us(LEVELS_US, 0.06, 86400.0, JOSHI2020)[1:]
    found = _pair("programmed", "sample_programmed", "g_prog_us", "uS", [stored("g_target_us", LEVELS_US, "uS")],
                  "rectified", LEVELS_US, sigma, {}, "I-5 programmed", "uniform or truncated noise; noise drawn once per level")
    found += _pair("nu", "sample_drift_exponents", "nu", UNITLESS, [stored("g_target_us", LEVELS_US, "uS")],
                   "folded", mu_nu, sigma_nu, {}, "", "clipping at 0 for the absolute value")
    for name, t_s in (("25s", 25.0), ("1d", 86400.0)):
        relative = read_noise.relative_read_noise(drifted, JOSHI2020) * read_noise.accumulation(t_s, JOSHI2020)
        found += _pair(f"read-{name}", "sample_read", "g_us", "uS", [stored("g_us", drifted, "uS")], "rectified", drifted,
                       drifted * relative, {"t_s": (t_s, "s")}, "", "noise of a white spectrum: no growth with time")
    w = np.linspace(-0.5, 0.5, 5)
    found += _pair("weight-noise", "sample_weight_noise", "noisy", UNITLESS, [stored("weights", w)], "normal", w,
                   np.full(5, 0.038 * 0.5), {"w_max": (0.5, UNITLESS), "eta": (0.038, UNITLESS)}, "",
                   "noise proportional to the weight; the same noise for every weight")
    return found


def _pair(name, operation, output, unit, inputs, family, mu, sigma, parameters, interpretation, catches):
    """Moments and shape of the same sample, as two cases."""
    parameters = {"device": (JOSHI2020.name, UNITLESS), "count": (COUNT, UNITLESS), **parameters}
    if operation == "sample_weight_noise":
        del parameters["device"]
    return [Case(f"L6-{name}-{kind}", 6, operation, "the L1 equation with the implementation's own random numbers, "
                 "`count` independent samples of each bin: (bins, count)", interpretation, catches, parameters, tuple(inputs),
                 (Output(output, "float64", (len(mu), COUNT), unit, Tolerance(f"{kind}-{family}", ALPHA, why),
                         {"mu": np.asarray(mu), "sigma": np.asarray(sigma)}),))
            for kind, why in (("moments", DETECTS), ("kolmogorov", SHAPE))]
