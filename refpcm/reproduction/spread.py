"""What accuracies, or differences of them, over training runs and, within each, over chips or inferences, amount to.

    a_sd = mean + run_s + draw_sd          s: training run (seed), d: chip (mean of its reads) or inference run

Both variances and the interval are those of `refpcm.evaluation.nested` with training runs in the place of chips. The
95 % interval is for the mean over trainings; with a single training run it is for the mean over its chips only. That of
accuracies stays within 0 .. 1; that of differences may be of either sign. Fewer than three trainings, or chips of a
single training, get no interval.
"""

import numpy as np

from refpcm.evaluation.nested import FEWEST, summarise, summarise_shares


def spread(accuracies):
    """Return the spread of accuracies (S runs, D draws, J reads), shares from 0 to 1:
    {mean, std_run, std_draw, low, high, interval_over, runs, draws, reads, accuracies}, the last being those given.

    std_run, std_draw: standard deviations of the two effects; None where there is nothing to estimate them from.
    low, high: truncated to 0 .. 1 (`summarise_shares`). interval_over: "runs", "draws"; None: there is no interval.
    """
    return _spread(accuracies, summarise_shares)


def spread_of_differences(differences):
    """Return the same of differences (S, D, J) of accuracies, of either sign: Student's interval as it is."""
    return _spread(differences, summarise)


def _spread(values, summarise_by_run):
    values = np.asarray(values, np.float64)
    runs, draws, reads = values.shape
    if runs > 1:
        summary = summarise_by_run(values.mean(2))
        over, std_run, std_draw = "runs", summary.sigma_chip, summary.sigma_read
    else:
        summary = summarise_by_run(values[0].mean(1, keepdims=True))
        over, std_run, std_draw = "draws", None, summary.std
    low, high = (summary.low, summary.high) if summary.chips >= FEWEST else (None, None)
    return {"mean": summary.mean, "std_run": std_run, "std_draw": std_draw, "low": low, "high": high,
            "interval_over": None if low is None else over, "runs": runs, "draws": draws, "reads": reads,
            "accuracies": values.tolist()}
