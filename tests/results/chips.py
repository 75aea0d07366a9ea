"""Sections of docs/results.md about networks on simulated chips."""

import numpy as np
from scipy import stats

from refpcm.times import time_text
from tests.results.files import (
    FP32,
    FP32_GOAL,
    NOISE,
    RESULTS,
    command,
    epochs_of,
    noise_aware,
    percent,
    read,
    runs_in,
    table,
)

PLAIN, AUGMENTED = "adabs", "adabs, train-augmented"
LABELS = {PLAIN: "adabs, images as they are (I-11)", AUGMENTED: "adabs, images as in training (I-20)"}
EXPECTED = "chips-expected.json"  # evaluation with the statistics of the expected chip (I-21)
EARLY = (1000.0, "none")
DAY_S, YEAR_S = 86400.0, 31536000.0


def rows_of(name):
    """Rows of the evaluation of a network, those of AdaBS on augmented images (I-20), if any, among them, by time."""
    other = f"{name}/chips-augmented.json"
    augmented = [{**row, "compensation": AUGMENTED} for row in read(other)["rows"]] if (RESULTS / other).exists() else []
    return sorted(read(f"{name}/chips.json")["rows"] + augmented, key=lambda row: row["t_s"])


def by_time(rows):
    """{(time in s, compensation): row}."""
    return {(row["t_s"], row["compensation"]): row for row in rows}


def paired(one, other):
    """Mean and half the 95 % interval of the difference of two rows, in points: over chips, or trainings of chips."""
    differences = 100 * (np.array(one["accuracies"]) - other["accuracies"])
    differences = differences.reshape(len(differences), -1).mean(1)
    return differences.mean(), stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)


def next_to_the_paper():
    """The paper's statements on CIFAR-10 and what was found here."""
    result, digital = read(f"{NOISE}/chips.json"), read(f"{NOISE}/result.json")["accuracy"]
    start, fp32 = (read(f"{folder}/result.json")["accuracy"] for folder in (noise_aware(NOISE)[0], FP32))
    chips, expected = by_time(rows_of(NOISE)), by_time(read(f"{NOISE}/{EXPECTED}")["rows"])
    early = next(folder for folder in reversed(runs_in("shorter-noise", NOISE)) if EARLY in by_time(rows_of(folder)))

    def on_chip(t_s, compensation, rows=chips):
        row = rows[t_s, compensation]
        return f"{percent(row['mean'])} +- {50 * (row['high'] - row['low']):.2f}"

    def over_gdc(t_s):
        gains = [paired(chips[t_s, name], chips[t_s, "gdc"]) for name in (AUGMENTED, PLAIN)]
        return "{:+.2f} +- {:.2f} points; {:+.2f} +- {:.2f} with I-11".format(*gains[0], *gains[1])

    def adabs(t_s):
        return f"{on_chip(t_s, AUGMENTED)}; {on_chip(t_s, PLAIN)} with I-11"

    def reached(value, wanted):
        return "yes" if value >= wanted else f"{100 * (wanted - value):.2f} points short"

    def both(value):
        return "; ".join(reached(value, wanted) for wanted in (0.937, 0.9375))

    def with_both(judge):
        return f"{judge(AUGMENTED)}; {judge(PLAIN)} with I-11"

    def day(name):
        return reached(chips[DAY_S, name]["mean"], 0.935)

    def near(t_s, wanted):
        def judge(name):
            gain, half = paired(chips[t_s, name], chips[t_s, "gdc"])
            return "within the interval" if abs(gain - wanted) <= half else f"{gain - wanted:+.2f} points"
        return with_both(judge)

    def lost(accuracy):
        after = {"as it is": first, "with I-21": expected[25.0, "none"]["mean"], "with AdaBS": chips[25.0, AUGMENTED]["mean"]}
        return {name: 100 * (accuracy - mean) for name, mean in after.items()}

    def all_lost(accuracy):
        return ", ".join(f"{points:.3f} {name}" for name, points in lost(accuracy).items())

    def little_lost(accuracy):
        names = [name for name, points in lost(accuracy).items() if points < 0.2]
        return "yes" if "as it is" in names else f"no; {', '.join(names)} only" if names else "no"
    first, last = chips[25.0, "none"]["mean"], by_time(rows_of(early))[EARLY]["mean"]
    rows = [["FP32 training", "93.87 %", percent(fp32), reached(fp32, FP32_GOAL)],
            ["noise-aware training, digital", "-", percent(digital), "-"],
            ["on chip, 25 s", "93.7 %; 93.75 % (hardware)", on_chip(25.0, "none"), both(first)],
            ["on chip, 25 s, statistics of the expected chip (I-21)", "the same", on_chip(25.0, "none", expected),
             both(expected[25.0, "none"]["mean"])],
            *([f"points lost by mapping, 25 s, below {what}", "< 0.2", all_lost(accuracy), little_lost(accuracy)]
              for what, accuracy in (("our best FP32 network", fp32), ("the paper's FP32 network", FP32_GOAL))),
            *([f"points lost by mapping, 25 s, below {what}", "-", all_lost(accuracy), "-"]
              for what, accuracy in (("the FP32 network that it began with", start), ("itself in software", digital))),
            ["on chip, 25 s, AdaBS", "-", adabs(25.0), "-"],
            ["one day, GDC", "> 92.6 % (hardware)", on_chip(DAY_S, "gdc"), reached(chips[DAY_S, "gdc"]["mean"], 0.926)],
            ["one day, AdaBS", "> 93.5 % (hardware)", adabs(DAY_S), with_both(day)],
            ["one day, AdaBS over GDC", "+0.9 points", over_gdc(DAY_S), near(DAY_S, 0.9)],
            ["one year, AdaBS over GDC", "+1.8 points (model)", over_gdc(YEAR_S), near(YEAR_S, 1.8)],
            ["no compensation", "10 % within about 1000 s",
             f"{percent(last)} at 1000 s (network of {epochs_of(early)} epochs), "
             f"{percent(chips[DAY_S, 'none']['mean'])} at one day",
             "yes" if last < 0.11 else "later"]]
    return "\n\n".join([
        "## Next to the paper",
        f"ResNet-32 with 361,722 weights on CIFAR-10. Ours: {result['protocol']['chips']} simulated chips, "
        f"{result['test_images']:,} test images, one training; 95 % interval over chips, that of a difference paired by "
        "chip. It does not cover the test images (standard error 0.24 points) and other trainings: a few hundredths of a "
        "point more or less say nothing. AdaBS calibrates with images "
        "as the training showed them (I-20), and, for comparison, with images as they are (I-11, the default; "
        "[why two](compensation.md)). I-21 is a step of our own, before there is a "
        "chip. Lines are taken from sections below or computed from them, but for the accuracy at 1000 s "
        f"([chips.json](results/{early}/chips.json)).",
        table(["", "Joshi et al. 2020", "refpcm", "reached"], rows),
        "Not reached is the loss by mapping without AdaBS; what was tried for it stands under noise-aware training below. "
        "The largest disagreement is the last line: without compensation the networks fail, but the model gives them more "
        "time than the paper says. The cause is not known; of the paper's sentence only a summary is at hand."])


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
        "A sum of epochs is a chain of runs, each from the network of the one before, in those marked "
        "with noise (eta_tr = 3.8 %) in the last ones. Means over 25 chips; AdaBS calibrates with images as in training "
        "(I-20). " + gains(), "![accuracy over a year](results/retention.png)",
        "(`python -m tests.results.figure` draws it.)"]
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
    result = read(f"{name}/chips.json")
    rows = [[time_text(row["t_s"]), LABELS.get(row["compensation"], row["compensation"]), percent(row["mean"]),
             f"{percent(row['low'])} .. {percent(row['high'])}", percent(row["std"])] for row in rows_of(name)]
    protocol = result["protocol"]
    images = "all" if protocol["images"] is None else f"the first {result['test_images']:,}"
    options = f" --images {protocol['images']}" if protocol["images"] is not None else ""
    times = ",".join(f"{t_s:.0f}s" for t_s in protocol["times_s"])
    asked = (f"python -m refpcm.evaluate --network {protocol['network']} --data cifar10 \\\n"
             f"    --chips {protocol['chips']} --times {times}{options} --kernels {protocol['kernels']}")
    return "\n\n".join([
        f"## {title}",
        f"{text} {protocol['chips']} chips, device `{protocol['device']}`, {images} test images; digital "
        f"accuracy on the same images {percent(result['digital_accuracy'])}. std is that of one chip; the interval is "
        "of the mean.",
        command(f"{asked}\n{asked} \\\n    --compensation adabs --calibration train-augmented"),
        table(["time", "compensation", "mean", "95 % interval", "std"], rows)])


def with_expected_statistics():
    """Noise-aware networks after `refpcm.expect`, on the same chips."""
    rows, asked = [], []
    for folder in runs_in("shorter-noise", NOISE):
        if not (RESULTS / folder / EXPECTED).exists():
            continue
        trained, result = by_time(rows_of(folder)), read(f"{folder}/{EXPECTED}")
        digital, protocol = read(f"{folder}/result.json")["accuracy"], result["protocol"]
        name = f"[{epochs_of(folder)}](results/{folder})"
        rows.append([name, "in software", "-", percent(digital), percent(result["digital_accuracy"]),
                     f"{100 * (result['digital_accuracy'] - digital):+.2f}"])
        for key, row in by_time(result["rows"]).items():
            rows.append([name, time_text(row["t_s"]), row["compensation"], percent(trained[key]["mean"]),
                         f"{percent(row['mean'])} +- {50 * (row['high'] - row['low']):.2f}",
                         "{:+.2f} +- {:.2f}".format(*paired(row, trained[key]))])
        times = ",".join(f"{t_s:.0f}s" for t_s in protocol["times_s"])
        asked.append(f"python -m refpcm.expect --network docs/results/{folder}/network.safetensors --data cifar10 \\\n"
                     f"    --kernels {protocol['kernels']} --out expected.safetensors\n"
                     "python -m refpcm.evaluate --network expected.safetensors --data cifar10 \\\n"
                     f"    --chips {protocol['chips']} --times {times} --kernels {protocol['kernels']} "
                     f"--compensation {','.join(protocol['compensations'])}")
    return "\n\n".join([
        "## Noise-aware networks with the statistics of the expected chip",
        "On the chip weights are smaller than those wanted, of which training noise knows nothing; `refpcm.expect` "
        "takes batch norm's statistics from chips that the device model makes for that "
        "([I-21](compensation.md#statistics-of-the-expected-chip-refpcmevaluationexpectedpy-i-21)). It was the accuracy "
        "at 25 s of the first of these networks that prompted the search for such a step, and it was training images "
        "that decided for this one. The same 25 chips and all test images, differences paired by chip. It is a step for "
        "the first read: it costs in software, and later under GDC it has gained nothing. AdaBS is not shown: it "
        "replaces the statistics.",
        command("\n".join(asked)),
        table(["epochs", "time", "compensation", "trained statistics", "of the expected chip", "points"], rows)])
