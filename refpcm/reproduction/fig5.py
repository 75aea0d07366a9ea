"""Fig. 5: retention over one year by the model, on the CIFAR-10 network or, with given networks, on ImageNet (I-19)."""

from refpcm.reproduction.comparison import comparison_row, mean_of, paired, percent, row_of
from refpcm.reproduction.paper_numbers import CIFAR10, IMAGENET
from refpcm.reproduction.retention import COLUMNS, draw, measure_over, networks  # noqa: F401  (parts of the figure
from refpcm.reproduction.variants import FP32, NOISE
from refpcm.times import time_text

TITLE = "Fig. 5: retention over one year"


def measure(setting, pool):
    return measure_over(setting.scale.year_s, setting, pool)


def compare(rows, on_chip):
    """Of the noise-trained network; the last time of the scale is the year."""
    return [_gain(rows, CIFAR10["year"])]


def compare_imagenet(rows, on_chip):
    """on_chip: which of the paper's two mappings was computed, "all" or "inner"."""
    times = sorted({row["t_s"] for row in rows if row["t_s"]})
    first = {name: row_of(rows, network=name, t_s=times[0], compensation="gdc") for name in (FP32, NOISE)}
    accuracy = first[NOISE]["mean"]
    late = mean_of(rows, network=NOISE, t_s=times[-1], compensation="adabs")
    text = f"{percent(accuracy)}; {percent(late)} after {time_text(times[-1])} with AdaBS"
    ours = {on_chip: comparison_row(IMAGENET[on_chip], text, accuracy=accuracy, adabs=late)}
    difference, values = paired(first[FP32], first[NOISE])
    return [ours.get("all", comparison_row(IMAGENET["all"])), ours.get("inner", comparison_row(IMAGENET["inner"])),
            _gain(rows, IMAGENET["year"]),
            comparison_row(IMAGENET["others"], f"FP32: {difference}", **values)]


def _gain(rows, paper):
    t_s = max(row["t_s"] for row in rows if row["t_s"])
    text, values = paired(*(row_of(rows, network=NOISE, t_s=t_s, compensation=name) for name in ("adabs", "gdc")))
    return comparison_row(paper, f"{text} at {time_text(t_s)}", t_s=t_s, **values)


COMPARE = {"cifar10": compare, "imagenet": compare_imagenet}
