"""Fig. 4: retention over one day, the span the paper measured on its chip; here the model stands for it (I-19)."""

from refpcm.reproduction.comparison import comparison_row, mean_of, paired, percent, row_of
from refpcm.reproduction.paper_numbers import CIFAR10
from refpcm.reproduction.retention import COLUMNS, draw, measure_over, networks  # noqa: F401  (parts of the figure
from refpcm.reproduction.variants import NOISE
from refpcm.times import time_text

TITLE = "Fig. 4: retention over one day"
DECAY_S = 1000.0  # "10 % within about 1000 s"


def measure(setting, pool):
    return measure_over(setting.scale.day_s, setting, pool)


def compare(rows, on_chip):
    """Of the noise-trained network; the last time of the scale is the day."""
    times = sorted({row["t_s"] for row in rows if row["t_s"]})
    return [_day(rows, times[-1]), _none(rows, [t_s for t_s in times if t_s >= DECAY_S])]


def _day(rows, t_s):
    gdc, adabs = (row_of(rows, network=NOISE, t_s=t_s, compensation=name) for name in ("gdc", "adabs"))
    gain, values = paired(adabs, gdc)
    text = f"{percent(gdc['mean'])} / {percent(adabs['mean'])} at {time_text(t_s)}; AdaBS {gain}"
    return comparison_row(CIFAR10["day"], text, gdc=gdc["mean"], adabs=adabs["mean"], t_s=t_s, **values)


def _none(rows, times):
    if not times:
        return comparison_row(CIFAR10["none"])
    accuracy = mean_of(rows, network=NOISE, t_s=times[0], compensation="none")
    return comparison_row(CIFAR10["none"], f"{percent(accuracy)} at {time_text(times[0])}", accuracy=accuracy, t_s=times[0])


COMPARE = {"cifar10": compare}
