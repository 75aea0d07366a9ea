"""The index of an ImageNet tree: which images there are, of which class, and optionally their pixels.

    imagenet.json                   root of the tree, classes, counts, scaling, where images are unusual, sha256s
    SPLIT_paths.npy                 (N,) bytes: path below the root
    SPLIT_labels.npy                (N,) uint16
    SPLIT_sizes.npy                 (N, 2) int32: width, height in pixels
    val_cache.npy                   optional, (N, 3, 224, 224) uint8: evaluation images, to be memory-mapped
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.imagenet_images import BrokenImage, open_rgb
from data_tools.imagenet_preprocessing import SCALINGS, SHORTER_SIDE, evaluation_image, training_image
from data_tools.npy import map_npy, read_npy
from data_tools.prepared import check_seal
from data_tools.reading import read_json, remedy, sha256_of

FORMAT, VERSION = "refpcm-imagenet-index", 1
DESCRIPTION = "imagenet.json"
DESCRIPTION_LIMIT = 1 << 28  # bytes; it names every unusual image of 1.3 * 10^6
PARTS = ("paths", "labels", "sizes")


@dataclass(frozen=True)
class Split:
    """The images of one split, N of them, in the order of the index."""
    paths: np.ndarray  # (N,) bytes
    labels: np.ndarray  # (N,) uint16
    sizes: np.ndarray  # (N, 2) int32
    cache: np.ndarray | None  # (N, 3, 224, 224) uint8, memory-mapped


@dataclass(frozen=True)
class Index:
    """An ImageNet tree as it was when it was indexed."""
    root: Path
    classes: tuple  # of str: WordNet ids in the order of the labels
    splits: dict  # {"train" or "val": Split}
    description: dict  # the content of imagenet.json

    @property
    def scaling(self):
        """How evaluation images are scaled, one of imagenet_preprocessing.SCALINGS."""
        return self.description["scaling"]

    def path(self, split, row):
        """Path of the image file."""
        return self.root / os.fsdecode(self.splits[split].paths[row])

    def evaluation_image(self, split, row):
        """(3, 224, 224) uint8, from the cache where there is one. Raises as `rgb`."""
        part = self.splits[split]
        if part.cache is not None:
            return np.array(part.cache[row])
        return evaluation_image(self.rgb(split, row), self.scaling)

    def training_image(self, split, row, uniforms):
        """(3, 224, 224) uint8; uniforms (imagenet_preprocessing.UNIFORMS,) in [0, 1). Raises as `rgb`."""
        return training_image(self.rgb(split, row), uniforms)

    def rgb(self, split, row):
        """The whole image, Pillow's, in RGB. Raises BrokenImage if it is damaged or not of its size any more, OSError."""
        image = open_rgb(self.path(split, row))
        if image.size != tuple(self.splits[split].sizes[row]):
            raise BrokenImage(f"it has {image.size[0]} x {image.size[1]} pixels now")
        return image


def read_index(folder):
    """The Index in `folder`, verified: sha256 and form of the lists, form of the cache (its content by `check_cache`).

    Raises DataError with the remedy.
    """
    folder = Path(folder)
    description = read_description(folder)
    splits = {}
    for split in description["counts"]:
        parts = {}
        for part in PARTS:
            path = folder / f"{split}_{part}.npy"
            with remedy(f"remove {folder} and index the tree again"):
                if sha256_of(path) != description["sha256"].get(path.name):
                    raise DataError(f"{path} is damaged")
                parts[part] = read_npy(path)
        _check_lists(folder, split, description, **parts)
        splits[split] = Split(**parts, cache=_open_cache(folder, split, len(parts["labels"]), description))
    return Index(Path(description["root"]), tuple(description["classes"]), splits, description)


def check_cache(folder, description):
    """Raises DataError if the content of a cache has changed since it was made; reads all of it."""
    for name in (name for name in description["sha256"] if name.endswith("_cache.npy")):
        with remedy(f"remove {folder} and index the tree again"):
            if sha256_of(Path(folder) / name) != description["sha256"][name]:
                raise DataError(f"{Path(folder) / name} is damaged")


def _check_lists(folder, split, description, paths, labels, sizes):
    """Raises DataError if the lists of a split do not fit each other and the description."""
    count = description["counts"][split]
    if (paths.dtype.kind, labels.dtype, sizes.dtype) != ("S", np.uint16, np.int32) or not (
            paths.shape == labels.shape == (count,) and sizes.shape == (count, 2)) or (
            count and labels.max() >= len(description["classes"])):
        raise DataError(f"the lists of {split} in {folder} do not fit each other; index the tree again")


def _open_cache(folder, split, count, description):
    name = f"{split}_cache.npy"
    if name not in description["sha256"]:
        return None
    with remedy(f"remove {folder} and index the tree again"):
        cache = map_npy(folder / name)
    if cache.dtype != np.uint8 or cache.shape != (count, 3, 224, 224):
        raise DataError(f"{folder / name} holds {cache.dtype} {cache.shape} where uint8 ({count}, 3, 224, 224) "
                        f"belongs; remove {folder} and index the tree again")
    return cache


def read_description(folder):
    """The content of imagenet.json. Raises DataError if `folder` is no index."""
    path = Path(folder) / DESCRIPTION
    if not path.is_file():
        raise DataError(f"{folder} is no ImageNet index: it has no {DESCRIPTION}; make one with "
                        "`python -m data_tools.imagenet --from TREE --out INDEX`")
    with remedy(f"remove {folder} and index the tree again"):
        description = read_json(path, DESCRIPTION_LIMIT)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise DataError(f"{path} does not describe an ImageNet index (its format is not {FORMAT!r})")
    if description.get("version") != VERSION:
        raise DataError(f"{path} has format version {shown(description.get('version'))}; this program reads version "
                        f"{VERSION}; index the tree again")
    check_seal(path, description)
    description.setdefault("scaling", SHORTER_SIDE)  # the only one before there was a choice
    kinds = {"root": str, "classes": list, "counts": dict, "sha256": dict, "listing": str, "unusual": dict}
    wrong = [key for key, kind in kinds.items() if not isinstance(description.get(key), kind)]
    if not wrong and not all(isinstance(name, str) and name for name in description["classes"]):
        wrong.append("classes")
    if not wrong and not (set(description["counts"]) <= {"train", "val"}
                          and all(type(count) is int for count in description["counts"].values())):
        wrong.append("counts")
    if description["scaling"] not in SCALINGS:
        wrong.append("scaling")
    if wrong:
        raise DataError(f"{path} is damaged: {', '.join(wrong)} missing or of a wrong form; remove {folder} and index the "
                        "tree again")
    return description
