"""Fig. 5: retention over one year by the model, on the CIFAR-10 network or, with given networks, on ImageNet (I-19)."""

from refpcm.reproduction.comparison import comparison_row, mean_of, paired, percent, row_of
from refpcm.reproduction.paper_numbers import CIFAR10, IMAGENET
from refpcm.reproduction.retention import COLUMNS, device, draw, measure_over, networks  # noqa: F401  (parts)
from refpcm.reproduction.variants import NOISE
from refpcm.times import time_text

TITLE = "Fig. 5: retention over one year"


def measure(setting, pool):
    return measure_over(setting.scale.year_s, setting, pool)


def compare(rows, on_chip):
    """Return the comparison lines of the noise-trained network; the last time of the scale is the year."""
    return [_gain(rows, CIFAR10["year"])]


def compare_imagenet(rows, on_chip):
    """Return the comparison lines; on_chip: which of the paper's two mappings was computed, "all" or "inner"."""
    year = _gain(rows, IMAGENET["year"]) if on_chip == "all" else comparison_row(IMAGENET["year"])
    if on_chip != "inner":
        return [year, comparison_row(IMAGENET["inner-year"])]
    t_s = _last(rows)
    late = mean_of(rows, network=NOISE, t_s=t_s, compensation="adabs")
    return [year, comparison_row(IMAGENET["inner-year"], f"{percent(late)} at {time_text(t_s)}", adabs=late, t_s=t_s)]


def _gain(rows, paper):
    t_s = _last(rows)
    text, values = paired(*(row_of(rows, network=NOISE, t_s=t_s, compensation=name) for name in ("adabs", "gdc")))
    return comparison_row(paper, f"{text} at {time_text(t_s)}", t_s=t_s, **values)


def _last(rows):
    return max(row["t_s"] for row in rows if row["t_s"])


COMPARE = {"cifar10": compare, "imagenet": compare_imagenet}
