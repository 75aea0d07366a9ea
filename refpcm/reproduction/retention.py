"""Figs. 4 and 5: accuracy over time without compensation, with GDC, with AdaBS, of FP32- and noise-trained networks."""

from refpcm.reproduction import drawing
from refpcm.reproduction.measurements import on_chips
from refpcm.reproduction.variants import FP32, NOISE, label

COLUMNS = ("network", "t_s", "compensation")
COMPENSATIONS = ("none", "gdc", "adabs")


def networks(scale):
    return [FP32, NOISE]


def measure_over(times_s, setting, pool):
    return on_chips(setting, networks(setting.scale), times_s, COMPENSATIONS, pool)


def draw(figure, rows):
    """A panel a network: accuracy over logarithmic time, a curve a compensation."""
    for axes, network in zip(figure.subplots(1, 2, sharey=True), (FP32, NOISE)):
        for compensation in COMPENSATIONS:
            some = [row for row in rows if (row["network"], row["compensation"]) == (network, compensation)]
            drawing.curve(axes, [row["t_s"] for row in some], some, label=compensation)
        digital = next(row["mean"] for row in rows if (row["network"], row["compensation"]) == (network, "digital"))
        axes.axhline(100 * digital, color="black", linestyle=":", label="digital")
        drawing.time_axis(axes, sorted({row["t_s"] for row in rows if row["t_s"]}))
        axes.set(title=label(network), ylabel="test accuracy [%]")
        axes.legend()
