"""Fig. 3: networks trained in different ways, in software and after transfer to PCM.

"After transfer" is the paper's model of it, one Gaussian error a weight (device `joshi2020-transfer`, I-18).
"""

from dataclasses import replace

from refpcm.reproduction import drawing
from refpcm.reproduction.comparison import comparison_row, mean_of, paired, percent, row_of
from refpcm.reproduction.measurements import on_chips
from refpcm.reproduction.paper_numbers import CIFAR10, IMAGENET
from refpcm.reproduction.variants import CONTROL, FP32, NOISE, label

TITLE = "Fig. 3: networks trained in different ways, after transfer to PCM"
COLUMNS = ("network", "t_s", "compensation")
PAPERS = (FP32, NOISE, "4-bit", "ternary")  # networks of the paper's Fig. 3c


def networks(scale):
    return list(scale.transfer)


def device(scale):
    return scale.transfer_device


def measure(setting, pool):
    """Return two rows a network: digital, and on chips of the transfer device, without compensation."""
    scale = replace(setting.scale, device=device(setting.scale))
    return on_chips(replace(setting, scale=scale), networks(scale), (scale.transfer_s,), ("none",), pool)


def compare(rows, on_chip):
    """Return the comparison lines: the paper's labels, a line a network; then what the noise-trained network loses and gains."""
    return [*(_both(rows, network, CIFAR10[f"transfer-{network}"]) for network in PAPERS), _lost(rows)]


def compare_imagenet(rows, on_chip):
    """Return the comparison lines; on_chip: which of the paper's two mappings was computed, "all" or "inner"."""
    def ours(network, compensation, computed=True):
        accuracy = mean_of(rows, network=network, compensation=compensation) if computed else None
        return {} if accuracy is None else {"ours": percent(accuracy), "accuracy": accuracy}
    return [*(comparison_row(IMAGENET[network], **ours(network, "digital")) for network in (FP32, NOISE)),
            *(comparison_row(IMAGENET[mapping], **ours(NOISE, "none", mapping == on_chip)) for mapping in ("all", "inner")),
            comparison_row(IMAGENET["others"], **ours(FP32, "none", on_chip == "all"))]


def _both(rows, network, paper):
    """Return the comparison line of a network's accuracy after training and after transfer."""
    digital, chip = (mean_of(rows, network=network, compensation=name) for name in ("digital", "none"))
    if digital is None:
        return comparison_row(paper)
    return comparison_row(paper, f"{percent(digital)} / {percent(chip)}", digital=digital, transferred=chip)


def _lost(rows):
    """Return the comparison line of noise after transfer, against FP32 in software and the control after transfer."""
    noisy, texts, values = row_of(rows, network=NOISE, compensation="none"), [], {}
    for name, compensation, words in ((FP32, "digital", "FP32"), (CONTROL, "none", "the control after transfer")):
        other = row_of(rows, network=name, compensation=compensation)
        if noisy and other:
            difference, values[f"against {words}"] = paired(noisy, other)
            texts.append(f"{difference} against {words}")
    return comparison_row(CIFAR10["transfer-lost"], "; ".join(texts) or None, **values)


COMPARE = {"cifar10": compare, "imagenet": compare_imagenet}


def draw(figure, rows):
    axes = figure.subplots()
    names = list(dict.fromkeys(row["network"] for row in rows))
    for offset, compensation, text, marker in ((-0.2, "digital", "after training", "o"),
                                               (0.1, "none", "after transfer to PCM", "s")):
        some = [row_of(rows, network=name, compensation=compensation) for name in names]
        drawing.points(axes, [place + offset for place in range(len(names))], some, text, marker)
    axes.set_xticks(range(len(names)), [label(name) for name in names], rotation=20, ha="right")
    axes.set(ylabel="test accuracy [%]")
    axes.set_xlim(-0.5, len(names) - 0.4)
    drawing.zoom(axes, rows)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
