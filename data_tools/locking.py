"""Locks of files and folders, by which programs that ask for them keep out of each other's way."""

import os


def lock(path):
    """A descriptor that keeps the existing file or folder `path` locked while it is open, however its process ends.

    None where there are no such locks (Windows); without effect on file systems that have none (some network disks).
    Raises BlockingIOError if another program has it, and OSError if it cannot be opened.
    """
    try:
        import fcntl
    except ImportError:
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:  # a file system without locks
        pass
    return descriptor
