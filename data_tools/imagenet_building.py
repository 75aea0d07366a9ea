"""Make the index of an ImageNet tree."""

import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from data_tools import commands
from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.imagenet_ground_truth import read_ground_truth
from data_tools.imagenet_images import BrokenImage, inspect_image, open_rgb
from data_tools.imagenet_index import DESCRIPTION, FORMAT, VERSION, check_cache, read_index
from data_tools.imagenet_preprocessing import CROP, SQUARE, evaluation_image
from data_tools.imagenet_tree import list_tree, read_class_list
from data_tools.new_folder import is_free, new_folder, save_array, save_text, write_header
from data_tools.npy import read_npy
from data_tools.prepared import sealed
from data_tools.reading import sha256_of

BLOCK = 512  # images handed to the threads at a time, so that results do not pile up
MOST_CLASSES = 2 ** 16  # labels are uint16
BROKEN = "broken, left out"


def build(tree_path, folder, cache=False, class_file=None, single_split="val", val_classes=None, scaling=SQUARE):
    """Index the tree at `tree_path` into `folder`; returns (description, whether it was made now).

    cache: also write val_cache.npy; class_file: WordNet ids in the order of the labels, default the sorted ids of the
    tree; val_classes: file or development kit with the classes of images that lie in val/ itself; scaling: of evaluation
    images, one of SCALINGS. Raises DataError, also if `folder` holds anything but this very index; OSError for the disk.
    """
    tree = list_tree(tree_path, single_split, None if val_classes is None else read_ground_truth(val_classes))
    classes = tree.class_ids if class_file is None else read_class_list(class_file)
    if len(classes) > MOST_CLASSES:
        raise DataError(f"{len(classes)} classes are more than the {MOST_CLASSES} whose labels an index can hold; name fewer "
                        "with --classes")
    unlisted = sorted(set(tree.class_ids) - set(classes))
    if unlisted:
        raise DataError(f"{class_file} does not list {len(unlisted)} classes of the tree: {', '.join(unlisted[:5])}")
    if cache and "val" not in tree.splits:
        raise DataError(f"{tree_path} has no val/ whose images a cache could hold; leave out --cache")
    wanted = {"root": str(tree.root.resolve()), "classes": list(classes), "cache": cache, "scaling": scaling,
              "listing": hashlib.sha256(json.dumps([tree.splits, tree.ignored]).encode()).hexdigest()}
    there = _existing(folder, wanted)
    if there is not None:
        return there, False
    if tree.by_name:
        commands.note(f"the classes of {tree.by_name} images outside of class folders are taken from their names")
    populated = {class_id for files in tree.splits.values() for _, class_id, _ in files}
    description = {"format": FORMAT, "version": VERSION, **wanted, "counts": {}, "sha256": {},
                   "unusual": {"not images of a class": list(tree.ignored),
                               "classes without images": sorted(set(tree.class_ids) - populated)}}
    with new_folder(folder) as partial:
        for split, files in tree.splits.items():
            _index_split(partial, tree.root, split, files, description)
        if cache:
            _write_cache(partial / "val_cache.npy", tree.root, partial / "val_paths.npy", description)
        description = sealed(description)
        save_text(partial / DESCRIPTION, json.dumps(description, indent=1) + "\n")
    return description, True


def _existing(folder, wanted):
    """The description of the wanted index in `folder`, verified; None if there is nothing."""
    if is_free(folder):
        return None
    there = read_index(folder).description
    check_cache(folder, there)
    differs = [key for key in wanted if there.get(key) != wanted[key]]
    if differs:
        what = ("of another tree, or of this one before it changed" if {"root", "listing"} & set(differs)
                else "of this tree made with other options")
        raise DataError(f"{folder} holds the index {what} ({', '.join(differs)} differ); name another folder or remove it")
    return there


def _in_threads(work, items):
    """Yields work(item) in order. Pillow decodes without Python's lock, so threads are enough."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(items), BLOCK):
            yield from pool.map(work, items[start:start + BLOCK])


def _index_split(partial, root, split, files, description):
    """Decode every image of a split once, write its lists and add its counts to `description`."""
    def inspect(file):
        try:
            return inspect_image(root / file[0])
        except BrokenImage as failure:
            return failure

    label_of = {class_id: label for label, class_id in enumerate(description["classes"])}
    unusual, paths, labels, sizes = description["unusual"], [], [], []
    for number, ((path, class_id, _), found) in enumerate(zip(files, _in_threads(inspect, files)), 1):
        if number % 10_000 == 0:
            commands.note(f"{split}: {number} of {len(files)} images read")
        if isinstance(found, BrokenImage):
            unusual.setdefault(BROKEN, []).append(f"{path} ({found})")
            continue
        if found.mode != "RGB":
            kind = {"L": "greyscale", "CMYK": "CMYK"}.get(found.mode, f"in other colours ({found.mode})")
            unusual.setdefault(kind, []).append(path)
        if found.tiny:
            unusual.setdefault("tiny", []).append(f"{path} ({found.width} x {found.height})")
        paths.append(os.fsencode(path))
        labels.append(label_of[class_id])
        sizes.append((found.width, found.height))
    if not paths:
        raise DataError(f"none of the {len(files)} images of {split} can be read; the last: {shown(unusual[BROKEN][-1])}")
    description["counts"][split] = len(paths)
    lists = {"paths": np.array(paths), "labels": np.array(labels, np.uint16), "sizes": np.array(sizes, np.int32)}
    for part, array in lists.items():
        target = partial / f"{split}_{part}.npy"
        save_array(target, array)
        description["sha256"][target.name] = sha256_of(target)


def _write_cache(target, root, paths_file, description):
    """Write the evaluation images of the listed paths to `target`, a .npy file (N, 3, 224, 224) uint8.

    Row by row rather than through a memory map, which a full disk would end with a signal instead of an error.
    """
    paths = read_npy(paths_file)
    shape = (len(paths), 3, CROP, CROP)
    needed, free = int(np.prod(shape, dtype=np.int64)), shutil.disk_usage(target.parent).free
    if needed > free:
        raise DataError(f"the cache needs {needed / 1e9:.1f} GB where {free / 1e9:.1f} GB are free; leave out --cache")

    def evaluate(path):
        try:
            return evaluation_image(open_rgb(root / os.fsdecode(path)), description["scaling"])
        except BrokenImage as failure:
            raise DataError(f"{shown(os.fsdecode(path))} could be read at first but not now ({failure})") from None

    with open(target, "xb") as file:
        write_header(file, np.uint8, shape)
        for image in _in_threads(evaluate, paths):
            file.write(image.tobytes())
        file.flush()
        os.fsync(file.fileno())
    description["sha256"][target.name] = sha256_of(target)
