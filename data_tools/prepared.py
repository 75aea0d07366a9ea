"""The prepared data set: one folder that loads in well under a second and proves that it is intact.

    train_images.npy, test_images.npy   (N, 3, H, W) uint8
    train_labels.npy, test_labels.npy   (N,) uint8
    dataset.json                        what they hold: counts, classes, mean, standard deviation, sha256 of each file

This module reads it, `data_tools.writing` writes it.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from data_tools.errors import DataError
from data_tools.new_folder import is_free

FORMAT, VERSION = "refpcm-dataset", 1
DESCRIPTION = "dataset.json"
LEAST_STD = 1e-9  # below that of one pixel off by one among 10^12; values in 0 .. 1 have at most 0.5
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


def sha256_of(path):
    """Hexadecimal SHA-256 of a file, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


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
    remedy = "remove the folder and prepare the set again"
    arrays = {}
    for name in ARRAYS:
        path = folder / f"{name}.npy"
        if not path.is_file():
            raise DataError(f"{path} is missing: the set is incomplete; {remedy}")
        if sha256_of(path) != description["sha256"][path.name]:
            raise DataError(f"{path} is damaged: its sha256 differs from that in {DESCRIPTION}; {remedy}")
        try:
            arrays[name] = np.load(path, allow_pickle=False)
        except (ValueError, EOFError) as failure:
            raise DataError(f"{path} is no NumPy array ({failure}); {remedy}") from None
    for split in ("train", "test"):
        _check_arrays(folder, split, arrays[f"{split}_images"], arrays[f"{split}_labels"], description)
    return description, arrays


def _read_description(path):
    """The content of a dataset.json; every key that the reader uses is there and of its type."""
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise DataError(f"{path} is damaged: no JSON; remove the folder and prepare the set again") from None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise DataError(f"{path} does not describe a prepared data set (its format is not {FORMAT!r})")
    if description.get("version") != VERSION:
        raise DataError(f"{path} has format version {description.get('version')!r}; this program reads version "
                        f"{VERSION}; prepare the set again")

    def is_list_of(kind, value):
        return isinstance(value, list) and len(value) > 0 and all(isinstance(item, kind) for item in value)

    hashes, counts = description.get("sha256"), description.get("counts")
    mean, std = description.get("mean"), description.get("std")
    wrong = [key for key, good in {
        "name": isinstance(description.get("name"), str),
        "classes": is_list_of(str, description.get("classes")),
        "mean": is_list_of(float, mean) and all(0 <= value <= 1 for value in mean),
        "std": is_list_of(float, std) and all(LEAST_STD < value <= 0.5 for value in std)
               and is_list_of(float, mean) and len(mean) == len(std),
        "counts": isinstance(counts, dict) and all(isinstance(counts.get(s), int) for s in ("train", "test")),
        "origin": isinstance(description.get("origin"), dict),
        "sha256": isinstance(hashes, dict) and all(isinstance(hashes.get(f"{n}.npy"), str) for n in ARRAYS),
    }.items() if not good]
    if wrong:
        raise DataError(f"{path} is damaged: {', '.join(wrong)} missing or of a wrong form; "
                        "remove the folder and prepare the set again")
    return description


def _check_arrays(folder, split, images, labels, description):
    """Shapes, types, counts and label range of one split agree with each other and with the description."""
    channels, count = len(description["mean"]), description["counts"][split]
    problem = None
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != channels:
        problem = f"images are {images.dtype} {images.shape}, not uint8 (N, {channels}, H, W)"
    elif labels.dtype != np.uint8 or labels.ndim != 1:
        problem = f"labels are {labels.dtype} {labels.shape}, not uint8 (N,)"
    elif not len(images) == len(labels) == count:
        problem = f"{len(images)} images and {len(labels)} labels where {DESCRIPTION} says {count}"
    elif count and labels.max() >= len(description["classes"]):
        problem = f"label {labels.max()} where there are {len(description['classes'])} classes"
    if problem:
        raise DataError(f"{folder}: {split} {problem}; remove the folder and prepare the set again")
