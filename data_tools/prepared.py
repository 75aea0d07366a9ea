"""The prepared data set: one folder that loads in well under a second and proves that it is intact.

    train_images.npy, test_images.npy   (N, 3, H, W) uint8
    train_labels.npy, test_labels.npy   (N,) uint8
    dataset.json                        what they hold: counts, classes, mean, standard deviation, sha256 of each file
                                        and of this description

This module reads it, `data_tools.writing` writes it.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.new_folder import is_free
from data_tools.npy import read_npy
from data_tools.reading import read_json, remedy, sha256_of

FORMAT, VERSION = "refpcm-dataset", 1
DESCRIPTION = "dataset.json"
REMEDY = "remove the folder and prepare the set again"
LEAST_STD = 1e-9  # below that of one pixel off by one among 10^12; values in 0 .. 1 have at most 0.5
CHANNELS = 3
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


def sealed(description):
    """The description of a set or an index with its own SHA-256, by which a change of it is noticed."""
    return {**description, "digest": _digest(description)}


def check_seal(path, description):
    """Raises DataError if the description in the file `path` has been changed since; older ones have no seal."""
    if "digest" in description and description["digest"] != _digest(description):
        raise DataError(f"{path} is damaged or was changed: its SHA-256 does not agree; remove its folder and make it again")


def _digest(description):
    content = {key: value for key, value in description.items() if key != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def find(folder):
    """The verified description of the set in `folder`, or None where a new set may be written.

    Raises DataError if the folder holds something else, or a damaged set, or cannot be made.
    """
    folder = Path(folder)
    if is_free(folder):
        return None
    if not (folder / DESCRIPTION).exists():
        raise DataError(f"{folder} holds other files; name a folder that does not exist yet")
    return read(folder)[0]


def read(folder):
    """Read and verify the set in `folder`: its description and {name: array} for the names in ARRAYS.

    Raises DataError naming the file and the reason: missing, damaged, foreign.
    """
    folder = Path(folder)
    description = _read_description(folder / DESCRIPTION)
    arrays = {}
    for name in ARRAYS:
        path = folder / f"{name}.npy"
        if not path.is_file():
            raise DataError(f"{path} is missing: the set is incomplete; {REMEDY}")
        with remedy(REMEDY):
            if sha256_of(path) != description["sha256"][path.name]:
                raise DataError(f"{path} is damaged: its sha256 differs from that in {DESCRIPTION}")
            arrays[name] = read_npy(path)
    for split, count in description["counts"].items():
        problem = problem_of(arrays, split, len(description["classes"]))
        if not problem and len(arrays[f"{split}_labels"]) != count:
            problem = f"images are {len(arrays[f'{split}_labels'])} where {DESCRIPTION} says {count}"
        if problem:
            raise DataError(f"{folder}: {split} {problem}; {REMEDY}")
    return description, arrays


def _read_description(path):
    """The content of a dataset.json; every key that the reader uses is there and of its type."""
    with remedy(REMEDY):
        description = read_json(path)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise DataError(f"{path} does not describe a prepared data set (its format is not {FORMAT!r})")
    if description.get("version") != VERSION:
        raise DataError(f"{path} has format version {shown(description.get('version'))}; this program reads version "
                        f"{VERSION}; prepare the set again")

    check_seal(path, description)

    def is_list_of(kind, value):
        return isinstance(value, list) and len(value) > 0 and all(isinstance(item, kind) for item in value)

    hashes, counts = description.get("sha256"), description.get("counts")
    mean, std = description.get("mean"), description.get("std")
    wrong = [key for key, good in {
        "name": isinstance(description.get("name"), str),
        "classes": is_list_of(str, description.get("classes")) and all(description["classes"]),
        "mean": is_list_of(float, mean) and all(0 <= value <= 1 for value in mean),
        "std": is_list_of(float, std) and all(LEAST_STD < value <= 0.5 for value in std)
               and is_list_of(float, mean) and len(mean) == len(std) == CHANNELS,
        "counts": isinstance(counts, dict) and set(counts) == {"train", "test"}
                  and all(isinstance(count, int) for count in counts.values()),
        "origin": isinstance(description.get("origin"), dict),
        "sha256": isinstance(hashes, dict) and all(isinstance(hashes.get(f"{n}.npy"), str) for n in ARRAYS),
    }.items() if not good]
    if wrong:
        raise DataError(f"{path} is damaged: {', '.join(wrong)} missing or of a wrong form; {REMEDY}")
    return description


def problem_of(arrays, split, classes):
    """What is wrong with the images and labels of a split, in words that follow its name; None: nothing.

    arrays: {name in ARRAYS: array}; classes: how many there are.
    """
    images, labels, others = arrays[f"{split}_images"], arrays[f"{split}_labels"], arrays["train_images"]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != CHANNELS:
        return f"images are {images.dtype} {images.shape}, not uint8 (N, {CHANNELS}, H, W)"
    if 0 in images.shape[2:]:
        return f"images of {images.shape[2]} x {images.shape[3]} have no pixels"
    if labels.dtype != np.uint8 or labels.ndim != 1:
        return f"labels are {labels.dtype} {labels.shape}, not uint8 (N,)"
    if len(images) != len(labels):
        return f"has {len(images)} images and {len(labels)} labels"
    if len(labels) and labels.max() >= classes:
        return f"has a label {labels.max()} where there are {classes} classes"
    if images.shape[1:] != others.shape[1:]:
        return f"images are {images.shape[1:]} where training images are {others.shape[1:]}"
    return None
