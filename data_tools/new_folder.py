"""Fill a folder in one step: it is there as a whole or not at all.

Everything goes into a temporary folder beside the target, which gets its name when all of it is on the disk.
"""

import contextlib
import os
import shutil
import time
from pathlib import Path

from data_tools.errors import DataError

ABANDONED_AFTER_S = 3600  # an unfinished folder untouched for so long belongs to a killed run


class FolderTaken(DataError):
    """The folder was filled by another program in the meantime."""


@contextlib.contextmanager
def new_folder(folder):
    """Context that yields a temporary Path to fill; on leaving it without an error the path becomes `folder`.

    `folder` must not exist or be empty; its parents are made. After an error nothing is left.
    Raises FolderTaken if `folder` has content by then.
    """
    folder = Path(folder).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    partial.mkdir()
    try:
        yield partial
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        if folder.exists():
            raise FolderTaken(f"{folder} was filled by another program meanwhile; name another folder")
        os.rename(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_abandoned(folder):
    """Remove what killed runs left beside `folder`."""
    for old in folder.parent.glob(f".{folder.name}.partial-*"):
        newest = max([old.stat().st_mtime] + [path.stat().st_mtime for path in old.glob("*")])
        if time.time() - newest > ABANDONED_AFTER_S:
            shutil.rmtree(old, ignore_errors=True)


def save_array(path, array):
    """Write a NumPy array to `path` (.npy, without pickle) and wait until it is on the disk."""
    import numpy as np
    with open(path, "xb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def save_text(path, text):
    """Write `text` to `path` as UTF-8 and wait until it is on the disk."""
    with open(path, "x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
