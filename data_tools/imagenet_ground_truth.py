"""The classes of validation images that lie in one folder, as the official archive leaves them.

Read from either of
- a text or CSV file whose lines name an image and then a WordNet id: Caffe's lists, Kaggle's LOC_val_solution.csv;
- the official development kit, a folder with data/meta.mat (class numbers and WordNet ids) and
  data/ILSVRC2012_validation_ground_truth.txt (line i: the class number of ILSVRC2012_val_<i, eight digits>).
"""

import re
from pathlib import Path

from data_tools.errors import DataError
from data_tools.reading import read_text

LINE = re.compile(r"\s*([^\s,]+)[\s,].*?\b(n\d{8})\b")  # image name, first WordNet id
TRUTH, CLASSES = "ILSVRC2012_validation_ground_truth.txt", "meta.mat"


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
    classes = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        found = LINE.match(line)
        if found:
            name = Path(found[1]).stem
            if classes.setdefault(name, found[2]) != found[2]:
                raise DataError(f"{path}, line {number}: {name} has two classes, {classes[name]} and {found[2]}")
        elif line.strip() and number > 1:  # the first may be a heading
            raise DataError(f"{path}, line {number}: {line[:40]!r} has no image name and WordNet id "
                            "(n and eight digits)")
    if not classes:
        raise DataError(f"{path} names no images and WordNet ids")
    return classes


def _from_kit(folder):
    from scipy.io import loadmat
    try:
        synsets = loadmat(folder / CLASSES, squeeze_me=True)["synsets"]
        ids = {int(number): str(name) for number, name in zip(synsets["ILSVRC2012_ID"], synsets["WNID"])}
        numbers = [int(line) for line in (folder / TRUTH).read_text().split()]
        return {f"ILSVRC2012_val_{i:08d}": ids[number] for i, number in enumerate(numbers, 1)}
    except Exception as failure:  # a damaged .mat file can raise nearly anything
        raise DataError(f"{folder} is no complete development kit: {CLASSES} and {TRUTH} cannot be read "
                        f"({type(failure).__name__}: {failure})") from None
