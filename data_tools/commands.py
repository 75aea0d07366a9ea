"""What every command of data_tools shares: names of files, and one sentence and exit status 2 when something is wrong."""

import argparse
import errno
import os
import signal
import sys
from pathlib import Path

from data_tools.errors import DataError
from data_tools.foreign_text import shown_lines


def run(program, work, arguments):
    """Call `work(arguments)`; returns the exit status: 0, 2 after a mistake or a failed file, 130 after Ctrl-C.

    SIGTERM unwinds the stack like Ctrl-C, so that unfinished files are removed, and ends with status 143.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        work(arguments)
        return 0
    except DataError as mistake:
        message = str(mistake)
    except MemoryError:
        message = "not enough memory for a set of this size"
    except OSError as failure:
        message = f"{failure.filename or 'reading or writing'}: {failure.strerror or failure}"
        if failure.errno == errno.ENOSPC:
            message = "the disk is full; make room and run the command again"
    except KeyboardInterrupt:
        note(f"{program}: stopped")
        return 130
    except _Terminated:
        note(f"{program}: terminated")
        return 128 + signal.SIGTERM
    note(f"{program}: {message}")
    return 2


class _Terminated(BaseException):
    """SIGTERM, on its way up through whatever has to be removed."""


def _terminate(*_):
    raise _Terminated


def name(text):
    """A file's or folder's name, not empty: '' is what an unset variable of a shell gives. For argparse's type=."""
    if not text:
        raise argparse.ArgumentTypeError("a name is wanted, not an empty text")
    return text


def path(text):
    """A `name` as a Path. For argparse's type=."""
    return Path(name(text))


def note(text, before="", end="\n"):
    """Write a line to stderr, `before` it as it is. A log that cannot be written does not end the work."""
    try:
        print(before + shown_lines(text), end=end, file=sys.stderr, flush=True)
    except OSError:  # what is not written yet would fail again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
