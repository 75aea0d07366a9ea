"""A folder that one process at a time may write to: two runs in one folder would overwrite each other unseen."""

import os
from contextlib import contextmanager

from data_tools.locking import lock
from refpcm.errors import RefpcmError


@contextmanager
def locked(folder):
    """Context in which the existing `folder` belongs to this process; it is free again when the process ends, however.

    Only programs that ask for the lock heed it. Without effect where the system (Windows) or the file system (some
    network disks) has no such locks. Raises RefpcmError if another process has the folder, or if it cannot be opened.
    """
    try:
        descriptor = lock(folder)
    except BlockingIOError:
        raise RefpcmError(f"{folder} is in use by another command; wait until that ends, or choose another folder") from None
    except OSError as error:
        raise RefpcmError(f"cannot read {folder}: {error.strerror}") from error
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
