"""Where units are evaluated side by side: in processes of this machine, or on a cluster."""

import contextlib

from refpcm import cli
from refpcm.errors import RefpcmError

MOST_WORKERS = 61  # by default: as many as Windows allows


def add_workers(arguments):
    """The options --workers and --scheduler of commands that evaluate units."""
    arguments.add_argument("--workers", type=int, metavar="N",
                           help="processes that evaluate, each with one thread; 1: this process, with --threads (default: "
                           f"1 up to {cli.MOST_THREADS} cores, beyond that one for each core where there are units for all)")
    arguments.add_argument("--scheduler", metavar="ADDRESS",
                           help="evaluate on the Dask cluster of this scheduler, such as tcp://host:8786 (needs "
                           "refpcm[distributed])")


def check_workers(workers, scheduler):
    """Raises RefpcmError for an impossible number of processes, and for processes beside a cluster. None: to be chosen."""
    if workers is None:
        return
    if workers < 1:
        raise RefpcmError(f"--workers {workers} must be at least 1")
    if scheduler is not None and workers != 1:
        raise RefpcmError("--workers are processes of this machine and --scheduler is a cluster: choose one of them")


def chosen_workers(options, units=None):
    """Return --workers, or where it is left out a number for so many units; units None: many.

    It is 1 up to MOST_THREADS cores, beyond which threads of one process gain nothing (docs/kernels.md), and with --threads
    or --scheduler. On more cores it is one for each, if there are units for all.
    """
    if options.workers is not None:
        return options.workers
    cores = min(cli.cores(), MOST_WORKERS)
    many = cores > cli.MOST_THREADS and (units is None or units >= cores)
    return cores if many and options.threads is None and options.scheduler is None else 1


def executor(workers, scheduler=None):
    """Return a context with an executor. An exception must leave the context: only then are units that wait given up.

    For 1 worker it is None: this process alone, with all threads. More are that many processes, each with one thread.
    scheduler: address of a Dask scheduler. Raises RefpcmError as `check_workers` and `refpcm.evaluation.cluster.cluster`, and
    for more processes than the system allows.
    """
    check_workers(workers, scheduler)
    if scheduler is not None:
        from refpcm.evaluation.cluster import cluster
        return cluster(scheduler)
    if workers == 1:
        return contextlib.nullcontext()
    from refpcm.evaluation.processes import Processes
    try:
        return Processes(workers)
    except ValueError as error:  # Windows has at most 61
        raise RefpcmError(f"--workers {workers}: {error}; choose fewer") from None
