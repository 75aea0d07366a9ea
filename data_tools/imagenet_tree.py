"""List an ImageNet folder tree: one folder a class, named by its WordNet id (n and eight digits)."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from data_tools.errors import DataError
from data_tools.reading import read_text

WORDNET_ID = re.compile(r"n\d{8}")
SPLITS = ("train", "val")
SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".webp")


@dataclass(frozen=True)
class Tree:
    """What lies in a folder tree of images."""
    root: Path
    splits: dict  # {"train" or "val": list of (path relative to root with /, WordNet id, bytes), sorted}
    class_ids: tuple  # of str, sorted: every class that has a folder
    ignored: tuple  # of str: files and folders that are no images of a class


def list_tree(root, single_split, val_classes=None):
    """Tree under `root`: its train/ and val/, or, if there are only class folders, one split named `single_split`.

    val_classes: {image name without suffix: WordNet id} of images that lie in val itself.
    Raises DataError if there are no class folders or no images, or if val_classes names none of those in val.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder")
    parts = {name: root / name for name in SPLITS if (root / name).is_dir()} or {single_split: root}
    splits, class_ids, ignored, sorted_in = {}, set(), [], 0
    for split, folder in parts.items():
        splits[split] = []
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.is_dir() and WORDNET_ID.fullmatch(entry.name):
                class_ids.add(entry.name)
                _list_class(root, Path(entry.path), splits[split], ignored)
            elif split == "val" and val_classes and _is_image(entry) and Path(entry.name).stem in val_classes:
                class_id = val_classes[Path(entry.name).stem]
                class_ids.add(class_id)
                splits[split].append((_name(root, entry.path), class_id, entry.stat().st_size))
                sorted_in += 1
            else:
                ignored.append(_name(root, entry.path))
    if val_classes and not sorted_in:
        raise DataError(f"{root}: --val-classes names none of the images that lie in val itself; leave it out")
    for split, files in splits.items():
        if not files:
            raise DataError(f"{parts[split]} has no images in folders named by WordNet ids (n and eight digits); sort "
                            "the images into such folders first, or, for val, name their classes with --val-classes")
    return Tree(root, splits, tuple(sorted(class_ids)), tuple(ignored))


def _list_class(root, folder, files, ignored):
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if _is_image(entry):
            files.append((_name(root, entry.path), folder.name, entry.stat().st_size))
        else:
            ignored.append(_name(root, entry.path))


def _is_image(entry):
    return entry.is_file() and entry.name.lower().endswith(SUFFIXES)


def _name(root, path):
    return Path(path).relative_to(root).as_posix()


def read_class_list(path):
    """WordNet ids in the order of their labels from a text file, one a line (words after the id are names).

    Raises DataError for a line without an id, or an id that stands twice.
    """
    ids = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        word = line.split()[0]
        if not WORDNET_ID.fullmatch(word):
            raise DataError(f"{path}, line {number}: {word[:40]!r} is no WordNet id (n and eight digits)")
        if word in ids:
            raise DataError(f"{path}, line {number}: {word} stands there twice")
        ids.append(word)
    if not ids:
        raise DataError(f"{path} lists no classes")
    return tuple(ids)
