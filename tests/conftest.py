"""Signals as in a shell in front: programs that tests start and interrupt would otherwise inherit "ignored" from nohup or &.

On Windows the tests that speak of what only POSIX has (pipes with names, devices, signals, permissions) are skipped.
"""

import inspect
import os
import re
import signal

import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

POSIX = re.compile(r"mkfifo|/dev/|symlink_to|preexec_fn|os\.kill|SIG[A-Z]+|chmod|importorskip\(.fcntl|import resource|/proc/|shell\(")


def pytest_collection_modifyitems(items):
    """Skip, on Windows, the tests whose own text names something that only POSIX has."""
    for item in items if os.name == "nt" else ():
        if POSIX.search(inspect.getsource(item.function)):
            item.add_marker(pytest.mark.skip(reason="speaks of what only POSIX has"))
