import multiprocessing
import os
import signal
import threading
import time

import numba
import numpy as np
import pytest

from refpcm.fast import threads as parallel
from refpcm.signals import Terminated


def mark(start, stop, counts):
    counts[start:stop] += 1


@pytest.fixture
def threads():
    before = numba.get_num_threads()
    yield min(2, numba.config.NUMBA_NUM_THREADS)
    numba.set_num_threads(before)


@pytest.mark.parametrize("tasks", [1, 2, 3, 17])
def test_every_task_runs_once(tasks, threads):
    for count in range(1, threads + 1):
        numba.set_num_threads(count)
        counts = np.zeros(tasks, int)
        parallel.run_tasks(mark, tasks, counts)
        assert np.all(counts == 1)


@pytest.mark.parametrize("each, parts", [(1, 2), (2, 2), (3, 1), (100, 1), (0, 2)])
def test_another_thread_gets_work_only_if_it_is_worth_it(each, parts, threads):
    if threads < 2:
        pytest.skip("this machine has one core")
    numba.set_num_threads(2)
    ranges = []
    parallel.run_tasks(lambda start, stop: ranges.append((start, stop)), 5, each=each)
    assert len(ranges) == parts and sorted(sum((list(range(*some)) for some in ranges), [])) == list(range(5))


def test_an_error_in_any_part_reaches_the_caller(threads):
    numba.set_num_threads(threads)

    def fail_at_the_end(start, stop):
        if stop == 4:
            raise ValueError("part")
    with pytest.raises(ValueError, match="part"):
        parallel.run_tasks(fail_at_the_end, 4)


class InterruptedQueue:
    """A queue in the place of `queue`, whose putter is interrupted once another thread has begun with what was put."""

    def __init__(self, queue, begun):
        self.get, self.queue, self.begun = queue.get, queue, begun

    def put(self, work):
        self.queue.put(work)
        self.begun.wait(5)
        raise Terminated


@pytest.mark.parametrize("where", ["in its own part", "while it waits", "while it hands over"])
def test_an_interrupted_caller_waits_for_the_others(where, threads, monkeypatch):
    """They write into its arrays, which it may use again at once."""
    if threads < 2:
        pytest.skip("this machine has one core")
    numba.set_num_threads(2)
    written, begun = [], threading.Event()

    def terminate(number, frame):
        raise Terminated

    def slow_on_the_other_thread(start, stop):
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            time.sleep(0.4)
            written.append(start)
        elif begun.wait(5) and where == "in its own part":
            raise Terminated
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        if where == "while it hands over":
            parallel._ensure_workers(1)
            monkeypatch.setattr(parallel, "_work", InterruptedQueue(parallel._work, begun))
        if where == "while it waits":
            threading.Timer(0.2, signal.raise_signal, [signal.SIGTERM]).start()
        with pytest.raises(Terminated):
            parallel.run_tasks(slow_on_the_other_thread, 2)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(written) == 1


def test_a_slower_thread_takes_fewer_pieces(threads):
    if threads < 2:
        pytest.skip("this machine has one core")
    numba.set_num_threads(2)
    taken, begun = {True: 0, False: 0}, threading.Event()

    def slow_on_the_main_thread(start, stop):
        own = threading.current_thread() is threading.main_thread()
        taken[own] += 1
        if own and begun.wait(5):
            time.sleep(0.3)
        begun.set()
    parallel.run_tasks(slow_on_the_main_thread, 8, pieces=4)
    assert taken[True] < taken[False] and sum(taken.values()) == 8


def test_calls_made_together_run_every_task_once(threads):
    for count in range(1, threads + 1):
        numba.set_num_threads(count)
        few, many = np.zeros(3, int), np.zeros(10, int)
        parallel.run_together([(mark, 3, (few,)), (mark, 10, (many,))])
        assert np.all(few == 1) and np.all(many == 1)


@pytest.mark.parametrize("groups, handed_over_together", [(4, True), (3, False)])
def test_a_chain_reads_what_its_earlier_kernels_wrote_for_the_same_groups(groups, handed_over_together, threads):
    """Three tasks a group, then one; of three groups two threads cannot have equally many."""
    fine, coarse, ranges = np.zeros((groups, 3)), np.zeros(groups), []

    def first(start, stop):
        ranges.append((start, stop))
        fine.reshape(-1)[start:stop] = np.arange(start, stop)

    def second(start, stop):
        coarse[start:stop] = fine[start:stop].sum(1)
    for count in range(1, threads + 1):
        numba.set_num_threads(count)
        fine[:], coarse[:], ranges[:] = np.nan, np.nan, []
        chain = parallel.Chain(groups)
        chain.add(first, 3 * groups)
        chain.add(second, groups)
        assert not ranges
        chain.run()
        assert np.array_equal(coarse, 9 * np.arange(groups) + 3)
        if count == 2:
            assert sorted(ranges) == ([(0, 3), (3, 6), (6, 9), (9, 12)] if handed_over_together else [(0, 4), (4, 9)])
        chain.run()  # nothing waits any more
        assert sum(stop - start for start, stop in ranges) == 3 * groups


def test_a_part_of_several_groups_waits_for_all_of_them(monkeypatch):
    """8 parts of 20 groups: on 3 threads a part would begin in the groups of one and end in those of the next.

    Those of the first are written late, so that who does not wait reads what is not there yet.
    """
    fine, coarse = np.zeros(20), np.zeros(8)

    def first(start, stop):
        if start == 0:
            time.sleep(0.05)
        fine[start:stop] = 1

    def second(start, stop):
        for part in range(start, stop):
            coarse[part] = fine[20 * part // 8:20 * (part + 1) // 8].min()
    for count in (1, 2, 3):
        monkeypatch.setattr(parallel, "get_num_threads", lambda: count)
        fine[:], coarse[:] = 0, 0
        chain = parallel.Chain(20)
        chain.add(first, 20)
        chain.add(second, 8)
        chain.run()
        assert np.all(coarse == 1), count


def test_a_chain_of_no_groups_does_nothing(threads):
    chain = parallel.Chain(0)
    chain.add(mark, 0, np.zeros(0))
    chain.add(mark, 0, np.zeros(0))
    chain.run()


def test_an_error_in_a_chain_reaches_the_caller(threads):
    numba.set_num_threads(threads)

    def fail_at_the_end(start, stop):
        if stop == 4:
            raise ValueError("link")
    chain = parallel.Chain(2)
    chain.add(mark, 2, np.zeros(2))
    chain.add(fail_at_the_end, 4)
    with pytest.raises(ValueError, match="link"):
        chain.run()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_makes_its_own_threads(threads):
    numba.set_num_threads(threads)
    parallel.run_tasks(mark, 4, np.zeros(4, int))
    child = multiprocessing.get_context("fork").Process(target=_run_in_child)
    child.start()
    child.join(30)
    assert child.exitcode == 0


def _run_in_child():
    counts = np.zeros(4, int)
    parallel.run_tasks(mark, 4, counts)
    assert np.all(counts == 1)
