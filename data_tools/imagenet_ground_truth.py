"""The classes of validation images that lie in one folder, as the official archive leaves them.

Read from either of
- a text or CSV file whose lines name an image and a WordNet id: Caffe's lists, Kaggle's LOC_val_solution.csv;
- the official development kit, a folder with data/meta.mat (class numbers and WordNet ids) and
  data/ILSVRC2012_validation_ground_truth.txt (line i: the class number of ILSVRC2012_val_<i, eight digits>).
"""

import re
from pathlib import Path, PurePosixPath

from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.imagenet_layouts import SUFFIXES, WORDNET_ID, ids_in
from data_tools.matlab_file import read_class_numbers
from data_tools.reading import read_text

TRUTH, CLASSES = "ILSVRC2012_validation_ground_truth.txt", "meta.mat"
WORD = re.compile(r"[^\s,;\"']+")
NUMBERS_HINT = ("it gives class numbers, whose order it does not say; name a list with WordNet ids instead. With their list "
                "in that order as synsets.txt: awk 'NR==FNR{id[FNR-1]=$1;next}{print $1,id[$2]}' synsets.txt LIST")


def read_ground_truth(path):
    """{image name without suffix: WordNet id}. Raises DataError for a file or kit that does not say so."""
    path = Path(path)
    if not path.is_dir():
        return _from_lines(path)
    folder = next((folder for folder in (path / "data", path) if (folder / TRUTH).is_file()), None)
    if folder is None:
        raise DataError(f"{path} has no data/{TRUTH}; name the unpacked development kit (ILSVRC2012_devkit_t12)")
    return _from_kit(folder)


def _from_lines(path):
    """The image's name is a line's first word with the suffix of an image, else its first word that is no WordNet id."""
    classes = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words, ids = WORD.findall(line), ids_in(line)
        image = next((word for word in words if word.lower().endswith(SUFFIXES)), None) or next(
            (word for word in words if not WORDNET_ID.fullmatch(word)), None)
        if ids and image is not None:
            name = PurePosixPath(image).stem
            if classes.setdefault(name, ids[0]) != ids[0]:
                raise DataError(f"{path}, line {number}: {shown(name)} has two classes, {classes[name]} and {ids[0]}")
        elif words and number > 1:  # the first may be a heading
            hint = f"; {NUMBERS_HINT}" if len(words) == 2 and words[1].isdecimal() else ""
            raise DataError(f"{path}, line {number}: '{shown(line, 40)}' has no image name and WordNet id "
                            f"(n and eight digits){hint}")
    if not classes:
        raise DataError(f"{path} names no images and WordNet ids")
    return classes


def _from_kit(folder):
    ids = read_class_numbers(folder / CLASSES)
    classes = {}
    for i, word in enumerate(read_text(folder / TRUTH).split(), 1):
        class_id = ids.get(int(word)) if word.isdecimal() and len(word) < 10 else None
        if class_id is None or not WORDNET_ID.fullmatch(class_id):
            raise DataError(f"{folder} is no complete development kit: {TRUTH} has the class '{shown(word, 20)}' in line {i}, "
                            f"which {CLASSES} does not have")
        classes[f"ILSVRC2012_val_{i:08d}"] = class_id
    return classes
