"""Reading the files of docs/results, the paper's numbers, and Markdown: what all sections of docs/results.md share."""

import json
import re
from pathlib import Path

from refpcm.reproduction.paper_numbers import CIFAR10

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"


def read(name):
    """Return what a JSON file of docs/results holds."""
    return json.loads((RESULTS / name).read_text())


def reported(key):
    """Return the numbers in what the paper reports of ResNet-32 under this key, as shares: "93.87 % / 91.66 %", two."""
    return [float(number) / 100 for number in re.findall(r"\d+\.\d+", CIFAR10[key].value)]


def lines_of(name):
    """Return what the lines of a JSON lines file of docs/results hold, as a list."""
    return [json.loads(line) for line in (RESULTS / name).read_text().splitlines()]


def table(header, rows):
    """Return a table."""
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (header, ["---"] * len(header), *rows))


def percent(value):
    """Return a share as text, such as "93.67 %"; None: "-"."""
    return "-" if value is None else f"{100 * value:.2f} %"


def with_interval(row):
    """Return the mean of a row and half its 95 % interval, such as "93.67 % +- 0.06"."""
    return f"{percent(row['mean'])} +- {50 * (row['high'] - row['low']):.2f}"


def command(text):
    """Return lines to paste into a shell."""
    return f"```sh\n{text}\n```"
