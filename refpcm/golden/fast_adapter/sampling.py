"""L6 statistics: chips of `refpcm.fast.chip` and noise of the fast rules, random numbers included."""

import numpy as np

from refpcm.fast import chip as fast_chip
from refpcm.fast.training import update
from refpcm.golden.fast_adapter.training import layers_of, one_layer
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


def sample_transferred(inputs, parameters):
    """Return the net conductances of a chip of the paper's transfer model."""
    device = chosen.device(parameters)
    matrix = _rows(inputs["g_target_us"], device.g_max_us, parameters["count"])
    g_us = fast_chip.program({"bins": matrix}, device, seed=1, chip=0, dtype=np.float64).crossbars[0].g_prog_us
    return {"g_us": (g_us[0] - g_us[1])[:-1]}


def sample_chips(inputs, parameters):
    """Return the state of the layers of several programmed chips."""
    device = chosen.device(parameters)
    matrix = _rows(inputs["g_target_us"], device.g_max_us, parameters["count"])
    matrices = {str(layer): matrix for layer in range(parameters["layers"])}
    chips = [fast_chip.program(matrices, device, 1, chip, dtype=np.float64) for chip in range(parameters["chips"])]
    return {"state": np.array([[[getattr(crossbar, part)[:, :-1] for crossbar in chip.crossbars] for chip in chips]
                               for part in ("g_prog_us", "nu")])}


def sample_reads(inputs, parameters):
    """Return several reads at two times of the layers of several chips that do not drift."""
    device, g_us = chosen.device(parameters), np.repeat(inputs["g_us"][:, None], parameters["count"], 1)
    pair = np.stack([g_us, g_us])
    crossbars = tuple(Crossbar(str(n), n, 1.0, pair, pair, np.zeros_like(pair)) for n in range(parameters["layers"]))
    chips = [Chip(device, 1, number, crossbars) for number in range(parameters["chips"])]
    return {"g_us": np.array([[[[fast_chip.read_conductances(chip, crossbar, parameters[t], read)
                                 for read in range(parameters["reads"])] for t in ("t_1_s", "t_2_s")]
                               for crossbar in crossbars] for chip in chips])}


def sample_noise_steps(inputs, parameters):
    """Return the weights of two layers with the noise of several steps, float32."""
    weight = _rows(inputs["weights"], parameters["w_max"], parameters["count"]).astype(np.float32)
    network, weights = layers_of([weight[:, :, None, None]] * parameters["layers"])
    steps = [update.noisy_parameters(network, weights, parameters["eta"], 1, step) for step in range(parameters["steps"])]
    return {"noisy": np.array([[noisy[f"{layer.name}.weight"][:-1, :, 0, 0] for layer in network.layers]
                               for noisy in steps], np.float64)}


def sample_weight_noise(inputs, parameters):
    """Return the weights of a layer with the noise of one step, float32."""
    weight = _rows(inputs["weights"], parameters["w_max"], parameters["count"]).astype(np.float32)
    network, weights = one_layer(weight[:, :, None, None])
    noisy = update.noisy_parameters(network, weights, parameters["eta"], 1, 0)["layer.weight"]
    return {"noisy": noisy[:-1, :, 0, 0].astype(np.float64)}
