"""List an ImageNet folder tree: one folder a class, named by its WordNet id (n and eight digits)."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from data_tools.errors import DataError

WORDNET_ID = re.compile(r"n\d{8}")
SPLITS = ("train", "val")
SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".webp")


@dataclass(frozen=True)
class Tree:
    root: Path
    splits: dict  # {"train" or "val": list of (path relative to root with /, WordNet id, bytes), sorted}
    class_ids: tuple  # of str, sorted: every class that has a folder
    ignored: tuple  # of str: files and folders that are no images of a class


def list_tree(root, single_split):
    """Tree under `root`: its train/ and val/, or, if there are only class folders, one split named `single_split`.

    Raises DataError if there are no class folders or no images.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder")
    parts = {name: root / name for name in SPLITS if (root / name).is_dir()} or {single_split: root}
    splits, class_ids, ignored = {}, set(), []
    for split, folder in parts.items():
        splits[split] = []
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.is_dir() and WORDNET_ID.fullmatch(entry.name):
                class_ids.add(entry.name)
                _list_class(root, Path(entry.path), splits[split], ignored)
            else:
                ignored.append(_name(root, entry.path))
        if not splits[split]:
            raise DataError(f"{folder} has no images in folders named by WordNet ids (n and eight digits); sort the "
                            "images into such folders first")
    return Tree(root, splits, tuple(sorted(class_ids)), tuple(ignored))


def _list_class(root, folder, files, ignored):
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_file() and entry.name.lower().endswith(SUFFIXES):
            files.append((_name(root, entry.path), folder.name, entry.stat().st_size))
        else:
            ignored.append(_name(root, entry.path))


def _name(root, path):
    return Path(path).relative_to(root).as_posix()


def read_class_list(path):
    """WordNet ids in the order of their labels from a text file, one a line (words after the id are names).

    Raises DataError for a line without an id, or an id that stands twice.
    """
    ids = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
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
