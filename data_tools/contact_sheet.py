"""A contact sheet: one row a class, its name and images side by side, as a PNG."""

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from data_tools.errors import DataError
from data_tools.figures import FIGURES
from data_tools.renaming import into_place
from data_tools.rendering import SIZE
from data_tools.synthetic import images

COLUMNS, CLASSES = 14, len(FIGURES)
NAMES = 64  # pixels for the names of the classes


def write_contact_sheet(path, seed):
    """Write the first COLUMNS training images of every class of the synthetic set to `path`, atomically.

    Raises DataError if its folder is missing, or if something other than a file is there: a folder, a device.
    """
    path = Path(path)
    if not path.absolute().parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no folder {path.absolute().parent}; make it first")
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is not a regular file; name a PNG file to write")
    tiles, labels = images("train", 0, COLUMNS * CLASSES, seed)
    rows = tiles[np.argsort(labels, kind="stable")].reshape(CLASSES, COLUMNS, 3, SIZE, SIZE)
    pixels = rows.transpose(0, 3, 1, 4, 2).reshape(CLASSES * SIZE, COLUMNS * SIZE, 3)
    sheet = Image.new("RGB", (NAMES + COLUMNS * SIZE, CLASSES * SIZE), "white")
    sheet.paste(Image.fromarray(pixels), (NAMES, 0))
    for row, figure in enumerate(FIGURES):
        ImageDraw.Draw(sheet).text((4, row * SIZE + SIZE // 2 - 6), figure.__name__, "black")
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        sheet.save(partial, format="PNG", optimize=True)
        into_place(partial, path)
    finally:
        partial.unlink(missing_ok=True)
