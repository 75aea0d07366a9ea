"""What AdaBS, adaptive batch norm statistics, did to every batch norm of a network on chips."""

import numpy as np

from refpcm.evaluation.expected import change
from refpcm.inspection.loss_task import whole_chip


def changes_of_norms(inputs, protocol, progress=lambda done, total: None):
    """Return [{"t_s", "norms": [{"name", "channels", "mean_shift_rms", "variance_ratio", "worst_channel", ...}]}].

    mean_shift_rms: change of the running means in trained standard deviations, root mean square over channels and chips;
    variance_ratio: variance after over before, geometric mean. worst_channel: the one with the largest shift over chips,
    with its own worst_shift (root mean square over chips) and worst_variance_ratio. protocol: with an AdaBS compensation.
    Channels of variance 0 are left out.
    """
    before = inputs.file.parameters
    names = [name.removesuffix(".running_mean") for name in before if name.endswith(".running_mean")]
    found = {float(t_s): {name: [] for name in names} for t_s in protocol.times_s}
    for chip in range(protocol.chips):
        for t_s, norms in found.items():
            after = whole_chip(inputs, protocol, chip, t_s)[0]
            for name, values in norms.items():
                values.append(change(before, after, name))
        progress(chip + 1, protocol.chips)
    return [{"t_s": t_s, "norms": [{"name": name, **summary(np.array(values))} for name, values in norms.items()]}
            for t_s, norms in found.items()]


def summary(values):
    """Return the summary of one batch norm from values (chips, 2, C)."""
    shift, log_ratio = values[:, 0], values[:, 1]
    used = ~np.isnan(shift).any(0)
    if not used.any():
        return {"channels": shift.shape[1], "mean_shift_rms": None, "variance_ratio": None, "worst_channel": None,
                "worst_shift": None, "worst_variance_ratio": None}
    size = np.where(used, np.square(shift).mean(0), -1.0)
    worst = int(size.argmax())
    return {"channels": shift.shape[1], "mean_shift_rms": float(np.sqrt(size[used].mean())),
            "variance_ratio": float(np.exp(log_ratio[:, used].mean())), "worst_channel": worst,
            "worst_shift": float(np.sqrt(size[worst])), "worst_variance_ratio": float(np.exp(log_ratio[:, worst].mean()))}
