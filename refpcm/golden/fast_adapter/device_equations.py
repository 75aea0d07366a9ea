"""L1 equations of the PCM device: the functions of numbers that the kernels of programming and reading are made of.

They are `refpcm.fast.device_equations` and `refpcm.fast.curve`. The logarithm of the time and the growth of read noise
are one number a read; the fast chip, too, takes them from the specification.
"""

import numpy as np

from refpcm.fast import device_equations as device_at
from refpcm.fast.curve import curve_value
from refpcm.golden.reference import chosen
from refpcm.spec.elementary import log
from refpcm.spec.pcm import read_noise


def of_each(equation, *arrays):
    """Return equation(number, ...) of every element, float64; numbers among the arrays are repeated."""
    arrays = np.broadcast_arrays(*arrays)
    values = [equation(*numbers) for numbers in zip(*(array.flat for array in arrays))]
    return np.array(values, np.float64).reshape(arrays[0].shape)


def at_targets(curve, g_target_us, device):
    """Return a curve of the device at conductances in uS."""
    return curve_value(curve, g_target_us / device.g_max_us)


def map_weights(inputs, parameters):
    """Return the targets of the pairs; a device whose polarity is not the weight's has target 0."""
    w = inputs["weights"]
    g_us = of_each(device_at.target_at, w, float(np.abs(w).max()), parameters["g_max_us"])
    return {"g_target_us": np.stack([np.where(w > 0, g_us, 0.0), np.where(w < 0, g_us, 0.0)])}


def unmap_weights(inputs, parameters):
    """Return the effective weights of pairs that are not collapsed."""
    scales = parameters["w_max"] / parameters["g_max_us"], 1.0
    return {"weights": of_each(lambda plus, minus: device_at.weight_at(plus, minus, scales), *inputs["g_us"])}


def collapsed_pair(inputs, parameters):
    """Return the pairs collapsed to their net conductance and split again."""
    net, g_max_us = inputs["g_us"][0] - inputs["g_us"][1], parameters["g_max_us"]
    largest = float(np.abs(net).max())
    return {"g_us": np.stack([of_each(lambda value: device_at.split_at(value, largest, g_max_us)[polarity], net)
                              for polarity in range(2)])}


def programming_sigma(inputs, parameters):
    """Return the standard deviation of programming."""
    device = chosen.device(parameters)
    curve = at_targets(device.programming_us, inputs["g_target_us"], device)
    return {"sigma_us": of_each(device_at.sigma_at, curve)}


def programmed(inputs, parameters):
    """Return the programmed conductances."""
    sigma = programming_sigma(inputs, parameters)["sigma_us"]
    reset_is_zero = chosen.device(parameters).reset_device == "zero"
    return {"g_prog_us": of_each(device_at.programmed_at, inputs["g_target_us"], sigma, inputs["z"], reset_is_zero)}


def stuck_devices(inputs, parameters):
    """Return the conductances of devices that may be stuck."""
    device = chosen.device(parameters)
    return {"g_prog_us": of_each(device_at.stuck_at, inputs["g_prog_us"], inputs["u_selection"],
                                 inputs["u_conductance"], device.stuck_fraction, device.g_max_us)}


def drift_exponents(inputs, parameters):
    """Return the drift exponents."""
    device = chosen.device(parameters)
    mean, sigma = (at_targets(curve, inputs["g_target_us"], device) for curve in (device.nu_mean, device.nu_sigma))
    return {"nu": of_each(device_at.exponent_at, mean, sigma, inputs["z"])}


def drifted(inputs, parameters):
    """Return the drifted conductances."""
    log_time = float(log(parameters["t_s"] / chosen.device(parameters).t0_s))
    return {"g_drift_us": of_each(device_at.drifted_at, inputs["g_prog_us"], inputs["nu"], log_time)}


def relative_read_noise(inputs, parameters):
    """Return the read noise relative to the conductance."""
    device = chosen.device(parameters)
    return {"q_s": at_targets(device.read_noise, inputs["g_us"], device)}


def read(inputs, parameters):
    """Return the conductances that a read finds."""
    device = chosen.device(parameters)
    source = inputs["g_target_us" if device.read_noise_from == "target" else "g_prog_us"]
    q, growth = at_targets(device.read_noise, source, device), read_noise.accumulation(parameters["t_s"], device)
    return {"g_us": of_each(device_at.read_at, inputs["g_drift_us"], q, growth, inputs["z"])}
