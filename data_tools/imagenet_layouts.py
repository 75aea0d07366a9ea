"""How ImageNet trees are named; what a folder is that is none, and what to do with it."""

import itertools
import os
import re
from pathlib import Path

from data_tools.foreign_text import shown

WORDNET_ID = re.compile(r"n\d{8}")
SPLITS = ("train", "val")
SUFFIXES = (".jpeg", ".jpg", ".png", ".bmp", ".webp")
MOST_ENTRIES = 2000  # looked at in a folder, and folders looked at on a level
DEEPEST = 4  # folders below the given one in which a tree is looked for: ILSVRC/Data/CLS-LOC
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".zip")
OWN_IMAGES = ("to use images of your own, write them with data_tools.writing.write (\"Your own images\" in docs/data.md)")


def ids_in(text):
    """The different WordNet ids that stand in a text, in order."""
    return list(dict.fromkeys(re.findall(r"(?<![A-Za-z0-9])n\d{8}(?![A-Za-z0-9])", text)))


def is_imagenet(folder):
    """Whether `folder`, or train/ or val/ in it, holds class folders or images that are named by WordNet ids."""
    folder = Path(folder)
    return any(WORDNET_ID.fullmatch(name) if is_folder else _is_image(name) and ids_in(name)
               for part in (folder, *(folder / split for split in SPLITS)) for name, is_folder in _entries(part))


def advice(root, folder):
    """What to do with `folder` of the tree `root`, in which no image of a class was found; ends a sentence."""
    entries = _entries(folder)
    archives = [name for name, is_folder in entries if not is_folder and name.lower().endswith(ARCHIVES)]
    if archives:
        return f"it holds archives ({_some(archives)}); unpack them first, each into a folder of its name"
    deeper = _below(Path(root))
    if deeper is not None:
        return f"the tree is further down; name {shown(deeper)} instead"
    folders = [name for name, is_folder in entries if is_folder]
    for name in filter(WORDNET_ID.fullmatch, folders):
        inner = [below for below, is_folder in _entries(folder / name) if is_folder and _has_images(folder / name / below)]
        if inner:
            return f"the images lie one folder further down ({name}/{shown(inner[0])}); move them up into the class folders"
    images = any(_is_image(name) for name, _ in entries)
    if folders == ["images"] and _has_images(folder / "images"):
        return ("the images lie in images; move them up, then sort them into folders of their WordNet ids or, "
                "for val, name their classes with --val-classes")
    if folders and not images and not any(map(WORDNET_ID.fullmatch, folders)):
        return f"its folders have other names ({_some(folders)}), so this is not ImageNet; {OWN_IMAGES}"
    return "sort the images into such folders first, or, for val, name their classes with --val-classes"


def _below(root):
    """The first folder below `root` that is an ImageNet tree, the nearest ones first."""
    level = [root]
    for _ in range(DEEPEST):
        below = (folder / name for folder in level for name, is_folder in _entries(folder)
                 if is_folder and name not in SPLITS and not WORDNET_ID.fullmatch(name))
        level = list(itertools.islice(below, MOST_ENTRIES))
        for folder in filter(is_imagenet, level):
            return folder
    return None


def _entries(folder):
    """(name, whether it is a folder) of what lies in `folder`, sorted; links are not followed."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, entry.is_dir(follow_symlinks=False))
                          for entry in itertools.islice(entries, MOST_ENTRIES))
    except OSError:
        return []


def _has_images(folder):
    return any(_is_image(name) for name, is_folder in _entries(folder) if not is_folder)


def _is_image(name):
    return name.lower().endswith(SUFFIXES)


def _some(names):
    return ", ".join(shown(name, 40) for name in names[:3]) + (", ..." if len(names) > 3 else "")
