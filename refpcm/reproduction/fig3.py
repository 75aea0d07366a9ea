"""Fig. 3: networks trained in different ways, transferred to PCM: digital accuracy and that of the first read."""

from refpcm.reproduction import drawing
from refpcm.reproduction.comparison import comparison_row, mean_of, paired, percent, points, row_of
from refpcm.reproduction.measurements import on_chips
from refpcm.reproduction.paper_numbers import CIFAR10
from refpcm.reproduction.variants import CONTROL, FP32, NOISE, label

TITLE = "Fig. 3: networks trained in different ways, on PCM"
COLUMNS = ("network", "t_s", "compensation")


def networks(scale):
    return list(scale.transfer)


def measure(setting, pool):
    """Two rows a network: digital, and on chips at the first read, where GDC still changes nothing."""
    return on_chips(setting, networks(setting.scale), (setting.scale.transfer_s,), ("none",), pool)


def compare(rows, on_chip):
    """The model stands for the paper's hardware too. Losses are those of a network against itself in software."""
    digital = {row["network"]: row["mean"] for row in rows if row["compensation"] == "digital"}
    chip = {network: mean_of(rows, network=network, compensation="none") for network in digital}
    return [_fp32(digital), *_noise(rows, chip), _precision(digital, chip)]


def _fp32(digital):
    if FP32 not in digital:
        return comparison_row(CIFAR10["fp32"])
    return comparison_row(CIFAR10["fp32"], percent(digital[FP32]), accuracy=digital[FP32])


def _noise(rows, chip):
    if NOISE not in chip:
        return [comparison_row(CIFAR10["mapped"]), comparison_row(CIFAR10["hardware"])]
    accuracy = chip[NOISE]
    text, values = percent(accuracy), {"accuracy": accuracy}
    noisy = row_of(rows, network=NOISE, compensation="none")
    for name, compensation, words in ((FP32, "digital", "FP32"), (CONTROL, "none", "the control on PCM")):
        other = row_of(rows, network=name, compensation=compensation)
        if other:
            difference, values[f"against {words}"] = paired(noisy, other)
            text += f"; {difference} against {words}"
    return [comparison_row(CIFAR10["mapped"], text, **values),
            comparison_row(CIFAR10["hardware"], f"{percent(accuracy)} (model)", accuracy=accuracy)]


def _precision(digital, chip):
    if not {"4-bit", "ternary"} <= set(chip):
        return comparison_row(CIFAR10["precision"])
    loss = {network: digital[network] - chip[network] for network in ("4-bit", "ternary")}
    text = " / ".join(f"{points(-loss[network])} from {percent(digital[network])}" for network in loss)
    return comparison_row(CIFAR10["precision"], text, **{f"loss {network}": value for network, value in loss.items()})


COMPARE = {"cifar10": compare}


def draw(figure, rows):
    axes = figure.subplots()
    names = list(dict.fromkeys(row["network"] for row in rows))
    for offset, compensation, text in ((-0.2, "digital", "digital"), (0.2, "none", "on PCM, first read")):
        some = [row_of(rows, network=name, compensation=compensation) for name in names]
        drawing.bars(axes, [place + offset for place in range(len(names))], some, label=text)
    axes.set_xticks(range(len(names)), [label(name) for name in names], rotation=20, ha="right")
    axes.set(ylabel="test accuracy [%]")
    drawing.zoom(axes, rows)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
