"""Figs. 4 and 5: accuracy over time without compensation, with GDC, with AdaBS, of FP32- and noise-trained networks."""

from refpcm.evaluation.plot import COLOURS, LABELS, time_axis
from refpcm.reproduction import drawing
from refpcm.reproduction.comparison import mean_of
from refpcm.reproduction.measurements import on_chips
from refpcm.reproduction.variants import FP32, NOISE, label

COLUMNS = ("network", "t_s", "compensation")
COMPENSATIONS = ("none", "gdc", "adabs")
COMPENSATED = ("gdc", "adabs")


def networks(scale):
    return [FP32, NOISE]


def device(scale):
    return scale.device


def measure_over(times_s, setting, pool):
    """Return the rows of both networks, digital and for each compensation at each of times_s, in s since programming."""
    return on_chips(setting, networks(setting.scale), tuple(sorted(times_s)), COMPENSATIONS, pool)


def draw(figure, rows):
    """Draw a column a network: accuracy over logarithmic time, a curve a compensation; below, the compensated ones alone."""
    panels = figure.subplots(2, 2, sharey="row", sharex=True)
    for above, below, network in zip(*panels, (FP32, NOISE)):
        digital = mean_of(rows, network=network, compensation="digital")
        for axes, compensations in ((above, COMPENSATIONS), (below, COMPENSATED)):
            for compensation in compensations:
                some = [row for row in rows if (row["network"], row["compensation"]) == (network, compensation)]
                drawing.curve(axes, [row["t_s"] for row in some], some, LABELS[compensation],
                              COLOURS[compensation])
            axes.axhline(100 * digital, color="black", linestyle=":", label="digital")
        time_axis(below, sorted({row["t_s"] for row in rows if row["t_s"]}))
        above.set(title=f"{label(network)} in training" if network != FP32 else label(network))
        above.legend()
    for axes, part in zip(panels[:, 0], ("", ", compensated")):
        axes.set(ylabel=f"test accuracy{part} [%]")
    drawing.widen(panels[1, 0])
