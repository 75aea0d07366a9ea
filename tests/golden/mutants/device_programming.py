"""Mistakes in mapping weights to conductances and in programming them (L1).

g_us and z: arrays of one shape; g relative to G_max; 25 is G_max of joshi2020 in uS.
"""

import numpy as np

from refpcm.spec.pcm import mapping, programming
from tests.golden.mutants.replacing import changed_curve, changed_inputs, changed_output, one_interpretation, replaced


def _largest_signed(w):
    return float(np.max(w)) or 1.0


def _sum_of_the_pair(g_us, w_max, g_max_us):
    return (g_us[0] + g_us[1]) * (w_max / g_max_us)


def _polynomial_of_us(sigma_us, g):
    return 0.26348 + 1.9650 * 25 * g - 1.1731 * (25 * g) ** 2


def _quadratic_term_added(sigma_us, g):
    return sigma_us + 2 * 1.1731 * g ** 2


def _without_floor(g_us, z, device):
    return g_us + programming.programming_sigma_us(g_us, device) * z


def _noise_by_variance(g_us, z, device):
    return np.maximum(g_us + programming.programming_sigma_us(g_us, device) ** 2 * z, 0)


def _healthy_for_stuck(inputs, parameters):
    inputs["u_selection"] = 1 - inputs["u_selection"]


MUTANTS = [
    ("plus-minus-swapped", "G+ and G- swapped", changed_output("map_weights", "g_target_us", lambda g: g[::-1].copy())),
    ("max-for-max-abs", "W_max = max W", replaced(mapping, "largest_weight", _largest_signed)),
    ("sum-for-difference", "W = (G+ + G-) W_max / G_max", replaced(mapping, "to_weights", _sum_of_the_pair)),
    ("sigma-per-cent", "programming sigma in per cent of G_max",
     changed_curve("programming_us", lambda sigma_us, g: sigma_us / 100 * 25)),
    ("sigma-of-us", "polynomial at G_T in uS", changed_curve("programming_us", _polynomial_of_us)),
    ("linear-sign", "quadratic term added", changed_curve("programming_us", _quadratic_term_added)),
    ("no-floor", "programmed conductance may be negative", replaced(programming, "programmed_us", _without_floor)),
    ("sigma-squared", "noise scaled by the variance", replaced(programming, "programmed_us", _noise_by_variance)),
    ("idle-always-zero", "I-5 zero whatever is asked", one_interpretation("reset_device", "zero")),
    ("idle-always-programmed", "I-5 programmed whatever is asked", one_interpretation("reset_device", "programmed")),
    ("stuck-inverted", "healthy devices replaced", changed_inputs("stuck_devices", _healthy_for_stuck)),
]
