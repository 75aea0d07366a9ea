"""Runs a kernel's tasks on threads.

A kernel takes a range of tasks as its first two arguments and releases the interpreter lock. Which task computes what
never depends on the number of threads, and no two tasks write the same number: results are bitwise the same for any
number of threads, and a chain is handed out in more pieces than there are threads: one on a slower or busier core takes
fewer. Plain threads instead of Numba's prange compile faster and are safe under fork and under callers that are threads
themselves.
"""

import math
import os
import threading
from contextlib import contextmanager
from functools import wraps
from queue import SimpleQueue

from numba import get_num_threads

from refpcm.errors import RefpcmError

PIECES = 4  # of a chain, for each thread

_work = SimpleQueue()
_workers = []
_lock = threading.Lock()
_local = threading.local()


def _worker(work):
    while True:
        take_pieces, begun, errors, ended = work.get()
        begun.append(None)
        try:
            take_pieces()
            errors.append(None)
        except BaseException as error:  # handed to the caller
            errors.append(error)
        ended.put(None)


def _wanted():
    """numba.get_num_threads(), which takes longer than some kernels; inside `same_threads` asked only once."""
    return getattr(_local, "threads", None) or get_num_threads()


@contextmanager
def same_threads():
    """The number of threads does not change inside this block."""
    _local.threads = get_num_threads()
    try:
        yield
    finally:
        _local.threads = None


def one_at_a_time(method):
    """The method of an object with a lock `_in_use`, refused to a second thread while it runs.

    Threads that share buffers would silently get each other's numbers. Raises RefpcmError.
    """
    @wraps(method)
    def guarded(self, *arguments, **named):
        if not self._in_use.acquire(blocking=False):
            raise RefpcmError(f"this {type(self).__name__} is in use by another thread; make one for each thread")
        try:
            return method(self, *arguments, **named)
        finally:
            self._in_use.release()
    return guarded


def _ensure_workers(count):
    if len(_workers) >= count:
        return
    with _lock:
        while len(_workers) < count:
            worker = threading.Thread(target=_worker, args=(_work,), daemon=True, name="refpcm-kernel")
            worker.start()
            _workers.append(worker)


def _forget_workers():
    """A forked child has none of its parent's threads."""
    global _work, _lock
    _work, _lock = SimpleQueue(), threading.Lock()
    _workers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_workers)


def run_tasks(kernel, tasks, *arguments, each=1, pieces=1):
    """kernel(start, stop, *arguments) over tasks 0 .. tasks - 1, on numba.get_num_threads() threads.

    each: number of tasks that takes longer than handing work to another thread; fewer stay on this one. pieces: for each
    thread, taken as they come.
    """
    threads = max(1, min(_wanted(), tasks // max(1, each)))
    if threads == 1:
        kernel(0, tasks, *arguments)
        return
    count = min(pieces * threads, tasks)
    left = iter(range(count))  # shared: under the interpreter's lock every number goes to one thread

    def take_pieces():
        for i in left:
            kernel(tasks * i // count, tasks * (i + 1) // count, *arguments)
    _ensure_workers(threads - 1)
    begun, errors, ended, own_error = [], [], SimpleQueue(), None
    try:
        for _ in range(1, threads):
            _work.put((take_pieces, begun, errors, ended))
        take_pieces()
    except BaseException as error:
        own_error = error
    while True:  # whatever happens: those that have begun still write into the caller's arrays
        try:
            for _ in left:  # after an error; a thread that has not begun finds nothing to do
                pass
            while len(errors) < len(begun):
                ended.get()
            break
        except BaseException as error:  # of a signal
            own_error = error
    for error in (own_error, *errors):
        if error is not None:
            raise error


def run_together(calls):
    """Run [(kernel, tasks, arguments)], none of which reads what another writes, handed to the threads together."""
    threads = _wanted()
    run_tasks(_run_shares, threads, threads, calls)


def _run_shares(start, stop, shares, calls):
    """Shares start .. stop - 1 of the tasks of every call, one call after the other."""
    for kernel, tasks, arguments in calls:
        kernel(tasks * start // shares, tasks * stop // shares, *arguments)


class Chain:
    """Kernels that run one after the other, handed to the threads together: handing over takes as long as some kernels.

    groups: of images. All tasks go by groups: those of one group, or of some groups, read what the chain's earlier
    kernels write for the same groups, and nothing that it writes for others. Threads are at different kernels at a time: two
    kernels of a chain that write the same memory for different groups make its contents meaningless.
    """

    def __init__(self, groups):
        self.groups, self._calls = groups, []

    def add(self, kernel, tasks, *arguments):
        """kernel(start, stop, *arguments) over tasks 0 .. tasks - 1, ordered by group, when the chain runs."""
        self._calls.append((kernel, tasks, arguments))

    def run(self):
        """Run what was added; kernel by kernel where the groups, or the tasks of a kernel, do not divide by the threads.

        Threads would have unequal work then, and a part of a weight gradient could need the groups of two.
        """
        calls, self._calls = self._calls, []
        shares = math.gcd(self.groups, *(tasks for _, tasks, _ in calls))  # each with whole groups, and whole tasks of them
        if len(calls) > 1 and shares and shares % _wanted() == 0:
            run_tasks(_run_shares, shares, shares, calls, pieces=PIECES)
            return
        for kernel, tasks, arguments in calls:
            run_tasks(kernel, tasks, *arguments)
