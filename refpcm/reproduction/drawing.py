"""What the figures share in drawing. Needs matplotlib, the optional extra `refpcm[plots]`."""

import io

from refpcm.files.atomic import write_bytes
from refpcm.times import time_text

SIZES = {"fig2": (14, 5.5), "fig3": (10, 6), "fig4": (12, 8), "fig5": (12, 8), "ablation": (10, 6), "causes": (12, 6),
         "calibration": (10, 6)}  # inches
NARROWEST = 2.0  # per cent that a vertical axis spans at least, so that small differences look small


def missing():
    """Why nothing can be drawn, in a sentence, or None."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return ("no figure is drawn: matplotlib is not installed; install it with: pip install matplotlib "
                "(or refpcm[plots])")
    return None


def write(path, name, module, rows, title, below):
    """Draw a figure's module into a PNG, atomically; below: lines of text under the panels.

    Raises RefpcmError if it cannot be written.
    """
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure = plt.figure(figsize=SIZES[name], layout="constrained")
    try:
        module.draw(figure, rows)
        figure.suptitle(title, fontsize=10)
        figure.supxlabel(below, x=0.01, ha="left", fontsize=8, family="monospace")
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=100, metadata={"Software": None})
    finally:
        plt.close(figure)
    write_bytes(path, content.getvalue())


def errors(rows):
    """Distances of the means to both ends of their 95 % intervals, per cent; 0 where there is none."""
    return [[100 * abs(row["mean"] - (row["mean"] if row[end] is None else row[end])) for row in rows]
            for end in ("low", "high")]


def curve(axes, x, rows, label=None, colour=None):
    """Means over x with their 95 % intervals."""
    axes.errorbar(x, [100 * row["mean"] for row in rows], errors(rows), marker="o", markersize=4, capsize=3,
                  label=label, color=colour)


def bars(axes, x, rows, label):
    """Means as bars of a width for two side by side, with their 95 % intervals and their values."""
    found = axes.bar(x, [100 * row["mean"] for row in rows], 0.38, yerr=errors(rows), capsize=3, label=label)
    axes.bar_label(found, fmt="%.2f", padding=2, fontsize=8)


def zoom(axes, rows):
    """Let the vertical axis begin a little below the smallest value: bars would hide the differences."""
    ends = [100 * row[end] for row in rows for end in ("mean", "low", "high") if row[end] is not None]
    axes.set_ylim(max(0.0, min(ends) - 1), min(100.5, max(ends) + 1))


def widen(axes):
    """Let the vertical axis span NARROWEST at least."""
    low, high = axes.get_ylim()
    lacking = max(0.0, NARROWEST - (high - low)) / 2
    axes.set_ylim(low - lacking, high + lacking)


def time_axis(axes, times_s):
    """A logarithmic axis of time with a labelled tick at each of times_s, in s since programming."""
    axes.set_xscale("log")
    axes.set_xticks(times_s, [time_text(t_s) for t_s in times_s], rotation=30)
    axes.minorticks_off()
