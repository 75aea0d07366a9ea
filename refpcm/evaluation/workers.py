"""Processes that evaluate units side by side, and the inputs that such a process keeps from unit to unit."""

import contextlib
import os
import threading

from refpcm import cli

_latest, _loading = None, threading.Lock()


def executor(workers):
    """A context with a pool of so many processes, each with one thread, or for 1 with None: this process alone."""
    if workers == 1:
        return contextlib.nullcontext()
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_begin)


def work_elsewhere(work, task):
    """Return work(inputs, task) in a process that is handed nothing but the unit: it loads what the protocol names.

    They are kept for the next unit, and read again only where the protocol or a file has changed.
    """
    return work(_inputs_of(task.protocol), task)


def _inputs_of(protocol):
    from refpcm.evaluation.inputs import load_inputs
    global _latest
    wanted = protocol.network, protocol.data, protocol.kernels, _stamp(protocol.network), _stamp(protocol.data)
    with _loading:  # threads that begin together load once
        if _latest is None or _latest[0] != wanted:
            _latest = None
            _latest = wanted, load_inputs(protocol)
        return _latest[1]


def _stamp(path):
    """What changes when a file, or one in a folder, is written anew: names, times, sizes."""
    try:
        paths = sorted(entry.path for entry in os.scandir(path)) if path and os.path.isdir(path) else [path]
        return tuple((each, found.st_mtime_ns, found.st_size) for each in paths for found in [os.stat(each)])
    except (OSError, TypeError, ValueError):  # built in, or not there: reading it has more to say
        return None


def _begin():
    cli.set_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    """A killed parent says nothing to its workers; they would wait for work for ever."""
    import multiprocessing
    multiprocessing.parent_process().join()
    os._exit(1)
