"""What the drawings share: a canvas in inches, boxes, arrows, colours."""

from matplotlib import pyplot

WIDTH = 8.0  # inches, 768 pixels of a page
ANALOG, DIGITAL, INK, SOFT = "#E69F00", "#56B4E9", "#222222", "#888888"
BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"  # which the colour-blind can tell apart


def canvas(height):
    """Return a figure of WIDTH x height inches and axes whose units are inches."""
    figure = pyplot.figure(figsize=(WIDTH, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def panels(count, height, **options):
    """Return a figure of WIDTH x height inches with `count` axes side by side."""
    return pyplot.subplots(1, count, figsize=(WIDTH, height), layout="constrained", **options)


def box(axes, x, y, width, height, text="", colour="white", **options):
    """Draw a box with its lower left corner at (x, y) and a text in its middle."""
    axes.add_patch(pyplot.Rectangle((x, y), width, height, facecolor=colour, edgecolor=INK, linewidth=0.8))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", **options)


def arrow(axes, start, end, colour=INK, **options):
    """Draw an arrow from start to end, both (x, y)."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "shrinkA": 0,
                                              "shrinkB": 0, **options})


def ticks_of_time(axes, times):
    """Make a logarithmic axis of time with a label at each of {label: seconds}."""
    axes.set_xscale("log")
    axes.set_xticks(list(times.values()), list(times))
    axes.minorticks_off()
