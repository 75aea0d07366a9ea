"""Opening a file somebody names: one clear sentence instead of whatever the operating system says."""

import hashlib
import os
import stat
from contextlib import contextmanager

from refpcm.errors import RefpcmError


@contextmanager
def open_input(path):
    """Binary stream of the regular, non-empty file `path`, with its size in bytes: (stream, size).

    Raises RefpcmError for a missing, empty or unreadable file, a folder, a pipe or a device (which is not opened,
    since that could block for ever), and for a read error within the with-block.
    """
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise RefpcmError(f"cannot read {path}: it is a folder; give the name of a file")
        if not stat.S_ISREG(status.st_mode):
            raise RefpcmError(f"cannot read {path}: it is not a regular file")
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size == 0:
                raise RefpcmError(f"cannot read {path}: the file is empty")
            yield stream, size
    except FileNotFoundError as error:
        raise RefpcmError(f"cannot read {path}: there is no such file") from error
    except PermissionError as error:
        raise RefpcmError(f"cannot read {path}: no permission; check who may read it") from error
    except OSError as error:
        raise RefpcmError(f"cannot read {path}: {error.strerror or error}") from error


def sha256_of(path):
    """SHA-256 of a file's bytes, in hex. Raises RefpcmError as `open_input` does."""
    with open_input(path) as (stream, _):
        digest = hashlib.sha256()
        while piece := stream.read(1 << 20):
            digest.update(piece)
        return digest.hexdigest()
