"""What leaving out one part of the retraining with noise costs: the pre-trained start, clipping, learning rates (I-28).

Accuracy with additive noise on the weights, eta_inf = eta_tr, as in Fig. 2; no device model.
"""

from refpcm.reproduction import drawing
from refpcm.reproduction.comparison import comparison_row, paired, row_of
from refpcm.reproduction.measurements import over_noise
from refpcm.reproduction.paper_numbers import CIFAR10
from refpcm.reproduction.variants import LEFT_OUT, NO_CLIPPING, NO_RATES, NO_START, NOISE, label

TITLE = "Ablation: parts of the retraining left out, at eta_tr = eta_inf"
COLUMNS = ("network", "eta_inf")
PAPER = {NO_START: "without-start", NO_CLIPPING: "without-clipping", NO_RATES: "without-rates"}


def networks(scale):
    return [NOISE, *LEFT_OUT]


def measure(setting, pool):
    """Return two rows a network: without noise at inference, and with that of its training."""
    return over_noise(setting, networks(setting.scale), (0.0, setting.scale.retraining.weight_noise), pool)


def compare(rows, on_chip):
    """Return the comparison lines: each against the whole retraining, paired by training and inference run."""
    eta = max(row["eta_inf"] for row in rows)
    found = []
    for network, key in PAPER.items():
        text, values = paired(*(row_of(rows, network=name, eta_inf=eta) for name in (network, NOISE)))
        found.append(comparison_row(CIFAR10[key], f"{text} at eta = {100 * eta:g} %", eta=eta, **values))
    return found


COMPARE = {"cifar10": compare}


def draw(figure, rows):
    axes = figure.subplots()
    names = list(dict.fromkeys(row["network"] for row in rows))
    etas = sorted({row["eta_inf"] for row in rows})
    for offset, eta, marker in zip((-0.2, 0.1), etas, "os"):
        some = [row_of(rows, network=name, eta_inf=eta) for name in names]
        drawing.points(axes, [place + offset for place in range(len(names))], some, f"eta_inf = {100 * eta:g} %", marker)
    axes.set_xticks(range(len(names)), ["all parts" if name == NOISE else label(name) for name in names])
    axes.set(ylabel="test accuracy [%]")
    axes.set_xlim(-0.5, len(names) - 0.4)
    drawing.zoom(axes, rows)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
