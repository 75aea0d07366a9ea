"""A file is either the old one or the complete new one: never half of it, whatever happens in between."""

import errno
import glob
import os
import secrets
import stat
import time
from contextlib import contextmanager, suppress

from data_tools.renaming import into_place
from refpcm.errors import RefpcmError

_STALE_S = 3600.0  # age at which a temporary file must be left over from a killed process
_PREFIX = 60  # characters of the file's name in the temporary one: at most 240 of the usual 255 bytes


@contextmanager
def atomic_file(path):
    """Binary stream whose content becomes the file `path` when the with-block ends without an error.

    It is written under a temporary name in the same folder, flushed to the disk and renamed over `path`. After an
    error, or when the process is killed, `path` still holds what it held before. A link is followed: the file it
    points to is replaced. The with-block should do nothing but write, since its OSErrors are reported as failures
    to write `path`. Raises RefpcmError: no such folder, no permission, disk full, not a regular file.
    """
    target = os.path.realpath(os.fspath(path))
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name[:_PREFIX]}.{secrets.token_hex(4)}.tmp")
    try:
        mode = _mode_of(target, path)
        _remove_stale(folder, name)
        with open(temporary, "xb") as stream:
            yield stream
            stream.flush()
            if mode is not None:
                os.chmod(temporary, mode)
            os.fsync(stream.fileno())
        into_place(temporary, target)
        _sync_folder(folder)
    except OSError as error:
        raise RefpcmError(_sentence(error, path, folder)) from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def write_bytes(path, data):
    """Replace the file `path` by `data` (bytes), as `atomic_file` does."""
    with atomic_file(path) as stream:
        stream.write(data)


def check_writable(path, new_folder=None):
    """Raises RefpcmError if the file `path` cannot be written: to be asked before the work whose result goes there.

    new_folder: one that the work will make where it is missing; None: none.
    """
    target = os.path.realpath(os.fspath(path))
    folder = os.path.dirname(target)
    if new_folder is not None and folder == os.path.realpath(new_folder) and not os.path.exists(folder):
        return
    try:
        _mode_of(target, path)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES if os.path.exists(folder) else errno.ENOENT, "")
    except OSError as error:
        raise RefpcmError(_sentence(error, path, folder)) from error


def check_new(path):
    """Raises RefpcmError if the file is there already, which nobody said is to be overwritten, or cannot be written."""
    if os.path.lexists(path):
        raise RefpcmError(f"{path} is already there; choose another name")
    check_writable(path)


def check_distinct(*paths):
    """Raises RefpcmError if two of the paths are the same place, so that one file would overwrite the other.

    None is no file; what is neither file nor folder, such as /dev/null, may be named twice.
    """
    places = set()
    for place, path in ((os.path.realpath(path), path) for path in filter(None, paths)):
        if place in places:
            raise RefpcmError(f"{path} is named twice; give each file a name of its own")
        if os.path.isfile(place) or os.path.isdir(place) or not os.path.exists(place):
            places.add(place)


def make_folder(path):
    """Make the folder `path` and those above it, where missing. Raises RefpcmError if that cannot be."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise RefpcmError(f"cannot make the folder {path}: {error.strerror}; choose another place") from error


def _mode_of(target, path):
    """Permission bits of the file that is about to be replaced, or None if there is none."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        raise RefpcmError(f"cannot write {path}: it is {kind}; give the name of a file")
    return stat.S_IMODE(mode)


def _remove_stale(folder, name):
    """Remove what killed processes left of earlier attempts to write the same file."""
    pattern = os.path.join(glob.escape(folder), f".{glob.escape(name[:_PREFIX])}.{'[0-9a-f]' * 8}.tmp")
    for leftover in glob.glob(pattern):
        with suppress(OSError):
            if time.time() - os.stat(leftover).st_mtime > _STALE_S:
                os.unlink(leftover)


def _sync_folder(folder):
    """Make the renaming itself survive a power failure, where the system can do so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sentence(error, path, folder):
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        reason = "the disk is full; free some space or write elsewhere"
    elif error.errno == errno.EFBIG:
        reason = "it would exceed the largest file size allowed here; raise the limit or write elsewhere"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        reason = f"no permission to write in {folder}"
    elif error.errno in (errno.ENOENT, errno.ENOTDIR):
        reason = f"there is no folder {folder}; make it first"
    elif error.errno == errno.ENAMETOOLONG:
        reason = "the name is too long; choose a shorter one"
    else:
        reason = error.strerror or str(error)
    kept = "; the file that was there is unchanged" if os.path.isfile(path) else ""
    return f"cannot write {path}: {reason}{kept}"
