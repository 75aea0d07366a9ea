"""L1 equations of the PCM device, in the order of the signal: mapping, programming, drift, read noise.

Mapping is Joshi et al. 2020, Methods; the curves of the device joshi2020 are the fit of Nandakumar et al. 2019. Noise
is an input: z standard normal, u_selection and u_conductance uniform on (0, 1). Where no shape is given, all arrays of
an operation have the same.
"""

from dataclasses import replace

import numpy as np

from refpcm.golden.reference import chosen
from refpcm.spec.pcm import chip, drift, mapping, programming, read_noise, transfer
from refpcm.spec.pcm.device import JOSHI2020


def map_weights(inputs, parameters):
    """weights (R, K), g_max_us -> g_target_us (2, R, K) [uS]: G_T = W G_max / W_max, W_max = max |W|.

    A positive G_T goes to G+, the magnitude of a negative one to G-; the other device of the pair gets 0, and all do where
    W_max is 0.
    """
    w_max = mapping.largest_weight(inputs["weights"])
    return {"g_target_us": mapping.to_conductances(inputs["weights"], w_max, parameters["g_max_us"])}


def unmap_weights(inputs, parameters):
    """g_us (2, R, K) [uS], w_max, g_max_us -> weights (R, K) = (G+ - G-) W_max / G_max."""
    return {"weights": mapping.to_weights(inputs["g_us"], parameters["w_max"], parameters["g_max_us"])}


def collapsed_pair(inputs, parameters):
    """g_us (2, R, K) [uS], g_max_us -> g_us (2, R, K) [uS]: the pair collapsed to its net and split again (I-8).

    G+ and G- = max(+-(G+ - G-), 0), stretched so that the largest net of the matrix is G_max.
    """
    return {"g_us": chip.collapsed_us(inputs["g_us"], parameters["g_max_us"])}


def collapsed_weights(inputs, parameters):
    """g_prog_us as programmed and g_us of a collapsed pair as read, both (2, R, K) [uS], w_max, g_max_us -> weights (R, K).

    What is read goes out from `collapsed_pair`; the weights undo its stretch: (G+ - G-) W_max / G_max max |net| / G_max, with
    the net conductances as programmed (I-8).
    """
    device = replace(JOSHI2020, g_max_us=parameters["g_max_us"], identity="collapsed")
    crossbar = chip.Crossbar("", 0, parameters["w_max"], None, inputs["g_prog_us"], None)
    return {"weights": chip.effective_weights(chip.Chip(device, 0, 0, [crossbar]), crossbar, inputs["g_us"])}


def transferred(inputs, parameters):
    """g_target_us of weights, with their sign [uS], z, device -> g_us = G_T + sigma(|G_T|) z: the paper's transfer model."""
    g_us, z, device = inputs["g_target_us"], inputs["z"], chosen.device(parameters)
    pair = transfer.transferred_us(np.stack([np.maximum(g_us, 0.0), np.maximum(-g_us, 0.0)]), np.stack([z, -z]), device)
    return {"g_us": pair[0] - pair[1]}


def programming_sigma(inputs, parameters):
    """g_target_us [uS], device -> sigma_us [uS]: standard deviation of programming, a polynomial in G_T / G_max."""
    return {"sigma_us": programming.programming_sigma_us(inputs["g_target_us"], chosen.device(parameters))}


def programmed(inputs, parameters):
    """g_target_us [uS], z, device -> g_prog_us [uS] = max(G_T + sigma z, 0).

    reset_device "programmed" or "zero": what a device of target 0 becomes (I-5).
    """
    return {"g_prog_us": programming.programmed_us(inputs["g_target_us"], inputs["z"], chosen.device(parameters))}


def stuck_devices(inputs, parameters):
    """g_prog_us [uS], u_selection, u_conductance, device, stuck_fraction -> g_prog_us [uS] (I-6).

    Where u_selection is below the fraction, a device sits at u_conductance G_max.
    """
    return {"g_prog_us": programming.with_stuck_us(inputs["g_prog_us"], inputs["u_selection"], inputs["u_conductance"],
                                                   chosen.device(parameters))}


def drift_exponents(inputs, parameters):
    """g_target_us [uS], z, device -> nu = |mu + sigma z|, with mu and sigma of the device at G_T / G_max."""
    return {"nu": drift.drift_exponents(inputs["g_target_us"], inputs["z"], chosen.device(parameters))}


def drifted(inputs, parameters):
    """g_prog_us [uS], nu, t_s since programming, device -> g_drift_us [uS] = G_prog (t / t0)^(-nu)."""
    return {"g_drift_us": drift.drifted_us(inputs["g_prog_us"], inputs["nu"], parameters["t_s"],
                                           chosen.device(parameters))}


def relative_read_noise(inputs, parameters):
    """g_us [uS], device -> q_s: read noise relative to the conductance, before it grows with time."""
    return {"q_s": read_noise.relative_read_noise(inputs["g_us"], chosen.device(parameters))}


def read(inputs, parameters):
    """g_target_us, g_prog_us, g_drift_us [uS], z, t_s since programming, device -> g_us [uS].

    G = max(G_drift + G_drift Q_s sqrt(ln((t + t_read) / (2 t_read))) z, 0), t_read of the device;
    read_noise_from "target" or "programmed": the conductance at which Q_s is taken (I-7).
    """
    device = chosen.device(parameters)
    q_s = read_noise.relative_read_noise(inputs["g_target_us" if device.read_noise_from == "target" else "g_prog_us"],
                                         device)
    return {"g_us": read_noise.read_us(inputs["g_drift_us"], q_s, inputs["z"], parameters["t_s"], device)}
