"""L1 to L3 once more with other values of every parameter, so that none can be built in, and what version 1 did not ask.

An equation is explained where it is first asked, in level1.py to level3.py.
"""

import numpy as np

from refpcm.golden.build import case, exact, rounded, ulp
from refpcm.golden.case import made, stored
from refpcm.golden.levels.level1 import NORMAL, UNIFORM, US
from refpcm.golden.levels.level2 import copied, magnitudes, summed
from refpcm.golden.levels.level3 import away, product
from refpcm.spec import nn
from refpcm.spec.pcm.converters import Converter
from refpcm.spec.pcm.device import TRANSFER

BUILT_IN = "the usual value built in instead of the one that is given"
CONSTANTS = {  # of no real device: a device is what its numbers say, whatever its name
    "device": "constants", "g_max_us": 10.35, "t0_s": 200.0, "t_read_s": 512e-9,
    "sigma_c0_us": 0.1578, "sigma_c1_us": 2.3244, "sigma_c2_us": -2.1631, "sigma_c3_us": 0.6884,
    "nu_mean_slope": -0.0387, "nu_mean_offset": -0.0182, "nu_mean_low": 0.0720, "nu_mean_high": 0.13,
    "nu_sigma_slope": -0.0120, "nu_sigma_offset": -0.0023, "nu_sigma_low": 0.0124, "nu_sigma_high": 0.04,
    "q_factor": 0.0112, "q_exponent": -0.55, "q_high": 0.15}
G_MAX = CONSTANTS["g_max_us"]
WITH_UNITS = {name: (value, US if name.endswith("_us") else "s" if name.endswith("_s") else "1")
              for name, value in CONSTANTS.items()}


def cases():
    """Return the cases of L1, then L2 in both precisions, then L3."""
    random = np.random.Generator(np.random.PCG64(11))
    return (_mapping(random) + _device(random) + _transfer(random) + _compensation(random) + _training(random)
            + [found for dtype in ("float64", "float32") for found in _layers(dtype)] + _converters())


# --- L1

def _mapping(random):
    weights, g_us = random.standard_normal((5, 4)), random.uniform(0, G_MAX, (2, 5, 4))
    largest_net = np.abs(g_us[0] - g_us[1]).max()
    g_max = {"g_max_us": (G_MAX, US)}
    return [
        case("L1-map-other", "map_weights", "as L1-map", BUILT_IN, [stored("weights", weights)],
             {"g_target_us": ulp(4, "two operations in any order", US)}, g_max),
        case("L1-unmap-other", "unmap_weights", "as L1-unmap", BUILT_IN, [stored("g_us", g_us, US)],
             {"weights": rounded(g_us.sum(0) * 1.7 / G_MAX)}, {"w_max": 1.7, **g_max}),
        case("L1-collapse-other", "collapsed_pair", "as L1-collapse", BUILT_IN, [stored("g_us", g_us, US)],
             {"g_us": rounded(g_us.sum(0)[None] * G_MAX / largest_net, US)}, g_max, "I-8 collapsed")]


def _device(random):
    """Every equation of the device with its constants given as numbers; formulas as in L1 of level1.py."""
    g = np.concatenate([[0.0, 0.0, 1e-6, 0.01], np.linspace(0.05, G_MAX, 40)])
    z = random.standard_normal(g.size)
    relative, log_g = g / G_MAX, np.abs(np.log(np.maximum(g / G_MAX, 1e-7)))
    sigma = 0.1578 + 2.3244 * relative + 2.1631 * relative ** 2 + 0.6884 * relative ** 3
    target, normal = stored("g_target_us", g, US), stored("z", z, NORMAL)
    formula = {"sigma": "sigma = max(c0 + c1 g + c2 g^2 + c3 g^3, 0), g = G_T / G_max",
               "nu": "mu, sigma = clip(slope ln g + offset, low, high)", "q": "Q_s = min(factor g^exponent, high)"}
    t_s, nu = 1e6, np.abs(0.08 + 0.03 * z)
    g_prog = np.maximum(g + 0.2 * z[::-1], 0.0)
    growth, decay = np.sqrt(np.log((t_s + 512e-9) / 1024e-9)), (t_s / 200) ** -nu
    u = random.uniform(0, 1, (2, g.size))
    u[0, 0] = 0.4
    return [
        case("L1-sigma-constants", "programming_sigma", formula["sigma"], BUILT_IN, [target],
             {"sigma_us": rounded(sigma, US)}, WITH_UNITS),
        case("L1-program-constants", "programmed", "G_prog = max(G_T + sigma z, 0), " + formula["sigma"], BUILT_IN,
             [target, normal], {"g_prog_us": rounded(g + sigma * np.abs(z), US)},
             {**WITH_UNITS, "reset_device": "programmed"}, "I-5 programmed"),
        case("L1-stuck-other", "stuck_devices", "as L1-stuck", BUILT_IN,
             [stored("g_prog_us", g, US), stored("u_selection", u[0], UNIFORM), stored("u_conductance", u[1], UNIFORM)],
             {"g_prog_us": ulp(1, "one multiplication", US)}, {**WITH_UNITS, "stuck_fraction": 0.4}, "I-6"),
        case("L1-nu-constants", "drift_exponents", "nu = |mu + sigma z|; " + formula["nu"], BUILT_IN, [target, normal],
             {"nu": rounded(0.0387 * log_g + 0.0182 + (0.012 * log_g + 0.0023) * np.abs(z))}, WITH_UNITS),
        case("L1-drift-constants", "drifted", "G_drift = G_prog (t / t0)^(-nu)", BUILT_IN,
             [stored("g_prog_us", g, US), stored("nu", nu)],
             {"g_drift_us": rounded(g * decay * (1 + nu * np.log(t_s / 200)), US)}, {**WITH_UNITS, "t_s": (t_s, "s")}),
        case("L1-q-constants", "relative_read_noise", formula["q"], BUILT_IN, [stored("g_us", g, US)],
             {"q_s": rounded(0.15 * (1 + 0.55 * log_g))}, WITH_UNITS)] + [
        case(f"L1-read-constants-{source}", "read",
             "G = max(G_drift + G_drift Q_s sqrt(ln((t + t_read) / (2 t_read))) z, 0), " + formula["q"], BUILT_IN,
             [target, stored("g_prog_us", g_prog, US), stored("g_drift_us", 0.7 * g_prog, US), normal],
             {"g_us": rounded(g_prog * (1 + 0.15 * growth * np.abs(z)), US)},
             {**WITH_UNITS, "t_s": (t_s, "s"), "read_noise_from": source}, f"I-7 {source}")
        for source in ("target", "programmed")]


def _transfer(random):
    g = np.concatenate([[0.0, 0.02, -0.02], np.linspace(-25, 25, 48)])
    z, relative = random.standard_normal(g.size), np.abs(g) / 25
    scale = np.abs(g) + (0.28638599 + 25 * 0.07585724 * relative + 625 * 0.00178767 * relative ** 2) * np.abs(z)
    return [case("L1-transfer", "transferred",
                 "G = G_T + sigma(|G_T|) z, sigma = 0.28638599 + 0.07585724 G - 0.00178767 G^2 (G, sigma in uS), no cut at zero "
                 "(Joshi et al. 2020, Results C; fit of Fig. 3b by CrossSim)",
                 "a cut at zero; a second device of the pair; the fit of another device; sigma at G_T with its sign",
                 [stored("g_target_us", g, US), stored("z", z, NORMAL)], {"g_us": rounded(scale, US)},
                 {"device": TRANSFER.name})]


def _compensation(random):
    g_us, weights = random.uniform(0, 25, (2, 9, 6)), random.standard_normal((9, 6))
    weights *= np.sign(weights.sum(0)) * np.array([1, -1, 1, -1, -1, 1])  # column sums of either sign
    now, then = np.array([19.0, 7.0, 3.0, 0.0, 5.0, -2.5]), np.array([13.0, 9.0, 3.0, 2.0, 0.0, 2.0])
    found = [
        case("L1-readout-ones-mixed", "gdc_readout", "sum_k |sum_r W_rk|",
             "no absolute value at all; the absolute value of the sum over columns, which are of either sign here",
             [stored("g_us", g_us, US), stored("weights", weights)],
             {"readout": rounded(np.abs(weights).sum())}, {"readout": "ones"}, "I-10 ones"),
        case("L1-gdc-factor-both", "gdc_factor", "alpha = readout(t) / readout(t0); 1 where either is 0",
             "ratio the other way round; division by 0; limited to 1", [stored("readout_t", now), stored("readout_t0", then)],
             {"alpha": ulp(1, "one division")}),
        case("L1-gdc-weights-above", "gdc_compensated", "output (or W) / alpha", "alpha limited to 1",
             [stored("weights", weights)], {"weights": ulp(4, "one division")}, {"alpha": 1.2596})]
    mean, var = random.standard_normal(4), random.uniform(0.5, 2, 4)
    batches = random.standard_normal((26, 4)), random.uniform(0.5, 2, (26, 4))
    largest = [max(np.abs(running).max(), np.abs(batch).max()) for running, batch in zip((mean, var), batches)]
    found.append(case(
        "L1-adabs-26", "adabs_update", "s <- p s + (1 - p) s_batch, p = 0.015^(1/n), n = 26", BUILT_IN,
        [stored("running_mean", mean), stored("running_var", var), stored("batch_mean", batches[0]),
         stored("batch_var", batches[1])],
        {name: rounded(scale, value=64, why="26 updates of three roundings each, below u S apiece")
         for name, scale in zip(("running_mean", "running_var"), largest)}, {"batches": 26}, "I-11"))
    x = 0.7 + 1.5 * random.standard_normal((5, 2, 4, 3, 2))
    largest = np.abs(x).max(), max((x ** 2).max(), var.max())
    found.append(case(
        "L1-adabs-biased", "adabs_layer",
        "s <- p s + (1 - p) s_batch, p = 0.015^(1/n); of a batch the mean and the biased variance, over m H W numbers",
        "unbiased variance (m H W - 1), as running statistics have it in training; mean of squares",
        [stored("x", x), stored("running_mean", mean), stored("running_var", var)],
        {name: rounded(scale, value=32, why="5 updates and sums of 12 terms")
         for name, scale in zip(("running_mean", "running_var"), largest)}))
    return found


def _training(random):
    weights, noise, found = random.standard_normal((3, 4, 3, 3)), random.standard_normal((3, 4, 3, 3)), []
    for dtype in ("float64", "float32"):
        w, z, bits = weights.astype(dtype), noise.astype(dtype), dtype[5:]
        magnitudes = np.abs(w.astype(float))
        found += [
            case(f"L1-weight-noise-other-{bits}", "weight_noise", "W + eta max |W| z", BUILT_IN,
                 [stored("weights", w), stored("z", z, NORMAL)],
                 {"noisy": rounded(magnitudes + 0.075 * magnitudes.max() * np.abs(z.astype(float)), dtype=dtype)},
                 {"eta": 0.075}),
            case(f"L1-clip-other-{bits}", "clipped_weights", "as L1-clip-64", BUILT_IN, [stored("weights", w)],
                 {"clipped": rounded(2.5, dtype=dtype)}, {"alpha": 1.25}, "I-3")]
    return found


# --- L2

def _layers(dtype):
    bits = dtype[5:]
    update = [made("running", (7,), dtype, 223, 0), made("batch", (7,), dtype, 223, 1)]
    step = [made(name, (6,), dtype, 226, i) for i, name in enumerate(("w", "gradient", "velocity"))]
    w, gradient, velocity = magnitudes(step)
    v = 0.8 * velocity + gradient + 2e-3 * w
    large = made("x", (3, 4, 5), dtype, 225, 0, scale=12.0)
    halves = np.round(made("x", (2, 3, 6, 8), dtype, 227, 0).array() * 2) / 2
    image, small = made("x", (2, 3, 6, 9), dtype, 228, 0), made("dout", (2, 3, 2, 3), dtype, 228, 1)
    x, dout = magnitudes([image, small])
    logits = made("logits", (4, 7), dtype, 229, 0, scale=2.0)
    z = logits.array().astype(np.float64)
    spans = np.abs(z - z.max(1, keepdims=True)).max(1) + 2
    return [
        case(f"L2-running-{bits}", "update_running", "(1 - momentum) running + momentum batch", BUILT_IN, update,
             summed(dtype, running=sum(magnitudes(update))), {"momentum": 0.03}),
        *(case(f"L2-sgd-{rule}-other-{bits}", "sgd_step", f"as L2-sgd-{rule}-64", BUILT_IN, step,
               summed(dtype, w=w + 0.02 * (gradient + v + 2e-3 * w), velocity=v),
               {"lr": 0.02, "momentum": 0.8, "weight_decay": 2e-3, "rule": rule}) for rule in ("nesterov", "plain")),
        case(f"L2-relu-large-{bits}", "relu", "max(x, 0), however large", "relu6: cut at 6",
             [large, made("dout", (3, 4, 5), dtype, 225, 1)], {"out": copied(dtype), "dx": copied(dtype)}),
        case(f"L2-max-pool-2x2-{bits}", "max_pool", f"as L2-max-pool-{bits}", BUILT_IN,
             [stored("x", halves - 2), made("dout", (2, 3, 3, 4), dtype, 227, 1)],
             {"out": copied(dtype), "dx": rounded(16.0, dtype=dtype)}, {"kernel": 2, "stride": 2, "padding": 0}),
        case(f"L2-average-pool-3x3-{bits}", "average_pool", "mean of each window", BUILT_IN, [image, small],
             summed(dtype, out=nn.average_pool_forward(x, 3, 3), dx=nn.average_pool_backward(dout, x.shape, 3, 3)),
             {"kernel": 3, "stride": 3}),
        case(f"L2-pad-shortcut-7-{bits}", "pad_shortcut", f"as L2-pad-shortcut-{bits}", BUILT_IN,
             [image, made("dout", (2, 7, 6, 9), dtype, 228, 3)], {"out": copied(dtype), "dx": copied(dtype)},
             {"out_channels": 7, "stride": 1}),
        case(f"L2-loss-other-{bits}", "cross_entropy", f"as L2-loss-smoothed-{bits}", BUILT_IN,
             [logits, stored("labels", np.array([6, 0, 3, 3], np.int64))],
             summed(dtype, loss=spans.mean(), dlogits=np.tile(spans[:, None] / 4, 7)), {"smoothing": 0.25})]


# --- L3

def _converters():
    levels = Converter(5).levels
    x = away(made("x", (200,), "float64", 320, 0, scale=0.2).array(), levels, 0.4)
    codes = case("L3-codes-5bit", "converter_codes", "as L3-codes-4bit", BUILT_IN, [stored("x", x)], {"codes": exact("int32")},
                 {"bits": 5, "full_scale": 0.4})
    activations = np.maximum(made("x", (20_000,), "float32", 321, 0).array(), 0)
    sums = made("x", (3_000,), "float64", 322, 0, scale=3.0).array()
    rare = np.zeros(500)
    rare[[17, 300]] = 0.25, -0.75
    ranges = [
        case(f"L3-range-{name}", "converter_range",
             "range = quantile q of |x| at position q (n - 1), linear between neighbours; the largest |x| where that is 0",
             catches, [stored("x", values)], {"range": rounded(np.abs(values).max(), dtype=str(values.dtype))},
             {"quantile": quantile})
        for name, values, quantile, catches in (
            ("9999", activations, 0.99995, "the largest value; the 99.5th percentile; quantile of x instead of |x|"),
            ("signed", sums, 0.999, "no absolute value; the nearest rank instead of a linear interpolation"),
            ("rare", rare, 0.99, "a range of 0 where nearly all inputs are 0"))]
    return [codes, product("other", 6, 7, 10, 0.02, BUILT_IN, 0.9, 1.4), *ranges]
