"""L6 statistics: chips of `refpcm.fast.chip` and noise of the fast rules, random numbers included."""

import numpy as np

from refpcm.fast import chip as fast_chip
from refpcm.fast.training import update
from refpcm.golden.fast_adapter.training import one_layer
from refpcm.golden.reference import chosen
from refpcm.spec.pcm.chip import Chip, Crossbar


def _rows(values, largest, count):
    """Return `count` columns of each value (bins + 1, count); a last row of the largest value sets W_max."""
    return np.repeat(np.append(values, largest)[:, None], count, 1)


def _programmed(inputs, parameters):
    """Return the crossbar of a chip in which every bin is a row of targets."""
    device = chosen.device(parameters)
    matrix = _rows(inputs["g_target_us"], device.g_max_us, parameters["count"])
    return fast_chip.program({"bins": matrix}, device, seed=1, chip=0, dtype=np.float64).crossbars[0]


def sample_programmed(inputs, parameters):
    """Return G+ of a programmed chip."""
    return {"g_prog_us": _programmed(inputs, parameters).g_prog_us[0, :-1]}


def sample_drift_exponents(inputs, parameters):
    """Return the drift exponents of G+ of a programmed chip."""
    return {"nu": _programmed(inputs, parameters).nu[0, :-1]}


def sample_read(inputs, parameters):
    """Return G+ of a read of a chip that does not drift."""
    g_us = np.repeat(inputs["g_us"][:, None], parameters["count"], 1)
    pair = np.stack([g_us, np.zeros_like(g_us)])
    crossbar = Crossbar("bins", 0, 1.0, pair, pair, np.zeros_like(pair))
    chip = Chip(chosen.device(parameters), 1, 0, (crossbar,))
    return {"g_us": fast_chip.read_conductances(chip, crossbar, parameters["t_s"], 0)[0]}


def sample_weight_noise(inputs, parameters):
    """Return the weights of a layer with the noise of one step, float32."""
    weight = _rows(inputs["weights"], parameters["w_max"], parameters["count"]).astype(np.float32)
    network, weights = one_layer(weight[:, :, None, None])
    noisy = update.noisy_parameters(network, weights, parameters["eta"], 1, 0)["layer.weight"]
    return {"noisy": noisy[:-1, :, 0, 0].astype(np.float64)}
