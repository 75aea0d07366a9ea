"""Write a prepared data set in one step: it is there as a whole or not at all.

Everything goes into a temporary folder beside the target, which gets its name when all of it is on the disk.
"""

import json
import math
import os
import shutil
import time
from pathlib import Path

import numpy as np

from data_tools.errors import DataError
from data_tools.prepared import ARRAYS, DESCRIPTION, FORMAT, VERSION, find, sha256_of

ABANDONED_AFTER_S = 3600  # an unfinished folder untouched for so long belongs to a killed run


def channel_statistics(images):
    """Mean and population standard deviation of images / 255 per channel: two tuples of C floats.

    Images (N, C, H, W) uint8. From exact integer sums, so the same on every machine.
    """
    means, deviations = [], []
    for channel in range(images.shape[1]):
        counts = np.zeros(256, np.int64)
        for start in range(0, len(images), 1000):
            counts += np.bincount(images[start:start + 1000, channel].ravel(), minlength=256)
        total = int(counts.sum())
        first = sum(value * int(count) for value, count in enumerate(counts))
        second = sum(value * value * int(count) for value, count in enumerate(counts))
        means.append(first / (255 * total))
        deviations.append(math.sqrt(second * total - first * first) / (255 * total))
    return tuple(means), tuple(deviations)


def write(folder, name, classes, arrays, origin):
    """Write a set; returns its description (the content of dataset.json).

    classes: names in the order of the labels; arrays: {name in ARRAYS: array}; origin: JSON-able dict that says
    where the images come from. `folder` must not exist or be empty (`prepared.find` returns None).
    Raises DataError, OSError; leaves nothing unfinished behind.
    """
    folder = Path(folder)
    mean, std = channel_statistics(arrays["train_images"])
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    partial = folder.absolute().with_name(f".{folder.absolute().name}.partial-{os.getpid()}")
    partial.mkdir()
    try:
        files = {}
        for array_name in ARRAYS:
            path = partial / f"{array_name}.npy"
            with open(path, "xb") as file:
                np.save(file, arrays[array_name], allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
            files[path.name] = sha256_of(path)
        description = {
            "format": FORMAT, "version": VERSION, "name": name, "classes": list(classes),
            "counts": {"train": len(arrays["train_labels"]), "test": len(arrays["test_labels"])},
            "mean": list(mean), "std": list(std), "origin": origin, "sha256": files,
        }
        with open(partial / DESCRIPTION, "x", encoding="utf-8") as file:
            file.write(json.dumps(description, indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        try:
            os.rename(partial, folder)
        except OSError:
            if not folder.exists():
                raise
            there = find(folder)  # somebody made it meanwhile, for instance another first run
            if there["sha256"] != files:
                raise DataError(f"{folder} was filled by another program meanwhile; name another folder") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return description


def _remove_abandoned(folder):
    """Remove what killed runs left beside `folder`."""
    for old in folder.absolute().parent.glob(f".{folder.absolute().name}.partial-*"):
        newest = max([old.stat().st_mtime] + [path.stat().st_mtime for path in old.glob("*")])
        if time.time() - newest > ABANDONED_AFTER_S:
            shutil.rmtree(old, ignore_errors=True)
