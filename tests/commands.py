"""Commands as a user runs them, `python -m MODULE ...`, without waiting a second each time for numba to be imported.

A server that has imported what the commands import forks for each of them (multiprocessing's forkserver): a process of
its own, with its own folder, streams and exit status. What needs more than that (signals, limits of resources, an
environment that counts at import) starts Python anew.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile

PRELOADED = ["numba", "scipy.special", "scipy.stats", "PIL.Image", "refpcm.training.run", "refpcm.evaluation.run",
             "refpcm.golden.commands", "refpcm.reproduction.figures", "matplotlib.figure", "matplotlib.backends.backend_svg",
             "matplotlib.backends.backend_agg"]  # what is not installed is left out
try:
    _server = multiprocessing.get_context("forkserver")
    _server.set_forkserver_preload(PRELOADED)
except ValueError:  # a system without fork
    _server = None


def command(module, *arguments, cwd=None, timeout=300, **options):
    """CompletedProcess, with text, of `python -m module arguments` in the folder cwd (default: the present one).

    With options of subprocess.run Python is started anew. Raises subprocess.TimeoutExpired, the command then being
    killed, if it takes longer than `timeout` seconds.
    """
    arguments = [str(argument) for argument in arguments]
    if _server is None or options:
        return subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, cwd=cwd,
                              timeout=timeout, **options)
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("stdout", "stderr")]
        process = start(module, arguments, cwd, names)
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([module, *arguments], timeout)
        output = []
        for name in names:
            with open(name, encoding="utf-8", errors="replace") as file:
                output.append(file.read())
    return subprocess.CompletedProcess([module, *arguments], process.exitcode, *output)


def start(module, arguments, cwd, names):
    """The started multiprocessing.Process of `python -m module arguments`; names: of the files for stdout and stderr.

    Raises RuntimeError on a system without fork.
    """
    if _server is None:
        raise RuntimeError("this system has no fork")
    arguments = [str(argument) for argument in arguments]
    process = _server.Process(target=_run, args=(module, arguments, str(cwd or os.getcwd()), dict(os.environ), names))
    process.start()
    return process


def _run(module, arguments, cwd, environment, names):
    """The command itself, in the forked process."""
    for number, name in enumerate(names, 1):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path.insert(0, cwd)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
