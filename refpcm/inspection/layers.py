"""MVM error and signal-to-noise ratio of every layer over several chips (refpcm/inspection/layer_errors.py has the formulas).

An error says how far a layer's outputs are off, not what that costs: `inspect loss --by layer` does.
"""

import numpy as np

from refpcm.inspection.causes import causes_of
from refpcm.inspection.layer_errors import IMAGES, layer_errors, snr_db
from refpcm.inspection.loss_task import WHOLE, LossTask, compensated_matrices, layers_on_chip, read_with


def errors_over_chips(inputs, protocol, progress=lambda done, total: None):
    """Return [{"t_s", "layers": [{"name", "mean", "std", "low", "high", "snr_db", "chips"}]}].

    mean, std (None for one chip), low and high: mean, standard deviation, smallest and largest MVM error over the chips;
    snr_db: of the mean. After the protocol's compensation, GDC or none; converters and output noise are left out.
    """
    network, trained = inputs.file.network, inputs.file.parameters
    images = inputs.normalised(inputs.calibration_images(protocol.calibration)[:IMAGES])
    found = {float(t_s): {name: [] for name in layers_on_chip(inputs, protocol)} for t_s in protocol.times_s}
    for chip in range(protocol.chips):
        for t_s, errors in found.items():
            read = read_with(inputs, LossTask(protocol, WHOLE, chip, t_s, ()), causes_of(protocol))
            for name, error in layer_errors(network, trained, compensated_matrices(protocol, read), images).items():
                errors[name].append(error)
        progress(chip + 1, protocol.chips)
    return [{"t_s": t_s, "layers": [{"name": name, **spread(values)} for name, values in errors.items()]}
            for t_s, errors in found.items()]


def spread(errors):
    """Return mean, standard deviation, extremes and signal-to-noise ratio of the MVM errors of one layer."""
    mean = float(np.mean(errors))
    return {"mean": mean, "std": float(np.std(errors, ddof=1)) if len(errors) > 1 else None, "low": min(errors),
            "high": max(errors), "snr_db": snr_db(mean), "chips": errors}
