"""How many images AdaBS needs: accuracy of the noise-trained network after a year over their number (Suppl. Note 3)."""

from dataclasses import replace

from refpcm.evaluation.plot import COLOURS, LABELS
from refpcm.reproduction import drawing
from refpcm.reproduction.comparison import comparison_row, paired, row_of
from refpcm.reproduction.measurements import on_chips
from refpcm.reproduction.paper_numbers import CIFAR10
from refpcm.reproduction.retention import device  # noqa: F401  (part of the figure)
from refpcm.reproduction.variants import NOISE
from refpcm.times import time_text

TITLE = "Calibration: AdaBS with fewer images"
COLUMNS = ("network", "t_s", "compensation", "images")
ENOUGH = 2600  # images, the paper's


def networks(scale):
    return [NOISE]


def measure(setting, pool):
    """Return the rows: digital, GDC (no image), and AdaBS with each number of images, at the last time of the scale."""
    scale, rows = setting.scale, []
    times_s = (max(scale.year_s),)
    for row in on_chips(setting, networks(scale), times_s, ("gdc",), pool):
        rows.append({**row, "images": 0})
    for batches in sorted(scale.calibration_batches):
        numbered = replace(setting, scale=replace(scale, adabs_batches=batches))
        found = on_chips(numbered, networks(scale), times_s, ("adabs",), pool)
        rows.append({**row_of(found, compensation="adabs"), "images": batches * scale.adabs_batch_size})
    return rows


def compare(rows, on_chip):
    """Return the comparison lines: the paper's number of images, or the next below, and the smallest, against the largest."""
    *fewer, most = [row for row in rows if row["compensation"] == "adabs"]
    enough = [row for row in fewer if row["images"] <= ENOUGH]
    if not enough:
        return [comparison_row(CIFAR10["adabs-images"])]
    text, values = paired(enough[-1], most)
    text = f"{enough[-1]['images']:,}: {text} against {most['images']:,} at {time_text(most['t_s'])}"
    if enough[0] is not enough[-1]:
        fewest, values["fewest"] = paired(enough[0], most)
        text += f"; {enough[0]['images']:,}: {fewest}"
    return [comparison_row(CIFAR10["adabs-images"], text, images=enough[-1]["images"], **values)]


COMPARE = {"cifar10": compare}


def draw(figure, rows):
    axes = figure.subplots()
    adabs = [row for row in rows if row["compensation"] == "adabs"]
    drawing.curve(axes, [row["images"] for row in adabs], adabs, LABELS["adabs"], COLOURS["adabs"])
    for compensation, colour, style in (("gdc", COLOURS["gdc"], "--"), ("digital", "black", ":")):
        axes.axhline(100 * row_of(rows, compensation=compensation)["mean"], color=colour, linestyle=style,
                     label=LABELS.get(compensation, compensation))
    axes.set_xscale("log")
    axes.set_xticks([row["images"] for row in adabs], [f"{row['images']:,}" for row in adabs])
    axes.minorticks_off()
    axes.set(xlabel="calibration images", ylabel="test accuracy [%]")
    drawing.widen(axes)
    axes.legend()
