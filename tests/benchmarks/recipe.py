"""The choice of a recipe on held-out images: `python -m tests.benchmarks.recipe --data DIR --out DIR [NAME ...]`.

Trains the candidates one after the other, on 45,000 images for six epochs, about seven minutes each on two idle cores,
and prints their accuracy on the 5,000 held-out ones. What is there is not trained again; test images have no part.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

EPOCHS, HELD_OUT = 6, 5000
COMMON = ["--preset", "joshi2020-cifar10-short", "--epochs", EPOCHS, "--validation-images", HELD_OUT]
CANDIDATES = {
    "base": [],
    "peak-0.1": ["--learning-rate", "0.1"],
    "peak-0.4": ["--learning-rate", "0.4"],
    "decay-1e-3": ["--weight-decay", "1e-3"],
    "batch-64": ["--batch-size", "64", "--learning-rate", "0.1"],
    "smoothing-0.1": ["--label-smoothing", "0.1"],
    "cutout-8": ["--cutout", "8"],
    "average-2": ["--schedule", "constant", "--learning-rate", "0.1", "--average-epochs", "2"],
}


def last_record(lines):
    """Of the text of a metrics.jsonl: the figures after the last epoch."""
    return json.loads(lines.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CANDIDATES)}; all if left out")
    options = parser.parse_args()
    if unknown := set(options.names) - set(CANDIDATES):
        parser.error(f"no candidate {', '.join(sorted(unknown))}; known are: {', '.join(CANDIDATES)}")
    for name in options.names or CANDIDATES:
        folder = options.out / name
        if not (folder / "result.json").exists():
            again = ["--resume", folder] if (folder / "checkpoint.safetensors").exists() else [
                *COMMON, *CANDIDATES[name], "--data", options.data, "--out", folder]
            subprocess.run([sys.executable, "-m", "refpcm.train", *map(str, again)], check=True,
                           stdout=subprocess.DEVNULL)
        record = last_record((folder / "metrics.jsonl").read_text())
        print(f"{name:<14} {' '.join(CANDIDATES[name]):<60} training {100 * record['train_accuracy']:.2f} %  "
              f"held out {100 * record['validation_accuracy']:.2f} %", flush=True)


if __name__ == "__main__":
    main()
