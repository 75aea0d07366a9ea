"""Sections of docs/results.md about networks on simulated chips."""

from refpcm.evaluation.times import time_text
from tests.benchmarks.results_format import FP32, NOISE, chain, command, epochs_of, percent, read, runs_in, table

PLAIN, AUGMENTED = "adabs", "adabs, train-augmented"
LABELS = {PLAIN: "adabs, images as they are (I-11)", AUGMENTED: "adabs, images as in training (I-20)"}
DAY_S, YEAR_S = 86400.0, 31536000.0


def rows_of(name):
    """Rows of the evaluation of a network, those of AdaBS on augmented images (I-20) among them, by time."""
    augmented = [{**row, "compensation": AUGMENTED} for row in read(f"{name}/chips-augmented.json")["rows"]]
    return sorted(read(f"{name}/chips.json")["rows"] + augmented, key=lambda row: row["t_s"])


def next_to_the_paper():
    """The paper's statements on CIFAR-10 and what was found here."""
    result, digital = read(f"{NOISE}/chips.json"), read(f"{NOISE}/result.json")["accuracy"]
    start, fp32 = (read(f"{folder}/result.json")["accuracy"] for folder in (chain(NOISE)[-2], FP32))
    chips = {(row["t_s"], row["compensation"]): row for row in rows_of(NOISE)}

    def on_chip(t_s, compensation):
        row = chips[t_s, compensation]
        return f"{percent(row['mean'])} +- {50 * (row['high'] - row['low']):.2f}"

    def over_gdc(t_s):
        gains = [100 * (chips[t_s, name]["mean"] - chips[t_s, "gdc"]["mean"]) for name in (AUGMENTED, PLAIN)]
        return "{:+.2f} points; {:+.2f} with I-11".format(*gains)

    def adabs(t_s):
        return f"{on_chip(t_s, AUGMENTED)}; {on_chip(t_s, PLAIN)} with I-11"
    loss, rescued = (100 * (start - chips[25.0, name]["mean"]) for name in ("none", AUGMENTED))
    rows = [["FP32 training", "93.87 %", percent(fp32)],
            ["noise-aware training, digital", "-", percent(digital)],
            ["on chip, 25 s", "93.75 % (hardware)", on_chip(25.0, "none")],
            ["loss by mapping, 25 s", "less than 0.2 points below FP32",
             f"{loss:.2f} points below the FP32 network it began with; {rescued:.2f} with AdaBS"],
            ["on chip, 25 s, AdaBS", "-", adabs(25.0)],
            ["one day, GDC", "> 92.6 % (hardware)", on_chip(DAY_S, "gdc")],
            ["one day, AdaBS", "> 93.5 % (hardware)", adabs(DAY_S)],
            ["one day, AdaBS over GDC", "+0.9 points", over_gdc(DAY_S)],
            ["one year, AdaBS over GDC", "+1.8 points (model)", over_gdc(YEAR_S)],
            ["no compensation", "10 % within about 1000 s",
             f"{percent(chips[3600.0, 'none']['mean'])} at one hour, "
             f"{percent(chips[DAY_S, 'none']['mean'])} at one day"]]
    return "\n\n".join([
        "## Next to the paper",
        f"ResNet-32 with 361,722 weights on CIFAR-10. Ours: {result['protocol']['chips']} simulated chips, "
        f"{result['test_images']:,} test images, one training; 95 % interval over chips. AdaBS calibrates with images "
        "as the training showed them (I-20), and, for comparison, with images as they are (I-11, the default; "
        "[why two](compensation.md)). Each line is taken from a section below.",
        table(["", "Joshi et al. 2020", "refpcm"], rows)])


def what_training_gives():
    """The networks of this page side by side: how they were trained, and what the chip leaves of them."""
    rows = []
    for folder in ["shorter/60", FP32, *runs_in("shorter-noise", NOISE)]:
        config, digital = read(f"{folder}/config.json"), read(f"{folder}/chips.json")["digital_accuracy"]
        mean = {(row["t_s"], row["compensation"]): percent(row["mean"]) for row in rows_of(folder)}
        rows.append([f"[{epochs_of(folder)}](results/{folder})", f"{100 * config['weight_noise']:g} %",
                     percent(digital), mean[25.0, "none"], mean[25.0, AUGMENTED], mean[DAY_S, "gdc"],
                     mean[DAY_S, AUGMENTED], mean[YEAR_S, AUGMENTED]])
    return "\n\n".join([
        "## What training gives on the chip",
        "A sum of epochs is a chain of runs, each from the network of the one before; eta_tr is that of the last. "
        "Means over 25 chips; AdaBS calibrates with images as in training (I-20). FP32 networks (eta_tr = 0) are shown "
        "the first 2,000 test images only, digital too.",
        table(["epochs", "eta_tr", "digital", "25 s", "25 s, AdaBS", "a day, GDC", "a day, AdaBS", "a year, AdaBS"],
              rows)])


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
