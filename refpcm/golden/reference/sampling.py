"""L6 statistics: the equations of L1 with the implementation's own random numbers, `count` samples of each bin."""

import numpy as np

from refpcm.golden.reference import chosen, device_equations
from refpcm.spec import random
from refpcm.spec.pcm import drift, programming, read_noise
from refpcm.spec.pcm.chip import read_start
from refpcm.spec.training import weight_noise as noise


def sample_programmed(inputs, parameters):
    """g_target_us (bins,) [uS]; count, device, reset_device (I-5) -> g_prog_us (bins, count) [uS]."""
    equation, purpose = programming.programmed_us, random.Purpose.PROGRAMMING
    return {"g_prog_us": sampled(equation, purpose, inputs["g_target_us"], parameters)}


def sample_drift_exponents(inputs, parameters):
    """g_target_us (bins,) [uS]; count, device -> nu (bins, count)."""
    return {"nu": sampled(drift.drift_exponents, random.Purpose.DRIFT_EXPONENT, inputs["g_target_us"], parameters)}


def sample_transferred(inputs, parameters):
    """g_target_us (bins,) with the sign of the weight [uS]; count, device -> g_us (bins, count) [uS]."""
    def transferred(g_us, z, device):
        return device_equations.transferred({"g_target_us": g_us, "z": z}, parameters)["g_us"]
    return {"g_us": sampled(transferred, random.Purpose.PROGRAMMING, inputs["g_target_us"], parameters)}


def sample_read(inputs, parameters):
    """g_us (bins,) [uS], target and drifted conductance alike; count, t_s, device -> g_us (bins, count) [uS]."""
    def read_once(g_us, z, device):
        return read_noise.read_us(g_us, read_noise.relative_read_noise(g_us, device), z, parameters["t_s"], device)
    return {"g_us": sampled(read_once, random.Purpose.READ_NOISE, inputs["g_us"], parameters)}


def sample_weight_noise(inputs, parameters):
    """weights (bins,); count, w_max, eta -> noisy (bins, count) = W + eta w_max z."""
    def noisy(w, z, device):
        return noise.weight_noise(w, parameters["w_max"], parameters["eta"], z)
    any_device = {**parameters, "device": "joshi2020"}
    return {"noisy": sampled(noisy, random.Purpose.WEIGHT_NOISE, inputs["weights"], any_device)}


# --- joint samples: what must not depend on one another

def sample_chips(inputs, parameters):
    """g_target_us (bins,) [uS]; chips, layers, count, device -> state (2, chips, layers, 2, bins, count).

    Conductances as programmed [uS], then drift exponents, of G+ at the bin's target and of G- at 0, in every layer of
    every chip.
    """
    device, bins = chosen.device(parameters), inputs["g_target_us"]
    shape = 2, len(bins), parameters["count"]
    target_us = np.broadcast_to(np.stack([bins, 0 * bins])[..., None], shape)
    state = np.empty((2, parameters["chips"], parameters["layers"], *shape))
    for chip, layer in np.ndindex(state.shape[1:3]):
        for k, (purpose, equation) in enumerate(((random.Purpose.PROGRAMMING, programming.programmed_us),
                                                 (random.Purpose.DRIFT_EXPONENT, drift.drift_exponents))):
            z = random.normals(1, chip, purpose, layer, 0, 0, target_us.size).reshape(shape)
            state[k, chip, layer] = equation(target_us, z, device)
    return {"state": state}


def sample_reads(inputs, parameters):
    """g_us (bins,) [uS]; chips, layers, reads, count, t_1_s, t_2_s, device -> g_us (chips, layers, 2, reads, 2, bins, count).

    Conductances [uS] of `reads` reads at each of two times, of G+ and G- alike at the bin's conductance.
    """
    device, bins = chosen.device(parameters), inputs["g_us"]
    shape = 2, len(bins), parameters["count"]
    g_us, times = np.broadcast_to(bins[:, None], shape), (parameters["t_1_s"], parameters["t_2_s"])
    q_s = read_noise.relative_read_noise(g_us, device)
    found = np.empty((parameters["chips"], parameters["layers"], len(times), parameters["reads"], *shape))
    for chip, layer, time, read in np.ndindex(found.shape[:4]):
        z = random.normals(1, chip, random.Purpose.READ_NOISE, layer, read, int(read_start(times[time])), g_us.size)
        found[chip, layer, time, read] = read_noise.read_us(g_us, q_s, z.reshape(shape), times[time], device)
    return {"g_us": found}


def sample_noise_steps(inputs, parameters):
    """weights (bins,); steps, layers, count, w_max, eta -> noisy (steps, layers, bins, count)."""
    w = np.broadcast_to(inputs["weights"][:, None], (len(inputs["weights"]), parameters["count"]))
    noisy = np.empty((parameters["steps"], parameters["layers"], *w.shape))
    for step, layer in np.ndindex(noisy.shape[:2]):
        z = random.normals(1, 0, random.Purpose.WEIGHT_NOISE, layer, step, 0, w.size).reshape(w.shape)
        noisy[step, layer] = noise.weight_noise(w, parameters["w_max"], parameters["eta"], z)
    return {"noisy": noisy}


def sampled(equation, purpose, bins, parameters):
    """(bins, count): equation(value, z, device) at each bin's value, with `count` fresh standard normal z."""
    count = parameters["count"]
    z = random.normals(1, 0, purpose, 0, 0, 0, len(bins) * count).reshape(len(bins), count)
    return equation(np.broadcast_to(bins[:, None], z.shape), z, chosen.device(parameters))
