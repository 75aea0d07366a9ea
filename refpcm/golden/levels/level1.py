"""L1 equations: every equation of the device and of its compensation, with the noise given as an input."""

import numpy as np

from refpcm.golden.build import case, rounded, ulp
from refpcm.golden.case import stored
from refpcm.spec.pcm.device import JOSHI2020

US, NORMAL, UNIFORM = "uS", "standard normal", "uniform on (0, 1)"
FIT = "Nandakumar et al. 2019"
DEVICE = {"device": JOSHI2020.name}


def cases():
    """28 cases, in the order of the signal: mapping, programming, drift, read noise, compensation, training."""
    random = np.random.Generator(np.random.PCG64(1))
    g = np.concatenate([np.zeros(4), [1e-6, 1e-3, 0.01], np.linspace(0.05, 25.0, 65)])  # targets [uS]
    g = np.concatenate([g, g])
    z = random.standard_normal(g.size)
    z[:4] = (-3.0, -0.5, 0.5, 3.0)
    return (_mapping(random) + _programming(g, z, random) + _drift(g, z) + _read(g, z) + _compensation(random)
            + _training(random))


def _mapping(random):
    weights = random.standard_normal((6, 5)) * 0.1
    weights[2, 3], weights[4, 1] = -0.5, 0.0
    g_us = random.uniform(0, 25, (2, 6, 5))
    largest_net = np.abs(g_us[0] - g_us[1]).max()
    equation = "G_T = W G_max / W_max, W_max = max |W|; positive to G+, magnitude of negative to G-, the other one 0"
    return [
        case("L1-map", "map_weights", equation,
             catches="G+ and G- swapped; max W for max |W| (the largest is negative here)",
             inputs=[stored("weights", weights)],
             outputs={"g_target_us": ulp(4, "two operations in any order", US)},
             parameters={"g_max_us": (25.0, US)}),
        case("L1-map-zero", "map_weights", equation,
             catches="0 / 0 for a layer of zeros",
             inputs=[stored("weights", weights * 0)],
             outputs={"g_target_us": ulp(0, "exactly 0", US)},
             parameters={"g_max_us": (25.0, US)}),
        case("L1-unmap", "unmap_weights", "W = (G+ - G-) W_max / G_max",
             catches="sum for difference; G_max / W_max",
             inputs=[stored("g_us", g_us, US)],
             outputs={"weights": rounded(g_us.sum(0) * 0.5 / 25)},
             parameters={"w_max": 0.5, "g_max_us": (25.0, US)}),
        case("L1-collapse", "collapsed_pair", "net = G+ - G-; G+, G- = max(+-net, 0) G_max / max |net|",
             catches="stretched by W_max instead of the largest net",
             inputs=[stored("g_us", g_us, US)],
             outputs={"g_us": rounded(g_us.sum(0)[None] * 25 / largest_net, US)},
             parameters={"g_max_us": (25.0, US)},
             interpretation="I-8 collapsed")]


def _programming(g, z, random):
    relative = g / 25
    sigma_terms = 0.26348 + 1.9650 * relative + 1.1731 * relative ** 2
    found = [case("L1-sigma", "programming_sigma",
                  f"sigma = max(0.26348 + 1.9650 g - 1.1731 g^2, 0) uS, g = G_T / G_max ({FIT})",
                  catches="g in uS instead of G_T / G_max; sigma in per cent of G_max",
                  inputs=[stored("g_target_us", g, US)],
                  outputs={"sigma_us": rounded(sigma_terms, US)},
                  parameters=DEVICE)]
    for mode, catches in (("programmed", "idle device exactly 0; noise scaled by the target"),
                          ("zero", "idle device programmed at g = 0; 0 also where the target is only small")):
        found.append(case(f"L1-program-{mode}", "programmed", "G_prog = max(G_T + sigma z, 0)", catches,
                          inputs=[stored("g_target_us", g, US), stored("z", z, NORMAL)],
                          outputs={"g_prog_us": rounded(g + sigma_terms * np.abs(z), US)},
                          parameters={**DEVICE, "reset_device": mode},
                          interpretation=f"I-5 {mode}"))
    u = random.uniform(0, 1, (2, g.size))
    u[0, 0] = 0.25
    found.append(case("L1-stuck", "stuck_devices", "where u_selection < fraction: G = u_conductance G_max",
                      catches="<= for <; the healthy ones replaced",
                      inputs=[stored("g_prog_us", g, US), stored("u_selection", u[0], UNIFORM),
                              stored("u_conductance", u[1], UNIFORM)],
                      outputs={"g_prog_us": ulp(1, "one multiplication", US)},
                      parameters={**DEVICE, "stuck_fraction": 0.25},
                      interpretation="I-6"))
    return found


def _drift(g, z):
    log_g = np.abs(np.log(np.maximum(g / 25, 1e-7)))
    terms = 0.0155 * log_g + 0.0244 + (0.0125 * log_g + 0.0059) * np.abs(z)
    found = [case("L1-nu", "drift_exponents",
                  "nu = |mu + sigma z|, mu = clip(-0.0155 ln g + 0.0244, 0.049, 0.1), "
                  f"sigma = clip(-0.0125 ln g - 0.0059, 0.008, 0.045) ({FIT})",
                  catches="log10 for ln; missing absolute value; missing clip; log of 0",
                  inputs=[stored("g_target_us", g, US), stored("z", z, NORMAL)],
                  outputs={"nu": rounded(terms)},
                  parameters=DEVICE)]
    nu = np.abs(0.06 + 0.02 * z)
    for name, t_s in (("t0", 20.0), ("25s", 25.0), ("1h", 3600.0), ("1y", 31536000.0)):
        decayed = g * (t_s / 20) ** -nu
        found.append(case(f"L1-drift-{name}", "drifted",
                          "G_drift = G_prog (t / t0)^(-nu), t0 = 20 s; t since programming",
                          catches="t without t0; t + t0 for t; sign of the exponent",
                          inputs=[stored("g_prog_us", g, US), stored("nu", nu)],
                          outputs={"g_drift_us": rounded(decayed * (1 + nu * np.log(t_s / 20)), US)},
                          parameters={**DEVICE, "t_s": (t_s, "s")}))
    return found


def _read(g, z):
    relative = np.maximum(g / 25, 1e-7)
    q_s = np.minimum(0.0088 * relative ** -0.65, 0.2)
    found = [case("L1-q", "relative_read_noise", f"Q_s = min(0.0088 / g^0.65, 0.2) ({FIT})",
                  catches="missing limit of 0.2; exponent with the wrong sign; infinite at g = 0",
                  inputs=[stored("g_us", g, US)],
                  outputs={"q_s": rounded(q_s * (1 + 0.65 * np.abs(np.log(relative))))},
                  parameters=DEVICE)]
    g_prog = np.maximum(g + 0.3 * z[::-1], 0.0)
    for source in ("target", "programmed"):
        for name, t_s in (("25s", 25.0), ("1d", 86400.0)):
            growth = np.sqrt(np.log((t_s + 250e-9) / 500e-9))
            # Q_s at 0.2 is the largest that can enter, whatever conductance it is taken at.
            scale = g_prog * (1 + 0.2 * growth * np.abs(z))
            found.append(case(f"L1-read-{source}-{name}", "read",
                              "G = max(G_drift + G_drift Q_s sqrt(ln((t + t_read) / (2 t_read))) z, 0), "
                              "t_read = 250 ns",
                              catches="Q_s of the other conductance; square root or the 2 missing; "
                                      "sigma of G_prog for G_drift",
                              inputs=[stored("g_target_us", g, US), stored("g_prog_us", g_prog, US),
                                      stored("g_drift_us", 0.8 * g_prog, US), stored("z", z, NORMAL)],
                              outputs={"g_us": rounded(scale, US)},
                              parameters={**DEVICE, "t_s": (t_s, "s"), "read_noise_from": source},
                              interpretation=f"I-7 {source}"))
    return found


def _compensation(random):
    g_us, weights = random.uniform(0, 25, (2, 9, 7)), random.standard_normal((9, 7))
    found = []
    for kind, equation, catches, scale in (
            ("columns", "sum of all G+ and G-", "difference for sum of the pair", g_us.sum()),
            ("ones", "sum_k |sum_r W_rk|", "absolute value before the sum over rows", np.abs(weights).sum()),
            ("one_hot", "mean |W_rk|", "sum for mean; mean of W without the absolute value", np.abs(weights).mean())):
        found.append(case(f"L1-readout-{kind.replace('_', '-')}", "gdc_readout", equation, catches,
                          inputs=[stored("g_us", g_us, US), stored("weights", weights)],
                          outputs={"readout": rounded(scale, "uS or 1")},
                          parameters={"readout": kind},
                          interpretation=f"I-10 {kind}"))
    found.append(case("L1-gdc-factor", "gdc_factor", "alpha = readout(t) / readout(t0); 1 where either is 0",
                      catches="ratio the other way round; division by 0",
                      inputs=[stored("readout_t", np.array([10.0, 3.0, 0.0, 5.0])),
                              stored("readout_t0", np.array([13.0, 3.0, 2.0, 0.0]))],
                      outputs={"alpha": ulp(1, "one division")}))
    found.append(case("L1-gdc-weights", "gdc_compensated", "output (or W) / alpha",
                      catches="multiplied by alpha",
                      inputs=[stored("weights", weights)],
                      outputs={"weights": ulp(4, "one division")},
                      parameters={"alpha": 0.7751937}))
    return found + [_adabs(random)]


def _adabs(random):
    mean, var = random.standard_normal(5), random.uniform(0.5, 2, 5)
    batch_mean, batch_var = random.standard_normal((13, 5)), random.uniform(0.5, 2, (13, 5))

    def updated(running, batches):
        largest = max(np.abs(running).max(), np.abs(batches).max())
        return rounded(largest, value=32, why="13 updates of three roundings each, below u S apiece")
    return case("L1-adabs", "adabs_update",
                "s <- p s + (1 - p) s_batch, p = 0.015^(1/n), n = number of mini-batches",
                catches="p and 1 - p exchanged; p = 0.015; variance replaced by standard deviation",
                inputs=[stored("running_mean", mean), stored("running_var", var),
                        stored("batch_mean", batch_mean), stored("batch_var", batch_var)],
                outputs={"running_mean": updated(mean, batch_mean), "running_var": updated(var, batch_var)},
                parameters={"batches": 13},
                interpretation="I-11")


def _training(random):
    weights, noise = random.standard_normal((4, 3, 3, 3)) * 0.2, random.standard_normal((4, 3, 3, 3))
    weights[1, 2, 0, 1] = -0.9
    found = []
    for dtype in ("float64", "float32"):
        w, z, bits = weights.astype(dtype), noise.astype(dtype), dtype[5:]
        scale = np.abs(w.astype(float)) + 0.038 * 0.9 * np.abs(z.astype(float))
        found += [
            case(f"L1-weight-noise-{bits}", "weight_noise", "W + eta max |W| z",
                 catches="eta in per cent; max W for max |W|; noise proportional to the weight",
                 inputs=[stored("weights", w), stored("z", z, NORMAL)],
                 outputs={"noisy": rounded(scale, dtype=dtype)},
                 parameters={"eta": 0.038}),
            case(f"L1-clip-{bits}", "clipped_weights",
                 "W limited to +- alpha sigma(W), sigma the population standard deviation",
                 catches="sample standard deviation (n - 1); bound about the mean instead of 0",
                 inputs=[stored("weights", w)],
                 outputs={"clipped": rounded(0.5, dtype=dtype)},
                 parameters={"alpha": 2.0},
                 interpretation="I-3")]
    return found
