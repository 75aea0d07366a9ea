"""List an ImageNet folder tree: one folder a class, named by its WordNet id (n and eight digits)."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.imagenet_layouts import SPLITS, SUFFIXES, WORDNET_ID, advice, ids_in
from data_tools.reading import read_text

CIRCLE = "a link that leads in a circle"


@dataclass(frozen=True)
class Tree:
    """What lies in a folder tree of images."""
    root: Path
    splits: dict  # {"train" or "val": list of (path relative to root with /, WordNet id, bytes), sorted}
    class_ids: tuple  # of str, sorted: every class that has a folder
    ignored: tuple  # of str: files and folders that are no images of a class
    by_name: int  # images that lie in no class folder and have their class from their own name


def list_tree(root, single_split, val_classes=None):
    """Tree under `root`: its train/ and val/, or, if there are only class folders, one split named `single_split`.

    val_classes: {image name without suffix: WordNet id} of images that lie in val itself. Images outside of class folders
    whose name holds one WordNet id (ILSVRC2012_val_00000001_n01751748.JPEG) are of that class.
    Raises DataError if there are no class folders or no images, or if val_classes names none of those in val.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder")
    parts = {name: root / name for name in SPLITS if (root / name).is_dir()} or {single_split: root}
    splits, class_ids, ignored, by_list, by_name = {}, set(), [], 0, 0
    for split, folder in parts.items():
        splits[split] = []
        for entry in _entries(folder):
            kind, stem = _kind(entry), Path(entry.name).stem
            ids = ids_in(stem)
            if kind == "folder" and WORDNET_ID.fullmatch(entry.name):
                class_ids.add(entry.name)
                _list_class(root, Path(entry.path), splits[split], ignored)
            elif kind == "image" and split == "val" and val_classes and stem in val_classes:
                splits[split].append((_name(root, entry), val_classes[stem], entry.stat().st_size))
                by_list += 1
            elif kind == "image" and len(ids) == 1:
                splits[split].append((_name(root, entry), ids[0], entry.stat().st_size))
                by_name += 1
            else:
                ignored.append(_ignored(root, entry, kind))
        class_ids.update(class_id for _, class_id, _ in splits[split])
    if val_classes and not by_list:
        raise DataError(f"{root}: --val-classes names none of the images that lie in val itself; leave it out")
    for split, files in splits.items():
        if not files:
            raise DataError(f"{parts[split]} has no images in folders named by WordNet ids (n and eight digits); "
                            f"{advice(root, parts[split])}")
    return Tree(root, splits, tuple(sorted(class_ids)), tuple(ignored), by_name)


def _list_class(root, folder, files, ignored):
    for entry in _entries(folder):
        kind = _kind(entry)
        if kind == "image":
            files.append((_name(root, entry), folder.name, entry.stat().st_size))
        else:
            ignored.append(_ignored(root, entry, kind))


def _entries(folder):
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _kind(entry):
    """"folder", "image", CIRCLE, or "other" for what is neither of them."""
    try:
        if entry.is_dir():
            return "folder"
        return "image" if entry.is_file() and entry.name.lower().endswith(SUFFIXES) else "other"
    except OSError:
        if entry.is_symlink():
            return CIRCLE
        raise


def _ignored(root, entry, kind):
    return f"{_name(root, entry)} ({CIRCLE})" if kind == CIRCLE else _name(root, entry)


def _name(root, entry):
    return Path(entry.path).relative_to(root).as_posix()


def read_class_list(path):
    """WordNet ids in the order of their labels from a text file, one a line (words after the id are names).

    Raises DataError for a line without an id, or an id that stands twice.
    """
    ids = {}  # in their order; a list would take time with the square of its length
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        word = re.split(r"[\s,;]", line.strip().replace('"', ""))[0]
        if not WORDNET_ID.fullmatch(word):
            raise DataError(f"{path}, line {number}: '{shown(word, 40)}' is no WordNet id (n and eight digits)")
        if word in ids:
            raise DataError(f"{path}, line {number}: {word} stands there twice")
        ids[word] = number
    if not ids:
        raise DataError(f"{path} lists no classes")
    return tuple(ids)
