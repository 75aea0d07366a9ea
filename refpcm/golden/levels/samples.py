"""L6 of version 2: each sample under all tests at once, and joint samples of what must not depend on one another.

docs/golden-statistics.md derives what the tests detect.
"""

import numpy as np

from refpcm.golden.case import UNITLESS, Case, Output, Tolerance, stored
from refpcm.golden.levels.level6 import ALPHA, COUNT, US
from refpcm.spec.pcm import drift, programming, read_noise
from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.device import JOSHI2020, TRANSFER

LEVELS_US = np.linspace(0, 25, 6)
JOINT_COUNT = 50_000
DEVICE = {"device": (JOSHI2020.name, UNITLESS), "count": (COUNT, UNITLESS)}
EQUATION = "the L1 equation with the implementation's own random numbers, `count` independent samples of each bin: (bins, count)"
DETECTS = (f"alpha = {ALPHA:g} for each test; with {COUNT:,} samples: 1 % in sigma, 1.4 % of sigma in the mean, a distance of "
           "0.006 between distribution functions, numbers cut off at 4 sigma, a table of 250,000 normals, a correlation of 0.02")
JOINT = (f"alpha = {ALPHA:g} for all pairs of rows together; with {JOINT_COUNT:,} samples a correlation of 0.05 is found")
JOINT_EQUATION = "numbers of all rows (all axes but the last) are independent of one another, and so are those of a row"


def cases():
    """9 cases: six samples, three joint ones."""
    return [_programmed(), _nu(), _read("25s", 25.0), _read("1d", 86400.0), _weight_noise(), _transfer(), *_joint()]


def _programmed():
    return _case("programmed", "sample_programmed", stored("g_target_us", LEVELS_US, US), ("g_prog_us", US), "rectified",
                 LEVELS_US, programming.programming_sigma_us(LEVELS_US, JOSHI2020), DEVICE,
                 "uniform, truncated, tabulated or antithetic noise; noise drawn once a level; the same noise for all",
                 "I-5 programmed")


def _nu():
    mu, sigma = (curve_value(curve, LEVELS_US / 25) for curve in (JOSHI2020.nu_mean, JOSHI2020.nu_sigma))
    return _case("nu", "sample_drift_exponents", stored("g_target_us", LEVELS_US, US), ("nu", UNITLESS), "folded", mu, sigma,
                 DEVICE, "clipping at 0 for the absolute value; the same random numbers for all bins")


def _read(name, t_s):
    drifted = drift.drifted_us(LEVELS_US, 0.06, 86400.0, JOSHI2020)[1:]
    relative = read_noise.relative_read_noise(drifted, JOSHI2020) * read_noise.accumulation(t_s, JOSHI2020)
    return _case(f"read-{name}", "sample_read", stored("g_us", drifted, US), ("g_us", US), "rectified", drifted,
                 drifted * relative, {**DEVICE, "t_s": (t_s, "s")}, "noise of a white spectrum: no growth with time")


def _weight_noise():
    w = np.linspace(-0.8, 0.8, 5)
    parameters = {"count": (COUNT, UNITLESS), "w_max": (0.8, UNITLESS), "eta": (0.06, UNITLESS)}
    return _case("weight-noise", "sample_weight_noise", stored("weights", w), ("noisy", UNITLESS), "normal", w,
                 np.full(5, 0.06 * 0.8), parameters, "noise proportional to the weight; the same noise for every weight")


def _transfer():
    g = np.linspace(-25, 25, 7)
    return _case("transfer", "sample_transferred", stored("g_target_us", g, US), ("g_us", US), "normal", g,
                 programming.programming_sigma_us(np.abs(g), TRANSFER), {**DEVICE, "device": (TRANSFER.name, UNITLESS)},
                 "a cut at zero; errors of two devices; drift or read noise on top")


def _case(name, operation, bins, output, family, mu, sigma, parameters, catches, interpretation=""):
    answer = Output(output[0], "float64", (len(mu), COUNT), output[1], Tolerance(f"sample-{family}", ALPHA, DETECTS),
                    {"mu": mu, "sigma": sigma})
    return Case(f"L6-{name}", 6, operation, EQUATION, interpretation, catches, parameters, (bins,), (answer,))


def _joint():
    device = {"device": (JOSHI2020.name, UNITLESS)}
    times = {"t_1_s": (25.0, "s"), "t_2_s": (86400.0, "s")}
    return [
        _joint_case("chips", "sample_chips", stored("g_target_us", np.array([5.0, 20.0]), US), ("state", "uS, then 1"),
                    (2, 2, 2, 2, 2), device, {"chips": 2, "layers": 2},
                    "one random number for G+ and G-, for programming and nu, for all layers, chips or bins"),
        _joint_case("reads", "sample_reads", stored("g_us", np.array([5.0, 20.0]), US), ("g_us", US), (2, 2, 2, 2, 2, 2),
                    {**device, **times}, {"chips": 2, "layers": 2, "reads": 2},
                    "read noise drawn once: the same at every read or time, in all layers or chips, for G+ and G-"),
        _joint_case("steps", "sample_noise_steps", stored("weights", np.array([-0.5, 0.0, 0.25])), ("noisy", UNITLESS),
                    (3, 2, 3), {"w_max": (0.5, UNITLESS), "eta": (0.038, UNITLESS)}, {"steps": 3, "layers": 2},
                    "weight noise drawn once a run, or once for all layers or weights")]


def _joint_case(name, operation, bins, output, rows, parameters, sizes, catches):
    return rows_case(f"L6-joint-{name}", operation, JOINT_EQUATION, bins, output, (*rows, JOINT_COUNT),
                     Tolerance("joint", ALPHA, JOINT), parameters, sizes, catches)


def rows_case(id, operation, equation, bins, output, shape, tolerance, parameters, sizes, catches, expected=None):
    """A case of rows of random numbers.

    output: (name, unit); shape: of all of them, a row's numbers last; sizes: whole numbers.
    """
    answer = Output(output[0], "float64", shape, output[1], tolerance, expected or {})
    sizes = {name: (value, UNITLESS) for name, value in {**sizes, "count": shape[-1]}.items()}
    return Case(id, 6, operation, equation, "", catches, {**parameters, **sizes}, (bins,), (answer,))
