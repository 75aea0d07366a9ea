"""L1 equations: every equation of the device and of its compensation, with the noise given as an input."""

import numpy as np

from refpcm.golden.build import case, cus, ulp
from refpcm.golden.case import stored
from refpcm.pcm.device import JOSHI2020

US, NORMAL, UNIFORM = "uS", "standard normal", "uniform on (0, 1)"
FIT = "Nandakumar et al. 2019"


def cases():
    random = np.random.Generator(np.random.PCG64(1))
    g = np.concatenate([np.zeros(4), [1e-6, 1e-3, 0.01], np.linspace(0.05, 25.0, 65)])  # targets [uS]
    g = np.concatenate([g, g])
    z = random.standard_normal(g.size)
    z[:4] = (-3.0, -0.5, 0.5, 3.0)
    return _mapping(random) + _programming(g, z, random) + _drift(g, z) + _read(g, z) + _compensation(random) + \
        _training(random)


def _mapping(random):
    weights = random.standard_normal((6, 5)) * 0.1
    weights[2, 3], weights[4, 1] = -0.5, 0.0
    g_us = random.uniform(0, 25, (2, 6, 5))
    equation = "G_T = W G_max / W_max, W_max = max |W|; positive to G+, magnitude of negative to G-, the other one 0"
    return [case("L1-map", 1, "map_weights", equation, "G+ and G- swapped; max W for max |W| (the largest is negative here)",
                 [stored("weights", weights)], {"g_target_us": ("float64", US, ulp(4, "two operations in any order"))},
                 {"g_max_us": (25.0, US)}),
            case("L1-map-zero", 1, "map_weights", equation, "0 / 0 for a layer of zeros", [stored("weights", weights * 0)],
                 {"g_target_us": ("float64", US, ulp(0, "exactly 0"))}, {"g_max_us": (25.0, US)}),
            case("L1-unmap", 1, "unmap_weights", "W = (G+ - G-) W_max / G_max", "sum for difference; G_max / W_max",
                 [stored("g_us", g_us, US)], {"weights": ("float64", "1", cus(), g_us.sum(0) * 0.5 / 25)},
                 {"w_max": 0.5, "g_max_us": (25.0, US)}),
            case("L1-collapse", 1, "collapsed_pair",
                 "net = G+ - G-; G+, G- = max(+-net, 0) G_max / max |net|", "stretched by W_max instead of the largest net",
                 [stored("g_us", g_us, US)],
                 {"g_us": ("float64", US, cus(), g_us.sum(0)[None] * 25 / np.abs(g_us[0] - g_us[1]).max())},
                 {"g_max_us": (25.0, US)}, "I-8 collapsed")]


def _programming(g, z, random):
    found, relative = [], g / 25
    sigma_terms = 0.26348 + 1.9650 * relative + 1.1731 * relative ** 2
    sigma = "sigma = max(0.26348 + 1.9650 g - 1.1731 g^2, 0) uS, g = G_T / G_max (" + FIT + ")"
    found.append(case("L1-sigma", 1, "programming_sigma", sigma, "g in uS instead of G_T / G_max; sigma in per cent of G_max",
                      [stored("g_target_us", g, US)], {"sigma_us": ("float64", US, cus(), sigma_terms)}, _device()))
    for name, mode, catches in (("programmed", "programmed", "idle device exactly 0; noise scaled by the target"),
                                ("zero", "zero", "idle device programmed at g = 0; 0 also where the target is only small")):
        found.append(case(f"L1-program-{name}", 1, "programmed", "G_prog = max(G_T + sigma z, 0)", catches,
                          [stored("g_target_us", g, US), stored("z", z, NORMAL)],
                          {"g_prog_us": ("float64", US, cus(), g + sigma_terms * np.abs(z))},
                          {**_device(), "reset_device": mode}, f"I-5 {mode}"))
    u = random.uniform(0, 1, (2, g.size))
    u[0, 0] = 0.25
    found.append(case("L1-stuck", 1, "stuck_devices", "where u_selection < fraction: G = u_conductance G_max",
                      "<= for <; the healthy ones replaced", [stored("g_prog_us", g, US), stored("u_selection", u[0], UNIFORM),
                                                              stored("u_conductance", u[1], UNIFORM)],
                      {"g_prog_us": ("float64", US, ulp(1, "one multiplication"))}, {**_device(), "stuck_fraction": 0.25},
                      "I-6"))
    return found


def _drift(g, z):
    log_g = np.abs(np.log(np.maximum(g / 25, 1e-7)))
    terms = 0.0155 * log_g + 0.0244 + (0.0125 * log_g + 0.0059) * np.abs(z)
    nu = np.abs(0.06 + 0.02 * z)
    found = [case("L1-nu", 1, "drift_exponents",
                  "nu = |mu + sigma z|, mu = clip(-0.0155 ln g + 0.0244, 0.049, 0.1), "
                  "sigma = clip(-0.0125 ln g - 0.0059, 0.008, 0.045) (" + FIT + ")",
                  "log10 for ln; missing absolute value; missing clip; log of 0", [stored("g_target_us", g, US),
                                                                                    stored("z", z, NORMAL)],
                  {"nu": ("float64", "1", cus(), terms)}, _device())]
    for name, t_s in (("t0", 20.0), ("25s", 25.0), ("1h", 3600.0), ("1y", 31536000.0)):
        decayed = g * (t_s / 20) ** -nu
        found.append(case(f"L1-drift-{name}", 1, "drifted", "G_drift = G_prog (t / t0)^(-nu), t0 = 20 s; t since programming",
                          "t without t0; t + t0 for t; sign of the exponent", [stored("g_prog_us", g, US), stored("nu", nu)],
                          {"g_drift_us": ("float64", US, cus(), decayed * (1 + nu * np.log(t_s / 20)))},
                          {**_device(), "t_s": (t_s, "s")}))
    return found


def _read(g, z):
    relative = np.maximum(g / 25, 1e-7)
    q_s = np.minimum(0.0088 * relative ** -0.65, 0.2)
    g_prog = np.maximum(g + 0.3 * z[::-1], 0.0)
    found = [case("L1-q", 1, "relative_read_noise", "Q_s = min(0.0088 / g^0.65, 0.2) (" + FIT + ")",
                  "missing limit of 0.2; exponent with the wrong sign; infinite at g = 0", [stored("g_us", g, US)],
                  {"q_s": ("float64", "1", cus(), q_s * (1 + 0.65 * np.abs(np.log(relative))))}, _device())]
    times = (("target", "25s", 25.0), ("target", "1d", 86400.0), ("programmed", "25s", 25.0), ("programmed", "1d", 86400.0))
    for source, name, t_s in times:
        growth = np.sqrt(np.log((t_s + 250e-9) / 500e-9))
        # Q_s at 0.2 is the largest that can enter, whatever conductance it is taken at.
        scale = g_prog * (1 + 0.2 * growth * np.abs(z))
        found.append(case(f"L1-read-{source}-{name}", 1, "read",
                          "G = max(G_drift + G_drift Q_s sqrt(ln((t + t_read) / (2 t_read))) z, 0), t_read = 250 ns",
                          "Q_s of the other conductance; square root or the 2 missing; sigma of G_prog for G_drift",
                          [stored("g_target_us", g, US), stored("g_prog_us", g_prog, US),
                           stored("g_drift_us", 0.8 * g_prog, US), stored("z", z, NORMAL)],
                          {"g_us": ("float64", US, cus(), scale)}, {**_device(), "t_s": (t_s, "s"), "read_noise_from": source},
                          f"I-7 {source}"))
    return found


def _compensation(random):
    g_us, weights = random.uniform(0, 25, (2, 9, 7)), random.standard_normal((9, 7))
    found = []
    for kind, catches, scale in (("columns", "difference for sum of the pair", g_us.sum()),
                                 ("ones", "absolute value before the sum over rows", np.abs(weights).sum()),
                                 ("one_hot", "sum for mean; mean of W without the absolute value", np.abs(weights).mean())):
        found.append(case(f"L1-readout-{kind.replace(chr(95), chr(45))}", 1, "gdc_readout",
                          {"columns": "sum of all G+ and G-", "ones": "sum_k |sum_r W_rk|", "one_hot": "mean |W_rk|"}[kind],
                          catches, [stored("g_us", g_us, US), stored("weights", weights)],
                          {"readout": ("float64", "uS or 1", cus(), scale)}, {"readout": kind}, f"I-10 {kind}"))
    found.append(case("L1-gdc-factor", 1, "gdc_factor", "alpha = readout(t) / readout(t0); 1 where either is 0",
                      "ratio the other way round; division by 0",
                      [stored("readout_t", np.array([10.0, 3.0, 0.0, 5.0])), stored("readout_t0", np.array([13.0, 3.0, 2.0, 0.0]))],
                      {"alpha": ("float64", "1", ulp(1, "one division"))}))
    found.append(case("L1-gdc-weights", 1, "gdc_compensated", "output (or W) / alpha", "multiplied by alpha",
                      [stored("weights", weights)], {"weights": ("float64", "1", ulp(4, "one division"))}, {"alpha": 0.7751937}))
    statistics = [stored("running_mean", random.standard_normal(5)), stored("running_var", random.uniform(0.5, 2, 5)),
                  stored("batch_mean", random.standard_normal((13, 5))), stored("batch_var", random.uniform(0.5, 2, (13, 5)))]
    largest = np.array([np.abs(np.concatenate([statistics[i].content[None], statistics[i + 2].content])).max() for i in (0, 1)])
    found.append(case("L1-adabs", 1, "adabs_update", "s <- p s + (1 - p) s_batch, p = 0.015^(1/n), n = number of mini-batches",
                      "p and 1 - p exchanged; p = 0.015; variance replaced by standard deviation", statistics,
                      {"running_mean": ("float64", "1", cus(32, "13 updates of three roundings each, below u S apiece"), largest[0]),
                       "running_var": ("float64", "1", cus(32, "13 updates of three roundings each, below u S apiece"), largest[1])},
                      {"batches": 13}, "I-11"))
    return found


def _training(random):
    w, z = random.standard_normal((4, 3, 3, 3)) * 0.2, random.standard_normal((4, 3, 3, 3))
    w[1, 2, 0, 1] = -0.9
    found = []
    for dtype in ("float64", "float32"):
        a, b = w.astype(dtype), z.astype(dtype)
        scale = np.abs(a.astype(float)) + 0.038 * 0.9 * np.abs(b.astype(float))
        found.append(case(f"L1-weight-noise-{dtype[5:]}", 1, "weight_noise", "W + eta max |W| z",
                          "eta in per cent; max W for max |W|; noise proportional to the weight", [stored("weights", a),
                                                                                                   stored("z", b, NORMAL)],
                          {"noisy": (dtype, "1", cus(), scale)}, {"eta": 0.038}))
        found.append(case(f"L1-clip-{dtype[5:]}", 1, "clipped_weights",
                          "W limited to +- alpha sigma(W), sigma the population standard deviation",
                          "sample standard deviation (n - 1); bound about the mean instead of 0", [stored("weights", a)],
                          {"clipped": (dtype, "1", cus(), np.full(w.shape, 0.5))}, {"alpha": 2.0}, "I-3"))
    return found


def _device():
    return {"device": JOSHI2020.name}
