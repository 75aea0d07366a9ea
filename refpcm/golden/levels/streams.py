"""L6 of kit 2.1: whether streams of random numbers overlap, up to half a row apart, and are not more regular than chance.

Rows that begin a few numbers after one another (seed + layer, start + step) are uncorrelated place by place: the joint cases
of samples.py let them pass. docs/golden-statistics.md derives what the tests detect.
"""

import numpy as np

from refpcm.golden.case import UNITLESS, Tolerance, stored
from refpcm.golden.levels.level6 import ALPHA, US
from refpcm.golden.levels.samples import rows_case
from refpcm.spec.pcm.device import JOSHI2020

COUNT = 20_000
STREAMS = (f"alpha = {ALPHA:g} for all pairs of rows and shifts together; with {COUNT:,} numbers a row, a correlation of "
           "0.12 over half a row or more is found")
EVEN = f"; alpha = {ALPHA:g} for means and variances that scatter less or more than chance"
EQUATION = "rows (all axes but the last) are not correlated, with themselves and one another, at any shift of up to half a row"


def cases():
    """4 cases: weights of a layer, layers and steps of noise, layers of chips, reads."""
    device, weights = {"device": (JOSHI2020.name, UNITLESS)}, np.linspace(-0.6, 0.6, 24)
    noise = {"w_max": (0.6, UNITLESS), "eta": (0.05, UNITLESS)}
    return [
        _case("weights", "sample_weight_noise", stored("weights", weights), ("noisy", UNITLESS), (24,), noise, {},
              "rows scaled to mean 0 and variance 1 exactly; a row that begins where another one does, and some numbers on",
              "streams-normal", {"mu": weights, "sigma": np.full(24, 0.05 * 0.6)}),
        _case("steps", "sample_noise_steps", stored("weights", np.array([-0.6, 0.0, 0.3])), ("noisy", UNITLESS), (3, 4, 3),
              noise, {"steps": 3, "layers": 4}, "the start of a stream moved on by the number of the layer or step"),
        _case("chips", "sample_chips", stored("g_target_us", np.array([5.0, 20.0]), US), ("state", "uS, then 1"),
              (2, 2, 2, 2, 2), device, {"chips": 2, "layers": 2},
              "the start of a stream moved on by the number of the layer or chip"),
        _case("reads", "sample_reads", stored("g_us", np.array([5.0, 20.0]), US), ("g_us", US), (2, 2, 2, 2, 2, 2),
              {**device, "t_1_s": (25.0, "s"), "t_2_s": (86400.0, "s")}, {"chips": 2, "layers": 2, "reads": 2},
              "the start of a stream moved on by the number of the read, or by the time")]


def _case(name, operation, bins, output, rows, parameters, sizes, catches, kind="streams", expected=None):
    tolerance = Tolerance(kind, ALPHA, STREAMS + (EVEN if expected else ""))
    return rows_case(f"L6-streams-{name}", operation, EQUATION, bins, output, (*rows, COUNT), tolerance, parameters, sizes,
                     catches, expected)
