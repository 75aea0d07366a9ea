"""What the sections of docs/results.md share: reading the files of docs/results, tables."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"
FP32, NOISE = "joshi2020-resnet32", "joshi2020-resnet32-noise"  # folders of the longest runs, on chips
FP32_GOAL = 0.9387  # the paper's FP32 baseline


def read(name):
    return json.loads((RESULTS / name).read_text())


def lines_of(name):
    return [json.loads(line) for line in (RESULTS / name).read_text().splitlines()]


def chain(folder):
    """Folders of the runs that made the network in `folder`: each started from the network of the one before."""
    words = read(f"{folder}/config.json")["command"]
    if "--start" not in words:
        return [folder]
    start = ROOT / words[words.index("--start") + 1]
    return [*chain(str(start.parent.relative_to(RESULTS))), folder]


def noise_aware(folder):
    """(folder of the FP32 network that the noise-aware network in `folder` began with, folders of the runs from there)."""
    links = chain(folder)
    first = next(i for i, link in enumerate(links) if read(f"{link}/config.json")["weight_noise"])
    return links[first - 1], links[first:]


def epochs_of(folder):
    """Of the runs that made the network, as a sum, such as "60 + 55"."""
    return " + ".join(f"{read(f'{link}/config.json')['epochs']:g}" for link in chain(folder))


def runs_in(folder, *others):
    """Folders of the finished runs below `folder` and the `others` that are there, by their epochs in all."""
    found = [str(path.parent.relative_to(RESULTS)) for path in RESULTS.glob(f"{folder}/*/result.json")]
    return sorted([*found, *others], key=lambda name: (sum(map(float, epochs_of(name).split("+"))), name))


def table(header, rows):
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (header, ["---"] * len(header), *rows))


def percent(value):
    return "-" if value is None else f"{100 * value:.2f} %"


def command(text):
    return f"```sh\n{text}\n```"
