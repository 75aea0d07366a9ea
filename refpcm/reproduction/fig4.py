"""Fig. 4: retention over one day, the span the paper measured on its chip; here the model stands for it (I-19)."""

from refpcm.reproduction.comparison import comparison_row, mean_of, paired, percent, row_of
from refpcm.reproduction.paper_numbers import CIFAR10
from refpcm.reproduction.retention import COLUMNS, device, draw, measure_over, networks  # noqa: F401  (parts)
from refpcm.reproduction.scales import DAY_S
from refpcm.reproduction.variants import NOISE
from refpcm.times import time_text

TITLE = "Fig. 4: retention over one day"
FIRST_S = 25.0    # of the hardware's accuracy
DECAY_S = 1000.0  # "10 % within about 1000 s"


def measure(setting, pool):
    return measure_over(setting.scale.day_s, setting, pool)


def compare(rows, on_chip):
    """Return the comparison lines of the noise-trained network. The day is 86,400 s if it was measured, else the last time."""
    times = sorted({row["t_s"] for row in rows if row["t_s"]})
    return [_first(rows), _day(rows, DAY_S if DAY_S in times else times[-1]),
            _none(rows, [t_s for t_s in times if t_s >= DECAY_S])]


def _first(rows):
    accuracy = mean_of(rows, network=NOISE, t_s=FIRST_S, compensation="none")
    if accuracy is None:
        return comparison_row(CIFAR10["hardware"])
    return comparison_row(CIFAR10["hardware"], f"{percent(accuracy)} (model)", accuracy=accuracy)


def _day(rows, t_s):
    gdc, adabs = (row_of(rows, network=NOISE, t_s=t_s, compensation=name) for name in ("gdc", "adabs"))
    gain, values = paired(adabs, gdc)
    text = f"{percent(gdc['mean'])} / {percent(adabs['mean'])} at {time_text(t_s)}; AdaBS {gain}"
    return comparison_row(CIFAR10["day"], text, gdc=gdc["mean"], adabs=adabs["mean"], t_s=t_s, **values)


def _none(rows, times):
    """Return the first time from DECAY_S on, and the one after it."""
    if not times:
        return comparison_row(CIFAR10["none"])
    found = {t_s: mean_of(rows, network=NOISE, t_s=t_s, compensation="none") for t_s in times[:2]}
    text = ", ".join(f"{percent(accuracy)} at {time_text(t_s)}" for t_s, accuracy in found.items())
    return comparison_row(CIFAR10["none"], text, accuracy=found[times[0]], t_s=times[0])


COMPARE = {"cifar10": compare}
