"""Draws docs/results/retention.png: `python -m tests.results.figure`."""

import sys

from refpcm.evaluation.plot import COLOURS, LABELS
from tests.results.chips import AUGMENTED, DAY_S, rows_of
from tests.results.files import RESULTS, reported
from tests.results.paper_recipe import BASELINE, RETRAINED, digital
from tests.results.runs import epochs_of

SIZE = 10.0, 5.5  # inches
TICKS = {25.0: "25 s", 3600.0: "1 h", 86400.0: "1 day", 2592000.0: "1 month", 31536000.0: "1 year"}
NETWORKS = {RETRAINED: ("-", "trained with noise and clipping"), BASELINE: ("--", "FP32 training")}  # one style of line each
CURVES = {AUGMENTED: (COLOURS["adabs"], "o", LABELS["adabs"]), "gdc": (COLOURS["gdc"], "^", LABELS["gdc"]),
          "none": (COLOURS["none"], "v", LABELS["none"])}


def retention():
    """Return the figure of accuracy over time of the networks by the paper's recipe, mean over chips and its 95 % interval,
    with what the paper reports of its hardware; on the right those with compensation, enlarged."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    figure = Figure(figsize=SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    whole, near = figure.subplots(1, 2)
    for axes in (whole, near):
        for folder, (line, _) in NETWORKS.items():
            for compensation in CURVES if axes is whole else list(CURVES)[:-1]:
                colour, marker, _ = CURVES[compensation]
                rows = [row for row in rows_of(folder) if row["compensation"] == compensation]
                axes.errorbar([row["t_s"] for row in rows], [100 * row["mean"] for row in rows],
                              [50 * (row["high"] - row["low"]) for row in rows], color=colour, linestyle=line,
                              marker=marker, markersize=4, linewidth=0.9, capsize=2)
            axes.axhline(100 * digital(folder), color="black", linestyle=line, linewidth=0.6)
        axes.set(xscale="log", xlabel="time since programming")
        axes.set_xticks(list(TICKS), list(TICKS.values()), rotation=30)
        axes.minorticks_off()
    hardware(near)
    whole.set(ylabel="test accuracy [%]", ylim=(0, 100), title="all")
    near.set(ylim=(78.5, 94.5), title="the compensated ones, enlarged")
    keys = [Line2D([], [], color=colour, marker=marker, linestyle="none", label=text)
            for colour, marker, text in CURVES.values()]
    keys += [Line2D([], [], color="black", linestyle=line, label=text) for line, text in NETWORKS.values()]
    keys.append(Line2D([], [], color="black", marker="s", fillstyle="none", linestyle="none", markersize=8,
                       label="hardware of Joshi et al. 2020, with noise in training"))
    figure.legend(handles=keys, loc="outside lower center", ncols=2, fontsize=9)
    epochs = " and ".join(map(epochs_of, NETWORKS))
    figure.suptitle(f"ResNet-32 on CIFAR-10 by the paper's recipe, {epochs} epochs; 25 simulated chips, 95 % intervals; "
                    "black lines: in software", fontsize=10)
    return figure


def hardware(axes):
    """Mark what the paper says of its chip: at 25 s, and as bounds from below after a day."""
    (first,), (gdc, adabs, _) = reported("hardware"), reported("day")
    for t_s, accuracy, colour in ((25.0, first, "black"), (DAY_S, gdc, COLOURS["gdc"]), (DAY_S, adabs, COLOURS["adabs"])):
        axes.plot(t_s, 100 * accuracy, marker="s", markersize=9, fillstyle="none", color=colour, linestyle="none")


def main():
    retention().savefig(RESULTS / "retention.png", dpi=110)


if __name__ == "__main__":
    sys.exit(main())
