"""What the figures share in drawing. Needs matplotlib, the optional extra `refpcm[plots]`."""

import io

from refpcm.files.atomic import write_bytes

SIZES = {"fig2": (14, 5.5), "fig3": (10, 6), "fig4": (12, 8), "fig5": (12, 8), "ablation": (10, 6), "causes": (12, 6),
         "calibration": (10, 6)}  # inches
BELOW, CHARACTER = 8, 0.63  # size of the text below in points; width of its characters over that, whole pixels
NARROWEST = 2.0  # per cent that a vertical axis spans at least, so that small differences look small


def missing():
    """Return why nothing can be drawn, in a sentence, or None."""
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
    content = io.BytesIO()
    painted(name, module, rows, title, below).savefig(content, format="png", dpi=100, metadata={"Software": None})
    write_bytes(path, content.getvalue())


def painted(name, module, rows, title, below):
    """Return the figure that `write` writes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    width, height = SIZES[name]
    widest = max(map(len, below.splitlines()), default=0) * CHARACTER * BELOW / 72 / 0.98  # margins included
    figure = Figure(figsize=(max(width, widest), height), layout="constrained")
    FigureCanvasAgg(figure)
    module.draw(figure, rows)
    figure.suptitle(title, fontsize=10, parse_math=False)  # a $ in a name starts no formula
    figure.supxlabel(below, x=0.01, ha="left", fontsize=BELOW, family="monospace", parse_math=False)
    return figure


def errors(rows):
    """Return the distances of the means to both ends of their 95 % intervals, per cent; 0 where there is none."""
    return [[100 * abs(row["mean"] - (row["mean"] if row[end] is None else row[end])) for row in rows]
            for end in ("low", "high")]


def curve(axes, x, rows, label=None, colour=None):
    """Draw means over x with their 95 % intervals; dotted lines only guide the eye, since nothing was measured in between."""
    drawn = axes.errorbar(x, [100 * row["mean"] for row in rows], errors(rows), marker="o", markersize=5, capsize=3,
                          linestyle="none", label=label, color=colour)
    axes.plot(x, [100 * row["mean"] for row in rows], ":", linewidth=0.8, color=drawn[0].get_color())


def points(axes, x, rows, label, marker):
    """Draw means with their 95 % intervals and, beside each, its value."""
    axes.errorbar(x, [100 * row["mean"] for row in rows], errors(rows), marker=marker, linestyle="none", capsize=3, label=label)
    for place, row in zip(x, rows):
        axes.annotate(f"{100 * row['mean']:.2f}", (place, 100 * row["mean"]), (6, 0), textcoords="offset points",
                      va="center", fontsize=8)


def zoom(axes, rows):
    """Let the vertical axis begin a little below the smallest value, since the differences are small."""
    ends = [100 * row[end] for row in rows for end in ("mean", "low", "high") if row[end] is not None]
    axes.set_ylim(max(0.0, min(ends) - 1), min(100.5, max(ends) + 1))


def widen(axes):
    """Let the vertical axis span NARROWEST at least."""
    low, high = axes.get_ylim()
    lacking = max(0.0, NARROWEST - (high - low)) / 2
    axes.set_ylim(low - lacking, high + lacking)
