"""Which cause takes accuracy over time: read noise against the spread of nu and its dependence on G_T (Suppl. Fig. 5).

Points lost by the noise-trained network under GDC, by the attribution of `refpcm.inspection.loss`: each cause alone,
and what comes back without it. Of the mean drift GDC leaves what depends on G_T.
"""

import numpy as np

from refpcm.evaluation.plot import time_axis
from refpcm.reproduction import drawing
from refpcm.reproduction.comparison import comparison_row, paired, percent, row_of
from refpcm.reproduction.measurements import losses_by_cause
from refpcm.reproduction.paper_numbers import CIFAR10
from refpcm.reproduction.retention import device  # noqa: F401  (part of the figure)
from refpcm.reproduction.variants import NOISE
from refpcm.times import time_text

TITLE = "Causes: accuracy lost over time under GDC, by physical cause"
COLUMNS = ("network", "t_s", "cause", "case")
PAPER = {"spread of nu": "spread-of-nu", "mean drift": "nu-over-g", "read noise": "read-noise"}
CASES = {"only": "lost with only this", "without": "won back without it"}


def networks(scale):
    return [NOISE]


def measure(setting, pool):
    """Return a row for each time, cause and case; differences of accuracies, not accuracies."""
    return losses_by_cause(setting, NOISE, tuple(sorted(setting.scale.year_s)), "gdc", pool)


def compare(rows, on_chip):
    """Return the comparison lines: how the loss by one cause alone grows until the last time, and fluctuates in between."""
    return [_over_time(rows, cause, CIFAR10[key]) for cause, key in PAPER.items()]


def _over_time(rows, cause, paper):
    times = sorted({row["t_s"] for row in rows})
    some = [row_of(rows, t_s=t_s, cause=cause, case="only") for t_s in times]
    growth, values = paired(some[-1], some[0])
    text = f"alone {percent(some[0]['mean'])} lost at {time_text(times[0])}, {growth} more at {time_text(times[-1])}"
    if len(times) > 1 and np.size(some[0]["accuracies"]) > 1:
        values["fluctuation"] = fluctuation(some)
        text += f"; a chip's std over times {percent(values['fluctuation'])}"
    return comparison_row(paper, text, first=some[0]["mean"], last=some[-1]["mean"], **values)


def fluctuation(rows):
    """Return how a chip's loss, about the mean of all n > 1 chips, varies over times: standard deviation, rms over chips.

    The mean holds 1/n of each chip's own variation, which leaves (n - 1)/n of its variance in the difference.
    """
    losses = np.array([row["accuracies"] for row in rows])[..., 0]  # (times, trainings, chips)
    apart, n = losses - losses.mean((1, 2), keepdims=True), losses[0].size
    return float(np.sqrt(apart.var(axis=0, ddof=1).mean() * n / (n - 1)))


COMPARE = {"cifar10": compare, "imagenet": compare}


def draw(figure, rows):
    """Draw two panels, a curve a cause over logarithmic time."""
    times = sorted({row["t_s"] for row in rows})
    for axes, (case, title) in zip(figure.subplots(1, 2, sharey=True), CASES.items()):
        for cause in dict.fromkeys(row["cause"] for row in rows):
            some = [row_of(rows, t_s=t_s, cause=cause, case=case) for t_s in times]
            if all(some):
                drawing.curve(axes, times, some, cause, "black" if cause == "everything" else None)
        axes.set(title=title)
        axes.legend()
        time_axis(axes, times)
    figure.axes[0].set(ylabel="points of accuracy")
