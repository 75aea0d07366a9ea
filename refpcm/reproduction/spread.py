"""What accuracies over training runs and, within each, over chips or inference runs, amount to.

    a_sd = mean + run_s + draw_sd          s: training run (seed), d: chip (mean of its reads) or inference run

Both variances and the interval are those of `refpcm.evaluation.nested` with training runs in the place of chips. The
95 % interval is for the mean over trainings; with a single training run it is for the mean over its chips only.
"""

import numpy as np

from refpcm.evaluation.nested import summarise


def spread(accuracies):
    """accuracies (S runs, D draws, J reads) -> {mean, std_run, std_draw, low, high, interval_over, runs, draws, reads,
    accuracies}, the last being those given, as lists.

    std_run, std_draw: standard deviations of the two effects; None where there is nothing to estimate them from.
    interval_over: "runs", "draws" or None.
    """
    accuracies = np.asarray(accuracies, np.float64)
    runs, draws, reads = accuracies.shape
    if runs > 1:
        summary = summarise(accuracies.mean(2))
        over, std_run, std_draw = "runs", summary.sigma_chip, summary.sigma_read
    else:
        summary = summarise(accuracies[0].mean(1, keepdims=True))
        over, std_run, std_draw = "draws" if draws > 1 else None, None, summary.std
    return {"mean": summary.mean, "std_run": std_run, "std_draw": std_draw, "low": summary.low, "high": summary.high,
            "interval_over": over, "runs": runs, "draws": draws, "reads": reads, "accuracies": accuracies.tolist()}
