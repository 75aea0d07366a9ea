"""L0: a chip of one matrix from its seed alone, with refpcm's own random numbers."""

import numpy as np

from refpcm.golden.reference import chosen
from refpcm.spec.pcm import chip


def addressed_chip(inputs, parameters):
    """weights (R, K); a device, seed, chip, layer, draw of the read, t_s -> g_target_us, g_prog_us, nu, g_us (2, R, K).

    Every random number by its address: purposes 16 (z of programming), 17 (z of nu), 20 and 21 (u of stuck devices: selection,
    conductance), draw 0; 18 (z of the read), the read's draw. Element i is device i of (2, R, K) in C order; of a read it is
    i + 2^32 times the bit pattern of float32(t). Computed in float64. Conductances in uS.
    """
    weights = {"": inputs["weights"]}
    programmed_chip = chip.program(weights, chosen.device(parameters), parameters["seed"], parameters["chip"],
                                   {"": parameters["layer"]}, np.float64)
    return state_and_read(programmed_chip, parameters, chip.read_conductances)


def state_and_read(programmed_chip, parameters, read_conductances):
    """Return what `addressed_chip` answers, of a Chip of one crossbar."""
    crossbar, = programmed_chip.crossbars
    g_us = read_conductances(programmed_chip, crossbar, parameters["t_s"], parameters["draw"])
    return {"g_target_us": crossbar.g_target_us, "g_prog_us": crossbar.g_prog_us, "nu": crossbar.nu, "g_us": g_us}
