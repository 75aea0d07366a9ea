"""Fill a folder in one step: it is there as a whole or not at all.

Everything goes into a temporary folder beside the target, which gets its name when all of it is on the disk.
"""

import contextlib
import errno
import glob
import os
import secrets
import shutil
import time
from pathlib import Path

import numpy as np

from data_tools.errors import DataError
from data_tools.locking import lock
from data_tools.renaming import into_place

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FILLED = (errno.ENOTEMPTY, errno.EEXIST)
ABANDONED_AFTER_S = 3600  # an unfinished folder untouched for so long belongs to a killed run


class FolderTaken(DataError):
    """The folder was filled by another program in the meantime."""


def is_free(folder):
    """Whether `folder` may be made: it does not exist, or is empty.

    Raises DataError where no folder can be: a file stands there, the one above it cannot be written, or it is one that
    cannot get its content in one step. A symbolic link stands for the folder that it points to.
    """
    folder = Path(os.path.realpath(folder))
    if folder.is_dir() and any(folder.iterdir()):
        return False
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file; name a folder that does not exist yet")
    if os.path.ismount(folder) or folder == Path.cwd():
        where = "the current folder" if folder == Path.cwd() else "where a disk is mounted"
        raise DataError(f"{folder} is {where}, which cannot be filled in one step; name a folder below it")
    above = next(parent for parent in folder.parents if parent.exists())
    if not above.is_dir():
        raise DataError(f"{folder} cannot be made: {above} is a file")
    if not os.access(above, os.W_OK):
        raise DataError(f"{folder} cannot be made: no permission to write in {above}")
    return True


@contextlib.contextmanager
def new_folder(folder):
    """Context that yields a temporary Path to fill; on leaving it without an error the path becomes `folder`.

    `folder` must be free (`is_free`); its parents are made. After an error nothing is left.
    Raises FolderTaken if `folder` has content by then, DataError if the disk is full.
    """
    folder = Path(os.path.realpath(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    is_free(folder)  # refuses what could not be replaced in the end
    partial = folder.with_name(f".{folder.name}.partial-{secrets.token_hex(8)}")
    partial.mkdir()
    descriptor = lock(partial)
    try:
        yield partial
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        if folder.exists():
            raise _taken(folder)
        into_place(partial, folder, os.rename)
    except OSError as failure:
        if failure.errno in FILLED and folder.exists():  # between the look and the act
            raise _taken(folder) from None
        if failure.errno in NO_ROOM:
            raise DataError(f"no room on the disk for {folder} ({failure.strerror}); nothing was changed; make room "
                            "and run the command again") from None
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def _taken(folder):
    return FolderTaken(f"{folder} was filled by another program meanwhile; name another folder")


def _remove_abandoned(folder):
    """Remove what killed runs left beside `folder`."""
    for old in folder.parent.glob(f".{glob.escape(folder.name)}.partial-*"):
        with contextlib.suppress(OSError):  # in use, or another program has just renamed or removed it
            newest = max([old.stat().st_mtime] + [path.stat().st_mtime for path in old.glob("*")])
            if time.time() - newest <= ABANDONED_AFTER_S:
                continue
            descriptor = lock(old)
            shutil.rmtree(old, ignore_errors=True)
            if descriptor is not None:
                os.close(descriptor)


def save_array(path, array):
    """Write a NumPy array to `path` (.npy, without pickle) and wait until it is on the disk."""
    with open(path, "xb") as file:
        write_header(file, array.dtype, array.shape)
        file.write(np.ascontiguousarray(array).data)
        file.flush()
        os.fsync(file.fileno())


def write_header(file, dtype, shape):
    """Write the head of a .npy file; the elements in C order may follow in pieces.

    (np.save would hand the file to C code whose errors do not say that the disk is full.)
    """
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape})


def save_text(path, text):
    """Write `text` to `path` as UTF-8 and wait until it is on the disk."""
    with open(path, "x", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
