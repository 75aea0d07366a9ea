"""Processes of this machine that evaluate units, with one thread each: they end with the command that started them.

Ctrl-C in a terminal reaches every process of a command, and so may SIGTERM. Only the command itself answers; Windows
cannot keep Ctrl-C from a process that is only beginning.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess

from refpcm import cli

SIGNALS = {signal.SIGINT, signal.SIGTERM}


class Processes(ProcessPoolExecutor):
    """An executor of that many processes. An exception that leaves its context ends them at once: a unit may take minutes.

    Raises ValueError for more than the system allows.
    """

    def __init__(self, number):
        self._context = _Context()
        super().__init__(number, self._context, initializer=_begin)

    def __exit__(self, kind, error, traceback):
        if kind is not None:
            for process in self._context.made:
                if process.pid is not None:  # started
                    process.kill()
        return super().__exit__(kind, error, traceback)


class _Context(SpawnContext):
    """Makes processes that start anew, and remembers them."""

    def __init__(self):
        super().__init__()
        self.made = []

    def Process(self, *arguments, **options):
        self.made.append(_Process(*arguments, **options))
        return self.made[-1]


class _Process(SpawnProcess):
    """A process that no signal reaches until `_begin`."""

    def start(self):
        with _blocked():
            super().start()

    def terminate(self):
        """End it by what it does not ignore."""
        self.kill()


@contextmanager
def _blocked():
    """Context in which this thread takes no signals, for processes that are started in it: they go on so.

    It does nothing on systems that cannot.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin():
    """Make a new process ready: its parent answers signals, one thread computes."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    cli.set_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    """A killed parent says nothing to its workers; they would wait for work for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)
