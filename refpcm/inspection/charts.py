"""The charts of `python -m refpcm.inspect`: each a Chart whose `draw` fills a figure of matplotlib.

Imports no matplotlib, so that the screen's tables need none. Colours are those that the colour-blind can tell apart: of
compensations as everywhere (refpcm/evaluation/plot.py), of causes here, of times from the dark to the light of viridis.
"""

import numpy as np

from data_tools.foreign_text import shown
from refpcm.evaluation.plot import COLOURS, LABELS, draw_accuracy, time_axis
from refpcm.inspection.report import Chart
from refpcm.times import time_text

# Of the "muted" scheme of Tol 2021, none of which is the colour of a compensation.
CAUSE_COLOURS = {"programming noise": "#332288", "idle devices": "#88CCEE", "spread of nu": "#CC6677",
                 "mean drift": "#882255", "read noise": "#117733", "converters": "#DDCC77", "output noise": "#999933"}
ROW, FRAME = 0.3, 1.5  # inches of a row of bars, and of title, axis and legend
WIDTH, TWO_PANELS = 5.1, 6.6  # inches; a phone shows the first whole
NAME = 28  # characters of a name on an axis


def row_axis(axes, names):
    """Let the vertical axis name its rows, the first at the top."""
    axes.set_yticks(range(len(names)), [shown(name, NAME) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.3)


def series(number):
    """Return (colour, marker, offset of its row) for each of so many times or devices."""
    from matplotlib import colormaps
    middle = (number - 1) / 2
    return [(colormaps["viridis"](0.85 * i / max(number - 1, 1)), "osD^vP*X"[i % 8], (i - middle) * 0.7 / max(number, 4))
            for i in range(number)]


def headed(figure, axes, title, label):
    """Write title and label of the horizontal axis where they have room: long names leave the axes little width."""
    figure.suptitle(title, fontsize=11)
    axes.set_xlabel(label, loc="right")


def legend_below(figure, axes):
    """Put the legend of the axes under the panels."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9)


def loss_chart(title, rows, lost, compensation):
    """Return the points that each cause or layer costs alone and gives back when it is off, with their intervals."""
    def draw(figure):
        from matplotlib.patches import Patch
        axes = figure.subplots()
        for place, row in enumerate(rows):
            colour = CAUSE_COLOURS.get(row["name"], COLOURS[compensation])
            for case, shift, alpha in (("only", -0.19, 1.0), ("without", 0.19, 0.4)):
                mean, low, high = (row[case][key] for key in ("mean", "low", "high"))
                axes.barh(place + shift, mean, 0.36, color=colour, alpha=alpha)
                if low is not None:
                    axes.errorbar(mean, place + shift, xerr=[[mean - low], [high - mean]], color="black", capsize=2, lw=1)
        row_axis(axes, [row["name"] for row in rows])
        axes.axvline(0, color="black", lw=0.8)
        whole = axes.axvline(lost["mean"], color="black", linestyle=":", label="all together")
        headed(figure, axes, title, f"points of accuracy; compensation: {LABELS[compensation]}")
        patches = [Patch(color="#555555", label="lost with only this"),
                   Patch(color="#555555", alpha=0.4, label="won back without it")]
        figure.legend(handles=[*patches, whole], loc="outside lower center", ncols=3, fontsize=9)
    return Chart(title, draw, (WIDTH, FRAME + ROW * len(rows)))


def errors_chart(found):
    """Return the MVM error of each layer, mean and standard deviation over chips, at each time."""
    title, names = "MVM error of each layer", [each["name"] for each in found[0]["layers"]]

    def draw(figure):
        axes = figure.subplots()
        for row, (colour, marker, offset) in zip(found, series(len(found))):
            errors = [each["std"] or 0 for each in row["layers"]]
            axes.errorbar([each["mean"] for each in row["layers"]], np.arange(len(names)) + offset, xerr=errors, linestyle="",
                          color=colour, marker=marker, markersize=5, capsize=2, label=f"after {time_text(row['t_s'])}")
        row_axis(axes, names)
        axes.set_xlim(0, 1.05 * axes.get_xlim()[1])
        headed(figure, axes, title, "||error|| / ||output||, mean and standard deviation over chips")
        legend_below(figure, axes)
    return Chart(title, draw, (WIDTH, FRAME + 0.2 * len(found) + ROW * len(names)))


def norms_chart(found):
    """Return how far AdaBS moved the mean of each batch norm and by which factor its variance, at each time."""
    title, names = "What AdaBS changed in every batch norm", [each["name"] for each in found[0]["norms"]]

    def draw(figure):
        left, right = figure.subplots(1, 2, sharey=True)
        for row, (colour, marker, offset) in zip(found, series(len(found))):
            rows = [(place + offset, each) for place, each in enumerate(row["norms"]) if each["mean_shift_rms"] is not None]
            at, norms = [place for place, _ in rows], [each for _, each in rows]
            style = {"color": colour, "linestyle": "", "marker": marker, "markersize": 5}
            when = f"after {time_text(row['t_s'])}"
            left.plot([each["mean_shift_rms"] for each in norms], at, label=f"{when}: all channels", **style)
            left.plot([each["worst_shift"] for each in norms], at, markerfacecolor="none", label=f"{when}: worst channel",
                      **style)
            right.plot([each["variance_ratio"] for each in norms], at, **style)
            right.plot([each["worst_variance_ratio"] for each in norms], at, markerfacecolor="none", **style)
        row_axis(left, names)
        right.grid(axis="x", alpha=0.3)
        right.axvline(1, color="black", lw=0.8)
        left.set_xlim(0, 1.05 * left.get_xlim()[1])
        left.set(title="shift of the means", xlabel="trained standard deviations")
        right.set(title="ratio of the variances", xlabel="after / before")
        legend_below(figure, left)
    return Chart(title, draw, (TWO_PANELS, FRAME + 0.3 * len(found) + 0.25 * len(names)))


def device_chart(steps, curves):
    """Return the conductances of both devices over time: reads at the times asked for, and the drift without read noise.

    steps: of `refpcm.inspection.device_trace.trace_weight`; curves: function without arguments that returns those of many
    times, called when the chart is drawn.
    """
    title = "Both devices over time"

    def draw(figure):
        axes, many = figure.subplots(), curves()
        for side, sign, colour, marker in (("plus", "+", "#000000", "o"), ("minus", "-", "#CC79A7", "s")):
            def values(found, quantity):
                return [(each["t_s"], each[side]) for each in found if each["quantity"] == quantity]
            axes.axhline(values(steps, "G_T [uS]")[0][1], color=colour, linestyle=":", lw=1.2, label=f"G{sign}: target")
            drifted = values(many, "G_drift [uS]")
            if drifted:
                axes.plot(*zip(*drifted), color=colour, lw=1.2, label=f"G{sign}: drift without read noise")
            axes.plot(*zip(*values(steps, "G(t) [uS]")), color=colour, linestyle="", marker=marker, label=f"G{sign}: read")
        time_axis(axes, sorted({step["t_s"] for step in steps if step["t_s"] is not None}))
        axes.grid(alpha=0.3)
        axes.set(title=title, ylabel="conductance [uS]", xlabel="time since programming")
        legend_below(figure, axes)
    return Chart(title, draw, (WIDTH, 4.6))


def chip_chart(crossbars):
    """Return errors of the weights and factors of GDC over time, a thin line for each crossbar of the report on a chip."""
    title = "Weight errors and factors of GDC over time"

    def draw(figure):
        left, right = figure.subplots(1, 2)
        times_s = [at["t_s"] for at in crossbars[0]["times"]]
        for place, each in enumerate(crossbars):
            lines = ((left, "error", 100, "none"), (left, "error_gdc", 100, "gdc"), (right, "alpha", 1, "gdc"))
            for axes, key, scale, name in lines:
                label = f"{LABELS[name]}, a line for each crossbar" if place == 0 and axes is left else None
                axes.plot(times_s, [scale * at[key] for at in each["times"]], color=COLOURS[name], alpha=0.6, lw=1, marker="o",
                          markersize=3, label=label)
        for axes in (left, right):
            time_axis(axes, times_s)
            axes.grid(alpha=0.3)
            axes.set_ylim(0, None)
        left.set(title="RMS error of the weights", ylabel="% of W_max")
        right.set(title="alpha of GDC", ylabel="readout / first readout")
        legend_below(figure, left)
    return Chart(title, draw, (TWO_PANELS, 4.2))


def confusion_chart(title, matrix, classes):
    """Return the confusion matrix (classes, classes), rows the true class, as a map; its diagonal has no colour."""
    def draw(figure):
        axes, wrong = figure.subplots(), np.where(np.eye(len(classes)) > 0, np.nan, matrix)
        most = np.nanmax(wrong, initial=0) or 1
        image = axes.imshow(wrong, cmap="Blues", vmin=0, vmax=most)
        names = [shown(name, NAME // 2) for name in classes]
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names)
        for true, told in np.ndindex(*matrix.shape) if len(classes) <= 12 else ():
            axes.text(told, true, f"{matrix[true, told]:.1f}", ha="center", va="center", fontsize=7,
                      color="white" if wrong[true, told] > 0.6 * most else "black")
        figure.colorbar(image, shrink=0.8)
        axes.set(xlabel="class told", ylabel="true class")
        figure.suptitle(f"{title}: mean over chips", fontsize=11)
    return Chart(title, draw, (WIDTH, 4.4))


def accuracy_chart(result):
    """Return the accuracies of an evaluation over time."""
    def draw(figure):
        draw_accuracy(figure.subplots(), result)
    return Chart("Accuracy over time", draw, (WIDTH, 4.2))
