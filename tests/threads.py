"""The same computation on several numbers of threads, whose bits must not differ."""

import numba
import pytest


def on_threads(counts, compute):
    """Return [compute() on so many threads, for each of counts]; the number of before is restored. Skips on a single core."""
    if numba.config.NUMBA_NUM_THREADS < max(counts):
        pytest.skip(f"NUMBA_NUM_THREADS is {numba.config.NUMBA_NUM_THREADS}")
    before, results = numba.get_num_threads(), []
    try:
        for count in counts:
            numba.set_num_threads(count)
            results.append(compute())
    finally:
        numba.set_num_threads(before)
    return results
