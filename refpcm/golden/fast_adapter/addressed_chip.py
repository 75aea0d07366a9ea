"""L0: a chip of one matrix from its seed alone, by `refpcm.fast.chip`."""

import numpy as np

from refpcm.fast import chip
from refpcm.golden.reference import chosen
from refpcm.golden.reference.addressed_chip import state_and_read


def addressed_chip(inputs, parameters):
    """Return targets, state and one read of a chip that the fast form programs."""
    programmed = chip.program({"": inputs["weights"]}, chosen.device(parameters), parameters["seed"], parameters["chip"],
                              {"": parameters["layer"]}, np.float64)
    return state_and_read(programmed, parameters, chip.read_conductances)
