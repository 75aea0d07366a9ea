"""L0 and L1 of kit 2.2: a chip from its seed alone, times that are no whole seconds, weights of a collapsed pair.

A researcher's simulator showed that kit 2.1 asked for none of them.
"""

import numpy as np

from refpcm.golden.build import case, rounded, ulp
from refpcm.golden.case import stored
from refpcm.golden.levels.level1 import NORMAL, US
from refpcm.golden.levels.second_values import CONSTANTS, G_MAX, WITH_UNITS
from refpcm.spec.pcm.device import JOSHI2020

T0_S, T_S = 27.36, 55.39  # of the paper's Supplementary Note 2, by CrossSim v2
FRACTIONS = {**WITH_UNITS, "t0_s": (T0_S, "s"), "t_s": (T_S, "s")}
WHY = "normals within 2 ULP of one another, then the equations of L1; the largest |z| is taken to be 5"


def cases():
    """2 cases of L0, 3 of L1."""
    random = np.random.Generator(np.random.PCG64(22))
    usual = {"device": JOSHI2020.name, "seed": 7, "chip": 1, "layer": 2, "draw": 0, "t_s": (25.0, "s")}
    other = {**FRACTIONS, "seed": 2 ** 31 + 5, "chip": 3, "layer": 17, "draw": 4}
    return [
        _chip("chip", random, usual, 25.0, 20.0, "purposes exchanged; G- before G+; devices counted column by column, or pair "
              "by pair; the time of a read left out of its address; the layer's noise counted on from the one before"),
        _chip("chip-other", random, other, G_MAX, T0_S, "the time in the address in float64, or in whole seconds; draw and chip "
              "exchanged; a seed of more than 31 bits"),
        *_fractions(random), _collapsed_weights(random)]


def _chip(name, random, parameters, g_max_us, t0_s, catches):
    weights = random.standard_normal((4, 3)) * 0.1
    weights[1, 2] = 0.0
    t_s = parameters["t_s"][0]
    target_us = np.stack([np.maximum(weights, 0), np.maximum(-weights, 0)]) / np.abs(weights).max() * g_max_us
    programmed = target_us + 5 * 0.2 * g_max_us  # sigma_prog is below 0.2 G_max, nu below 0.5
    drifted = programmed * (1 + 0.5 * np.log(t_s / t0_s))
    return case(f"L0-{name}", "addressed_chip",
                "program and read one matrix, every z and u by its address: purposes 16, 17, 18, 20 and 21; element i is device "
                "i of (2, R, K); of a read i + 2^32 times the bits of float32(t)", catches,
                [stored("weights", weights)],
                {"g_target_us": ulp(4, "two operations in any order", US),
                 "g_prog_us": rounded(programmed, US, value=32, why=WHY),
                 "nu": rounded(np.ones(weights.shape), value=32, why=WHY),
                 "g_us": rounded(drifted * (1 + 5 * 1.2), US, value=32, why=WHY)},
                {**parameters, "reset_device": "programmed", "stuck_fraction": 0.1, "read_noise_from": "target"},
                "I-5 programmed, I-6, I-7 target")


def _fractions(random):
    g_us, nu, z = random.uniform(0, G_MAX, 20), np.abs(0.08 + 0.03 * random.standard_normal(20)), random.standard_normal(20)
    decayed = g_us * (T_S / T0_S) ** -nu
    whole = "a time or t0 cut to whole seconds"
    growth = np.sqrt(np.log((T_S + CONSTANTS["t_read_s"]) / (2 * CONSTANTS["t_read_s"])))
    return [
        case("L1-drift-fraction", "drifted", "as L1-drift-constants", whole,
             [stored("g_prog_us", g_us, US), stored("nu", nu)],
             {"g_drift_us": rounded(decayed * (1 + nu * np.log(T_S / T0_S)), US)}, FRACTIONS),
        case("L1-read-fraction", "read", "as L1-read-constants", whole,
             [stored("g_target_us", g_us, US), stored("g_prog_us", g_us, US), stored("g_drift_us", decayed, US),
              stored("z", z, NORMAL)],
             {"g_us": rounded(g_us * (1 + CONSTANTS["q_high"] * growth * np.abs(z)), US)},
             {**FRACTIONS, "read_noise_from": "target"}, "I-7 target")]


def _collapsed_weights(random):
    g_prog_us, g_us = random.uniform(0, 15, (2, 2, 5, 4))
    w_max, g_max_us = 0.7, 25.0
    net = np.abs(g_prog_us[0] - g_prog_us[1]).max()
    return case("L1-collapse-weights", "collapsed_weights",
                "W = (G+ - G-) W_max / G_max, times max |net as programmed| / G_max, by which the pairs were stretched",
                "the stretch of collapsed pairs left in the weights; taken from what is read",
                [stored("g_prog_us", g_prog_us, US), stored("g_us", g_us, US)],
                {"weights": rounded(g_us.sum(0) * w_max / g_max_us * net / g_max_us)},
                {"w_max": w_max, "g_max_us": (g_max_us, US)}, "I-8 collapsed")
