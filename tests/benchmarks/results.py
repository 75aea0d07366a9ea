"""Writes docs/results.md from the files in docs/results: `python -m tests.benchmarks.results`.

Every number of that page stands in one of these files, each the output of a command that the page names.
"""

import json
from pathlib import Path

from refpcm.evaluation.times import time_text

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
INTRODUCTION = """\
# Results

Written by `python -m tests.benchmarks.results` from the files in [results](results). CIFAR-10 is the real one, complete;
no setting was chosen by its test images.
"""


def read(name):
    return json.loads((RESULTS / name).read_text())


def lines_of(name):
    return [json.loads(line) for line in (RESULTS / name).read_text().splitlines()]


def table(header, rows):
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (header, ["---"] * len(header), *rows))


def percent(value):
    return "-" if value is None else f"{100 * value:.2f} %"


def command(text):
    return f"```sh\n{text}\n```"


def published():
    result = read("resnet20-published.json")
    return "\n\n".join([
        "## A network trained elsewhere",
        "The published CIFAR ResNet-20 of akamaster/pytorch_resnet_cifar10 (published error 8.27 %), imported from its PyTorch "
        f"checkpoint: **{percent(result['accuracy'])}**, {result['correct']} of {result['total']} test images.",
        command("python -m refpcm.convert resnet20-12fca82f.th resnet20.safetensors --architecture cifar-resnet20 \\\n"
                "    --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225\n"
                "python -m refpcm.evaluate --network resnet20.safetensors --data cifar10 --digital --json")])


def trained(folder, title):
    result, records = read(f"{folder}/result.json"), lines_of(f"{folder}/metrics.jsonl")
    config = read(f"{folder}/config.json")
    minutes = result["training_seconds"] / 60
    rows = [[r["epoch"], f"{r['train_loss']:.4f}", percent(r["train_accuracy"]), f"{r['images_per_second']:.0f}",
             f"{r['seconds'] / 60:.1f}"] for r in records]
    return "\n\n".join([
        f"## {title}",
        f"{result['architecture']}, {result['weights']:,} weights, {result['epochs']:g} epochs in {minutes:.1f} minutes on two "
        f"cores, {result['images_per_second']:.0f} images/s, seed {result['seed']}: **{percent(result['accuracy'])}**, "
        f"{result['correct']} of {result['total']} test images. Network, log and configuration: [{folder}](results/{folder}).",
        command("python -m refpcm.train " + " ".join(config["command"][1:])),
        "Other work shared the two cores. Fifteen epochs are far from the paper's 93.87 %: at "
        f"the end the training accuracy ({percent(records[-1]['train_accuracy'])}, with augmentation) was still rising by "
        f"{100 * (records[-1]['train_accuracy'] - records[-2]['train_accuracy']):.1f} points an epoch.",
        table(["epoch", "training loss", "training accuracy", "images/s", "minutes"], rows)])


def on_chips(name, title, text):
    result = read(name)
    rows = [[time_text(r["t_s"]), r["compensation"], percent(r["mean"]),
             "-" if r["low"] is None else f"{percent(r['low'])} .. {percent(r['high'])}", percent(r["std"])]
            for r in result["rows"]]
    protocol = result["protocol"]
    return "\n\n".join([
        f"## {title}",
        f"{text} {protocol['chips']} chips, device `{protocol['device']}`, the first {result['test_images']} test images; digital "
        f"accuracy on the same images {percent(result['digital_accuracy'])}. std is that of one chip; the interval is of the mean.",
        command(f"python -m refpcm.evaluate --network {protocol['network']} --data cifar10 \\\n"
                f"    --chips {protocol['chips']} --times {','.join(f'{t:g}s' for t in protocol['times_s'])} --images {protocol['images']}"),
        table(["time", "compensation", "mean", "95 % interval", "std"], rows)])


def page():
    return "\n\n".join([
        INTRODUCTION.rstrip(), published(),
        trained("joshi2020-resnet32", "The paper's ResNet-32, as far as an hour goes"),
        on_chips("chips-joshi2020-resnet32.json", "That network on PCM", "Trained without noise."),
        on_chips("chips-resnet20-published.json", "The published ResNet-20 on PCM", "Trained without noise, by others."),
    ]) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "results.md").write_text(page())
