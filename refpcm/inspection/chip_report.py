"""One chip: how exactly every crossbar is programmed, and how far its weights are off at later times.

    error(t)     = sqrt(mean (W(t) - W)^2) / W_max               without compensation
    error_gdc(t) = sqrt(mean (W(t) / alpha(t) - W)^2) / W_max    after global drift compensation (GDC)

W, the weights wanted, are (G_T+ - G_T-) W_max / G_max of the targets that the chip keeps in float32, so a chip from a
file needs no network. A crossbar without weights, W_max = 0, has errors 0. Over all weights of the chip, error(t) is the
root mean square of (G - G_T) / G_max, which Joshi et al. 2020 print in Fig. 4a, 4 % on their hardware.
"""

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.evaluation.unit import check_first_read
from refpcm.forms import find_forms
from refpcm.inspection.contents import CHIP_COLUMNS, chip_rows
from refpcm.spec.compensation.global_drift import Readout, compensated_read, reference_readouts
from refpcm.spec.crossbars import program_network
from refpcm.spec.pcm.chip import chip_hash
from refpcm.spec.pcm.mapping import to_weights


def programmed_chip(file, device, seed, number, on_chip="all"):
    """Return the Chip of a NetworkFile. Raises RefpcmError as `refpcm.spec.pcm.chip.program`."""
    program = find_forms("winograd").chip.program
    return program_network(file.network, file.parameters, device, seed, number, on_chip, program)


def chip_report(chip, times_s, draw=0, readout="columns"):
    """Return what one chip is like, ready for JSON.

    {"device", "seed", "chip", "draw", "readout", "chip_sha256", "crossbars": [...], "all": [{"t_s", "error", "error_gdc"}]},
    of each crossbar the entries of `refpcm.inspection.contents.CHIP_COLUMNS`, "devices" and "times": [{"t_s", "error",
    "error_gdc", "alpha"}]; "all" is over all weights of the chip.
    times_s: seconds since programming; draw: number of the read; readout: of GDC (I-10). Raises RefpcmError for a time
    before the first read, which GDC takes as its reference, or beyond the drift law, and for a chip without crossbars.
    """
    if not chip.crossbars:
        raise RefpcmError("inspect chip: this chip has no crossbars, so there is nothing to show; give another")
    check_first_read("inspect chip", times_s, chip.device, "give later --times")
    how = Readout(readout, conductances=find_forms("winograd").chip.read_conductances)
    reference = reference_readouts(chip, how)
    crossbars = [{**dict(zip(CHIP_COLUMNS, row)), "devices": crossbar.nu.size, "times": []}
                 for row, crossbar in zip(chip_rows(chip), chip.crossbars)]
    for t_s in times_s:
        raw, compensated, alphas = compensated_read(chip, t_s, draw, reference, how)
        for each, crossbar in zip(crossbars, chip.crossbars):
            name = crossbar.name
            each["times"].append({"t_s": float(t_s), "error": weight_error(raw[name], crossbar, chip.device),
                                  "error_gdc": weight_error(compensated[name], crossbar, chip.device),
                                  "alpha": float(alphas[name])})
    return {"device": chip.device.name, "seed": chip.seed, "chip": chip.chip, "draw": draw, "readout": readout,
            "chip_sha256": chip_hash(chip), "crossbars": crossbars, "all": over_all_weights(crossbars)}


def over_all_weights(crossbars):
    """Return [{"t_s", "error", "error_gdc"}], over all weights, of the entries of `chip_report`'s crossbars."""
    devices = [each["devices"] for each in crossbars]
    return [{"t_s": several[0]["t_s"], **{name: float(np.sqrt(np.average([at[name] ** 2 for at in several], weights=devices)))
                                         for name in ("error", "error_gdc")}}
            for several in zip(*(each["times"] for each in crossbars))]


def weight_error(weights, crossbar, device):
    """Return the root mean square of weights (R, K) minus those wanted, over W_max."""
    wanted = to_weights(crossbar.g_target_us.astype(np.float64), crossbar.w_max, device.g_max_us)
    return float(np.sqrt(np.mean((weights - wanted) ** 2))) / (crossbar.w_max or 1.0)
