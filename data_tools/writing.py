"""Write a prepared data set."""

import json
import math

import numpy as np

from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.new_folder import FolderTaken, new_folder, save_array, save_text
from data_tools.prepared import ARRAYS, DESCRIPTION, FORMAT, VERSION, find, problem_of, sealed
from data_tools.reading import parse_json, sha256_of


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

    name: text; classes: names in the order of the labels; arrays: {name in ARRAYS: array}; origin: JSON-able dict that
    says where the images come from. `folder` must not exist or be empty (`prepared.find` returns None).
    Raises DataError, OSError; leaves nothing unfinished behind.
    """
    if not isinstance(name, str):
        raise DataError(f"the name of a set must be text, not {shown(name)}")
    origin = _plain(origin)
    for array_name in ARRAYS:
        if not isinstance(arrays[array_name], np.ndarray):
            raise DataError(f"{array_name} must be a NumPy array, not a {type(arrays[array_name]).__name__}")
        if arrays[array_name].dtype != np.uint8:
            raise DataError(f"{array_name} are {arrays[array_name].dtype}; a prepared set holds uint8, images from 0 to "
                            "255 and labels from 0 on")
    for split in ("train", "test"):
        if problem := problem_of(arrays, split, len(classes)):
            raise DataError(f"{split} {problem}")
    if not len(arrays["train_images"]):
        raise DataError("there are no training images, from which mean and standard deviation are taken")
    if not all(isinstance(each, str) and each for each in classes):
        wrong = next(label for label, each in enumerate(classes) if not isinstance(each, str) or not each)
        raise DataError(f"the name of class {wrong} is {shown(repr(classes[wrong]))}; every class needs a name, as text that "
                        "is not empty")
    mean, std = channel_statistics(arrays["train_images"])
    if 0 in std:
        raise DataError("every training image has the same value in some channel; such a set cannot be normalised")
    description = {
        "format": FORMAT, "version": VERSION, "name": name, "classes": list(classes),
        "counts": {"train": len(arrays["train_labels"]), "test": len(arrays["test_labels"])},
        "mean": list(mean), "std": list(std), "origin": origin, "sha256": {},
    }
    try:
        with new_folder(folder) as partial:
            for array_name in ARRAYS:
                path = partial / f"{array_name}.npy"
                save_array(path, arrays[array_name])
                description["sha256"][path.name] = sha256_of(path)
            description = sealed(description)
            save_text(partial / DESCRIPTION, json.dumps(description, indent=2) + "\n")
    except FolderTaken:
        if find(folder) != description:  # the same set, made by another first run, is as good
            raise
    return description


def _plain(origin):
    """`origin` as it will be read again. Raises DataError unless it is a dict of what JSON can hold."""
    try:
        if isinstance(origin, dict):
            return parse_json(json.dumps([origin]), "origin")[0]  # as deep as it will be in the description
        reason = f"it is {shown(origin)}"
    except (TypeError, ValueError, RecursionError) as error:
        reason = shown(str(error))
    raise DataError(f"origin must be a dict of text, plain numbers, lists and dicts: {reason}")
