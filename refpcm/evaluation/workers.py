"""Processes that evaluate units side by side."""

import contextlib

from refpcm import cli


def executor(workers):
    """A context with a pool of so many processes, each with one thread, or for 1 with None: this process alone."""
    if workers == 1:
        return contextlib.nullcontext()
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin)


def _begin():
    import threading
    cli.set_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    """A killed parent says nothing to its workers; they would wait for work for ever."""
    import multiprocessing
    import os
    multiprocessing.parent_process().join()
    os._exit(1)
