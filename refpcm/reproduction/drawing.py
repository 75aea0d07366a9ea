"""What the figures share in drawing. Needs matplotlib, the optional extra `refpcm[plots]`."""

import io

from refpcm.evaluation.times import time_text
from refpcm.files.atomic import write_bytes

COLOURS = {"none": "tab:red", "gdc": "tab:orange", "adabs": "tab:blue"}
SIZES = {"fig2": (13, 4), "fig3": (7, 4.5), "fig4": (10, 4), "fig5": (10, 4)}  # inches


def missing():
    """Why nothing can be drawn, in a sentence, or None."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return "no figure is drawn: matplotlib is not installed; install it with: pip install matplotlib (or refpcm[plots])"
    return None


def write(path, name, module, rows, title):
    """Draw a figure's module into a PNG, atomically. Raises RefpcmError if it cannot be written."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure = plt.figure(figsize=SIZES[name], layout="constrained")
    try:
        module.draw(figure, rows)
        figure.suptitle(title, fontsize=10)
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=100, metadata={"Software": None})
    finally:
        plt.close(figure)
    write_bytes(path, content.getvalue())


def errors(rows):
    """Distances of the means to both ends of their 95 % intervals, per cent; 0 where there is none."""
    return [[100 * abs(row["mean"] - (row["mean"] if row[end] is None else row[end])) for row in rows]
            for end in ("low", "high")]


def curve(axes, x, rows, label=None):
    """Means over x with their 95 % intervals."""
    axes.errorbar(x, [100 * row["mean"] for row in rows], errors(rows), marker="o", markersize=4, capsize=3, label=label,
                  color=COLOURS.get(label))


def bars(axes, x, rows, label):
    axes.bar(x, [100 * row["mean"] for row in rows], 0.38, yerr=errors(rows), capsize=3, label=label)


def zoom(axes, rows):
    """Let the vertical axis begin a little below the smallest value: bars would hide the differences."""
    lowest, highest = (100 * limit(row["mean"] for row in rows) for limit in (min, max))
    axes.set_ylim(max(0.0, lowest - 0.5 * (highest - lowest) - 2), min(100.0, highest + 1))


def time_axis(axes, times_s):
    axes.set_xscale("log")
    axes.set_xticks(times_s, [time_text(t_s) for t_s in times_s], rotation=30)
    axes.minorticks_off()
