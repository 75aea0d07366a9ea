"""L6 statistics: the equations of L1 with the implementation's own random numbers, `count` samples of each bin."""

import numpy as np

from refpcm.golden.reference import chosen
from refpcm.spec import random
from refpcm.spec.pcm import drift, programming, read_noise
from refpcm.spec.training import weight_noise as noise


def sample_programmed(inputs, parameters):
    """g_target_us (bins,) [uS]; count, device, reset_device (I-5) -> g_prog_us (bins, count) [uS]."""
    equation, purpose = programming.programmed_us, random.Purpose.PROGRAMMING
    return {"g_prog_us": sampled(equation, purpose, inputs["g_target_us"], parameters)}


def sample_drift_exponents(inputs, parameters):
    """g_target_us (bins,) [uS]; count, device -> nu (bins, count)."""
    return {"nu": sampled(drift.drift_exponents, random.Purpose.DRIFT_EXPONENT, inputs["g_target_us"], parameters)}


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


def sampled(equation, purpose, bins, parameters):
    """(bins, count): equation(value, z, device) at each bin's value, with `count` fresh standard normal z."""
    count = parameters["count"]
    z = random.normals(1, 0, purpose, 0, 0, 0, len(bins) * count).reshape(len(bins), count)
    return equation(np.broadcast_to(bins[:, None], z.shape), z, chosen.device(parameters))
