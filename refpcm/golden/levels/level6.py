"""L6 statistics: the device model with the implementation's own random numbers.

400,000 samples a bin find an error of 1 % in sigma with probability 0.99997 at alpha = 1e-6; docs/golden-statistics.md
derives it.
"""

import numpy as np

from refpcm.golden.case import UNITLESS, Case, Output, Tolerance, stored
from refpcm.spec.pcm import drift, programming, read_noise
from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.device import JOSHI2020

COUNT, ALPHA, US = 400_000, 1e-6, "uS"
LEVELS_US = np.linspace(0, 25, 11)  # the eleven levels of the paper's Fig. 3
EQUATION = ("the L1 equation with the implementation's own random numbers, "
            "`count` independent samples of each bin: (bins, count)")
DEVICE = {"device": (JOSHI2020.name, UNITLESS), "count": (COUNT, UNITLESS)}
TESTS = (  # kind, what it detects
    ("moments", f"alpha = {ALPHA:g} for each test; "
                f"with {COUNT:,} samples finds 1 % in sigma, 1.4 % of sigma in the mean"),
    ("kolmogorov", f"alpha = {ALPHA:g} for each bin; "
                   f"with {COUNT:,} samples finds a distance of 0.006 between distribution functions"))


def cases():
    """10 cases: moments and shape of five samples."""
    return _programmed() + _nu() + _read("25s", 25.0) + _read("1d", 86400.0) + _weight_noise()


def _programmed():
    sigma = programming.programming_sigma_us(LEVELS_US, JOSHI2020)
    return _pair("programmed", "sample_programmed", stored("g_target_us", LEVELS_US, US), ("g_prog_us", US),
                 ("rectified", LEVELS_US, sigma), DEVICE,
                 catches="uniform or truncated noise; noise drawn once per level",
                 interpretation="I-5 programmed")


def _nu():
    mu, sigma = (curve_value(curve, LEVELS_US / 25) for curve in (JOSHI2020.nu_mean, JOSHI2020.nu_sigma))
    return _pair("nu", "sample_drift_exponents", stored("g_target_us", LEVELS_US, US), ("nu", UNITLESS),
                 ("folded", mu, sigma), DEVICE,
                 catches="clipping at 0 for the absolute value")


def _read(name, t_s):
    drifted = drift.drifted_us(LEVELS_US, 0.06, 86400.0, JOSHI2020)[1:]
    relative = read_noise.relative_read_noise(drifted, JOSHI2020) * read_noise.accumulation(t_s, JOSHI2020)
    return _pair(f"read-{name}", "sample_read", stored("g_us", drifted, US), ("g_us", US),
                 ("rectified", drifted, drifted * relative), {**DEVICE, "t_s": (t_s, "s")},
                 catches="noise of a white spectrum: no growth with time")


def _weight_noise():
    w = np.linspace(-0.5, 0.5, 5)
    parameters = {"count": (COUNT, UNITLESS), "w_max": (0.5, UNITLESS), "eta": (0.038, UNITLESS)}
    return _pair("weight-noise", "sample_weight_noise", stored("weights", w), ("noisy", UNITLESS),
                 ("normal", w, np.full(5, 0.038 * 0.5)), parameters,
                 catches="noise proportional to the weight; the same noise for every weight")


def _pair(name, operation, bins, output, distribution, parameters, catches, interpretation=""):
    """Moments and shape of the same sample, as two cases.

    bins: Input (bins,). output: its name, unit. distribution: family, mu (bins,), sigma (bins,) in the output's unit.
    """
    family, mu, sigma = distribution
    found = []
    for kind, detects in TESTS:
        answer = Output(output[0], "float64", (len(mu), COUNT), output[1],
                        Tolerance(f"{kind}-{family}", ALPHA, detects), {"mu": mu, "sigma": sigma})
        found.append(Case(f"L6-{name}-{kind}", 6, operation, EQUATION, interpretation, catches, parameters, (bins,),
                          (answer,)))
    return found
