"""Sections of docs/results.md about training runs: their logs, and accuracy over epochs."""

from tests.results.files import command, lines_of, percent, read, reported, table
from tests.results.runs import FP32, epochs_of, kernels_of, runs_in, train_command


def trained(folders, title, text):
    """Return the section on runs, each of which began with the network of the one before; accuracies are the last one's."""
    results = [read(f"{folder}/result.json") for folder in folders]
    rows, epochs, seconds = [], 0, 0.0
    for folder, result in zip(folders, results):
        records = lines_of(f"{folder}/metrics.jsonl")
        rows += [[epochs + r["epoch"], f"{r['train_loss']:.4f}", percent(r["train_accuracy"]),
                  f"{r['images_per_second']:.0f}", f"{(seconds + r['seconds']) / 60:.1f}"]
                 for r in records if r["epoch"] in (1, len(records)) or r["epoch"] % 10 == 0]
        epochs += len(records)
        seconds += result["training_seconds"]
    last, names = results[-1], ", then ".join(f"[{folder}](results/{folder})" for folder in folders)
    return "\n\n".join([
        f"## {title}",
        f"{last['architecture']}, {last['weights']:,} weights, {epochs} epochs in {seconds / 60:.1f} "
        "minutes on two cores that other work shared, "
        f"seeds {', '.join(str(result['seed']) for result in results)}: **{percent(last['accuracy'])}**, "
        f"{last['correct']} of {last['total']} test images. {text.strip()} Network, log and configuration: {names}.",
        command("\n".join(map(train_command, folders))),
        table(["epoch", "training loss", "training accuracy", "images/s", "minutes"], rows)])


def cost():
    """Return the section on test accuracy over epochs, one run each."""
    rows = []
    for folder in runs_in("shorter", FP32):
        result, config = read(f"{folder}/result.json"), read(f"{folder}/config.json")
        rows.append([f"[{epochs_of(folder)}](results/{folder})",
                     f"{config['schedule']}, {config['learning_rate']:g}{averaging(config)}", config["cutout"],
                     kernels_of(folder),
                     percent(lines_of(f"{folder}/metrics.jsonl")[-1]["train_accuracy"]), percent(result["accuracy"])])
    best, (wanted,) = read(f"{FP32}/result.json")["accuracy"], reported("fp32")
    return "\n\n".join([
        "## What the FP32 baseline costs: epochs",
        "The short preset with more and more epochs, one run each; a sum is a run that went on from the network of "
        "another, with new augmentation. Cutout, kernels and averaging differ as stated, so not every step is of epochs "
        f"alone. From the paper's {percent(wanted)} the longest differs by {100 * (best - wanted):+.2f} points (standard error of "
        f"a test on 10,000 images: {100 * (best * (1 - best) / 1e4) ** 0.5:.2f}). What it gained is owed to more epochs, a small "
        "constant rate and averaging together. [60 + 55 + 20](results/shorter/135), [60 + 55 + 36](results/shorter/151) and "
        f"[{epochs_of(FP32)}](results/{FP32}) are one run, made longer each time that its accuracy was known. Kernels have "
        "today's names; F(2x2) alone is no longer a choice. Of the runs of 15 epochs the one of `15-f4-gradient` is of refpcm 0.2: "
        "other [initial weights](interpretations.md), and gradients of the weights by F(4x4) where the others of `winograd` have "
        "F(2x2).",
        table(["epochs", "schedule, peak", "Cutout", "kernels", "training accuracy at the end", "test accuracy"],
              rows)])


def averaging(config):
    """Return what a configuration says about averaging, as an addition to a cell."""
    averaged = config.get("average_epochs")  # older files do not have it
    return f", mean of the last {averaged:g}" if averaged else ""


def of_the_last_run(folder):
    """Return a sentence about a run that ends in averaged weights, else nothing."""
    averaged = read(f"{folder}/config.json")["average_epochs"]
    return ("The last run holds a small rate, of the order of Izmailov et al. 2018, and ends in the mean of the weights "
            f"after every step of its last {averaged:g} epochs; loss and accuracy in its log are those of the weights of "
            "the moment.") if averaged else ""
