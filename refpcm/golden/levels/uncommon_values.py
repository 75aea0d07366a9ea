"""L1 and L3 at values that few layers have: zeros, a curve below zero, pieces of curves, centuries, one mini-batch.

Kit 2.1 has them, nearly all because of a mistake that kit 2.0 let pass. The equations are explained in level1.py and level3.py.
"""

import numpy as np

from refpcm.golden.build import case, rounded, ulp
from refpcm.golden.case import stored
from refpcm.golden.levels.level1 import NORMAL, US
from refpcm.golden.levels.level3 import product
from refpcm.golden.levels.second_values import G_MAX, WITH_UNITS
from refpcm.spec.pcm.curve import SMALLEST_G
from refpcm.spec.pcm.device import HERMES_1, JOSHI2020

BELOW_ZERO_US = (0.2, -1.1, 1.2, 0.0)  # a polynomial of programming that is negative from g = 0.25 to g = 0.67


def cases():
    """Return the cases of L1, then the one of L3."""
    random = np.random.Generator(np.random.PCG64(13))
    return (_cut(random) + _pieces(random) + [_zeros(random, dtype) for dtype in ("float64", "float32")] + [
        _negative_net(random), _centuries(random), _small_readouts(), _one_batch(random),
        product("w-max", 7, 7, 9, 0.03, "sigma of the noise from the largest weight that is read", w_max_share=1.4)])


def _cut(random):
    g = np.concatenate([[0.0], np.linspace(0.1, G_MAX, 31)])
    z, relative = random.standard_normal(g.size), g / G_MAX
    constants = {**WITH_UNITS, **{f"sigma_c{i}_us": (c, US) for i, c in enumerate(BELOW_ZERO_US)}}
    sigma = sum(abs(c) * relative ** i for i, c in enumerate(BELOW_ZERO_US))
    target = stored("g_target_us", g, US)
    catches = "a curve that is negative between 0.25 and 0.67 of G_max and not cut at zero; its magnitude"
    return [
        case("L1-sigma-cut", "programming_sigma", "as L1-sigma-constants", catches, [target],
             {"sigma_us": rounded(sigma, US)}, constants),
        case("L1-program-cut", "programmed", "as L1-program-constants", catches, [target, stored("z", z, NORMAL)],
             {"g_prog_us": rounded(g + sigma * np.abs(z), US)}, {**constants, "reset_device": "programmed"},
             "I-5 programmed")]


def _pieces(random):
    """Curves of two pieces. No target lies within 0.002 G_max of an edge: float32 could put it into the other piece."""
    curves = HERMES_1.nu_mean, HERMES_1.nu_sigma, HERMES_1.read_noise
    relative = np.concatenate([[0.0, 1e-3], np.linspace(0.01, 1.0, 60)])
    edges = [piece.below for curve in curves for piece in curve[:-1]]
    relative = relative[np.abs(relative[:, None] - edges).min(1) > 0.002]
    g, z = relative * HERMES_1.g_max_us, random.standard_normal(relative.size)
    mean, sigma, q_s = (_terms(curve, relative) for curve in curves)
    device, catches = {"device": HERMES_1.name}, "the first piece everywhere; the last piece everywhere"
    return [
        case("L1-nu-pieces", "drift_exponents", "nu = |mu + sigma z|, mu and sigma curves of two pieces each", catches,
             [stored("g_target_us", g, US), stored("z", z, NORMAL)],
             {"nu": rounded(mean + sigma * np.abs(z))}, device),
        case("L1-q-pieces", "relative_read_noise", "Q_s, a curve of two pieces", catches, [stored("g_us", g, US)],
             {"q_s": rounded(q_s)}, device)]


def _terms(curve, g):
    """Sum of the magnitudes of a curve's terms, those of the piece that holds at g = G / G_max."""
    total = np.zeros(g.shape)
    for piece in reversed(curve):
        c = np.abs(piece.coefficients)
        logarithmic = c[0] * np.abs(np.log(np.maximum(g, SMALLEST_G))) + c[1]
        terms = logarithmic if piece.form == "logarithm" else sum(c[i] * g ** i for i in range(len(c)))
        total = np.where(g < piece.below, terms, total)
    return total


def _zeros(random, dtype):
    weights, z = random.standard_normal((2, 3, 4, 3, 3)).astype(dtype)
    weights.reshape(-1)[::4] = 0
    magnitudes = np.abs(weights.astype(float))
    return case(f"L1-weight-noise-zeros-{dtype[5:]}", "weight_noise", "W + eta max |W| z",
                "weights of zero left without noise; noise proportional to the weight",
                [stored("weights", weights), stored("z", z, NORMAL)],
                {"noisy": rounded(magnitudes + 0.038 * magnitudes.max() * np.abs(z.astype(float)), dtype=dtype)},
                {"eta": 0.038})


def _negative_net(random):
    g_us = random.uniform(0, 25, (2, 5, 4))
    g_us[:, 2, 1] = 1.0, 24.5  # the largest net, and negative
    largest_net = np.abs(g_us[0] - g_us[1]).max()
    return case("L1-collapse-negative", "collapsed_pair", "as L1-collapse", "stretched by the largest positive net",
                [stored("g_us", g_us, US)], {"g_us": rounded(g_us.sum(0)[None] * 25 / largest_net, US)},
                {"g_max_us": (25.0, US)}, "I-8 collapsed")


def _centuries(random):
    t_s, g = 9e9, np.linspace(0.5, 25.0, 20)
    nu = np.abs(0.06 + 0.02 * random.standard_normal(g.size))
    decayed = g * (t_s / 20) ** -nu
    return case("L1-drift-centuries", "drifted", "as L1-drift-1y", "seconds in 32 bits",
                [stored("g_prog_us", g, US), stored("nu", nu)],
                {"g_drift_us": rounded(decayed * (1 + nu * np.log(t_s / 20)), US)},
                {"device": JOSHI2020.name, "t_s": (t_s, "s")})


def _small_readouts():
    now, then = np.array([3e-4, 8e-7, -2e-9, 1e-12]), np.array([5e-4, 1e-6, 1e-9, 4e-12])
    return case("L1-gdc-factor-small", "gdc_factor", "as L1-gdc-factor-both", "small readouts taken for zero",
                [stored("readout_t", now), stored("readout_t0", then)], {"alpha": ulp(1, "one division")})


def _one_batch(random):
    mean, var = random.standard_normal(4), random.uniform(0.5, 2, 4)
    batch = random.standard_normal((1, 4)), random.uniform(0.5, 2, (1, 4))
    largest = [max(np.abs(running).max(), np.abs(new).max()) for running, new in zip((mean, var), batch)]
    return case("L1-adabs-1", "adabs_update", "s <- p s + (1 - p) s_batch, p = 0.015^(1/n), n = 1",
                "a single mini-batch replaces the trained statistics",
                [stored("running_mean", mean), stored("running_var", var), stored("batch_mean", batch[0]),
                 stored("batch_var", batch[1])],
                {name: rounded(scale) for name, scale in zip(("running_mean", "running_var"), largest)}, {"batches": 1},
                "I-11")
