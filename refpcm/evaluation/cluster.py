"""Units on a Dask cluster that runs already: `--scheduler ADDRESS`. Needs the extra refpcm[distributed]."""

from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager

from refpcm.errors import RefpcmError

WAIT_S = 30  # for the scheduler to answer, and for its first worker
RETRIES = 3  # of a unit whose worker was lost


@contextmanager
def cluster(address):
    """Context of an executor that hands units to the Dask scheduler at `address`, such as tcp://host:8786.

    Units of a worker that is lost are run by another. Raises RefpcmError without Dask, for a scheduler that does not
    answer or has no workers, and where too many workers are lost.
    """
    try:
        from distributed import Client
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker
    except ImportError:
        raise RefpcmError("--scheduler needs the package distributed, which is not installed; install it with: "
                          "pip install 'refpcm[distributed]'") from None
    try:
        client = Client(address, timeout=WAIT_S, set_as_default=False)
    except (OSError, ValueError) as error:  # also a timeout, and an address that is none
        raise RefpcmError(f"--scheduler {address}: no Dask scheduler answers there ({first_line(error)}); "
                          "start one with: dask scheduler") from None
    try:
        wait_for_a_worker(client, address)
        yield OneThreadEach(client.get_executor(pure=False, retries=RETRIES))
    except (KilledWorker, CommClosedError, CancelledError) as error:
        raise RefpcmError(f"--scheduler {address}: scheduler or workers were lost ({first_line(error)}), perhaps for lack "
                          "of memory; what is done is kept, the same command goes on") from None
    finally:
        client.close(timeout=WAIT_S)


def wait_for_a_worker(client, address):
    """Raises RefpcmError if the scheduler has no worker for WAIT_S seconds."""
    try:
        client.wait_for_workers(1, timeout=WAIT_S)
    except TimeoutError:
        raise RefpcmError(f"--scheduler {address}: the scheduler has no workers; start some with: dask worker {address} "
                          "--nthreads 1") from None


def first_line(error):
    """Return the first line of an error's text, or the name of its class."""
    return (str(error).splitlines() or [""])[0] or type(error).__name__


class OneThreadEach(Executor):
    """An executor whose units use one CPU thread each: a cluster has as many workers as it is to use cores."""

    def __init__(self, inner):
        self.inner = inner

    def submit(self, work, /, *arguments):
        """Return the concurrent.futures.Future of work(*arguments)."""
        return self.inner.submit(with_one_thread, work, *arguments)


def with_one_thread(work, *arguments):
    """Return work(*arguments), computed with one thread: Numba's number of threads is that of the calling thread."""
    import numba
    numba.set_num_threads(1)
    return work(*arguments)
