"""Sections of docs/results.md about networks on simulated chips, and what other sections need of such evaluations."""

import numpy as np
from scipy import stats

from refpcm.times import time_text
from tests.results.files import RESULTS, command, percent, read, table
from tests.results.runs import FP32, NOISE, epochs_of, runs_in

PLAIN, AUGMENTED = "adabs", "adabs, train-augmented"
LABELS = {"none": "none", "gdc": "gdc", PLAIN: "adabs, images as they are", AUGMENTED: "adabs, images as in training (default)"}
DAY_S, YEAR_S = 86400.0, 31536000.0
EVALUATION, WITH_PLAIN = "evaluation", "evaluation-plain"  # folders of evaluations with version 0.2, with evidence; I-20, I-11


def rows_of(name):
    """Rows of the evaluations of a network by time, those of AdaBS on augmented images (I-20), if any, among them.

    Where there is an evaluation with version 0.2, the files of version 0.1 add only what it does not have.
    """
    rows = [*_rows(f"{name}/chips.json"), *map(_augmented, _rows(f"{name}/chips-augmented.json")),
            *_rows(f"{name}/{WITH_PLAIN}/result.json"), *map(_augmented, _rows(f"{name}/{EVALUATION}/result.json"))]
    return sorted(by_time(rows).values(), key=lambda row: (row["t_s"], list(LABELS).index(row["compensation"])))


def _rows(path):
    """Rows of an evaluation that not every network has."""
    return read(path)["rows"] if (RESULTS / path).exists() else []


def _augmented(row):
    return {**row, "compensation": AUGMENTED} if row["compensation"] == PLAIN else row


def by_time(rows):
    """{(time in s, compensation): row}."""
    return {(row["t_s"], row["compensation"]): row for row in rows}


def paired(one, other):
    """Mean and half the 95 % interval of the difference of two rows, in points: over chips, or trainings of chips."""
    differences = 100 * (np.array(one["accuracies"]) - other["accuracies"])
    differences = differences.reshape(len(differences), -1).mean(1)
    return differences.mean(), stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)


def what_training_gives():
    """The networks of this page side by side: how they were trained, and what the chip leaves of them."""
    columns = {"25 s": (25.0, "none"), "25 s, AdaBS": (25.0, AUGMENTED), "a day, GDC": (DAY_S, "gdc"),
               "a day, AdaBS": (DAY_S, AUGMENTED), "a year, GDC": (YEAR_S, "gdc"), "a year, AdaBS": (YEAR_S, AUGMENTED)}
    rows = {}  # {number of test images: rows}
    for folder in [*runs_in("shorter", FP32), *runs_in("shorter-noise", NOISE)]:
        if not (RESULTS / folder / "chips.json").exists():
            continue
        config, result = read(f"{folder}/config.json"), read(f"{folder}/chips.json")
        found = by_time(rows_of(folder))
        rows.setdefault(result["test_images"], []).append(
            [f"[{epochs_of(folder)}](results/{folder})", "yes" if config["weight_noise"] else "no",
             percent(result["digital_accuracy"]),
             *(percent(found[key]["mean"]) if key in found else "-" for key in columns.values())])
    heads = ["epochs", "noise in training", "digital", *columns]
    parts = [
        "## What training gives on the chip",
        "60 + 55 means two runs, the second from the network of the first; in rows marked \"yes\" only the last runs had noise "
        "(eta_tr = 3.8 %). Means over 25 chips; AdaBS calibrates with images as in training "
        "(I-20, today's default). " + gains()]
    for images in sorted(rows, reverse=True):
        which = "All 10,000" if images == 10000 else f"The first {images:,}"
        parts += [f"{which} test images:", table(heads, rows[images])]
    return "\n\n".join(parts)


def gains():
    """A sentence on the noise-aware network and the FP32 one on the same chips and images."""
    found = [by_time(rows_of(folder)) for folder in (NOISE, FP32)]
    if read(f"{NOISE}/chips.json")["test_images"] != read(f"{FP32}/chips.json")["test_images"]:
        return ""
    points = ["{:+.2f} +- {:.2f}".format(*paired(*(rows[key] for rows in found)))
              for key in ((25.0, "none"), (25.0, AUGMENTED), (DAY_S, "gdc"), (DAY_S, AUGMENTED))]
    return ("On the chip the network of {} epochs, the last of them noise-aware, is better than that of {} without noise by "
            "{} points after 25 s ({} with AdaBS), by {} after a day with GDC, by {} with AdaBS (paired by chip, 95 % over "
            "chips; one training each). Not all of that is owed to the noise: it was trained longer, with clipping, and weight "
            "decay on all parameters; a control, of 10 epochs, stands "
            "[below](#how-much-of-it-is-the-noises-a-control).".format(epochs_of(NOISE), epochs_of(FP32), *points))


def on_chips(name, title, text):
    """One network: protocol, command, and a row for each time and compensation."""
    of_01, of_02, plain = (f"{name}/{path}" for path in ("chips.json", f"{EVALUATION}/result.json", f"{WITH_PLAIN}/result.json"))
    has_02 = (RESULTS / of_02).exists()
    result = read(of_02 if has_02 else of_01)
    rows = [[time_text(row["t_s"]), LABELS[row["compensation"]], percent(row["mean"]),
             f"{percent(row['low'])} .. {percent(row['high'])}", percent(row["std"])] for row in rows_of(name)]
    protocol = result["protocol"]
    images = "all" if protocol["images"] is None else f"the first {result['test_images']:,}"
    if has_02:
        commands = [_asked(of_02), *(f"{_asked(path)} \\\n    --compensation adabs --calibration train"
                                     for path in [path for path in (plain, of_01) if (RESULTS / path).exists()][:1])]
    else:
        commands = [f"{_asked(of_01)} --calibration train", f"{_asked(of_01)} \\\n    --compensation adabs"]
    return "\n\n".join([
        f"## {title}",
        f"{text} {protocol['chips']} chips, device `{protocol['device']}`, {images} test images; digital "
        f"accuracy on the same images {percent(result['digital_accuracy'])}. std is that of one chip; the interval is "
        "of the mean.",
        command("\n".join(commands)),
        table(["time", "compensation", "mean", "95 % interval", "std"], rows)])


def _asked(path):
    """The command of an evaluation, without its compensations."""
    protocol = read(path)["protocol"]
    times = ",".join(f"{t_s:.0f}s" for t_s in protocol["times_s"])
    images = f" --images {protocol['images']}" if protocol["images"] is not None else ""
    return (f"python -m refpcm.evaluate --network {protocol['network']} --data cifar10 \\\n"
            f"    --chips {protocol['chips']} --times {times}{images}")
