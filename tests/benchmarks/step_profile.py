"""Where the time of a training step goes: seconds for each kernel, the rest being Python and NumPy."""

from collections import Counter

from refpcm.fast import threads
from refpcm.fast.kernels import convolution
from refpcm.fast.network import backward, engine, forward

MODULES = (backward, convolution, engine, forward)  # that run kernels in a training step
MODES = {0: "forward", 1: "no batch norm", 2: "input gradient"}


def profile(step, clock):
    """Return {kernel: seconds} of one call of `step`, and "everything else"."""
    seconds, real = Counter(), threads.run_tasks

    def timed(kernel, tasks, *arguments, **named):
        start = clock()
        real(kernel, tasks, *arguments, **named)
        name = kernel.py_func.__name__
        if name.startswith("convolve_"):
            name += f" ({MODES[arguments[7][0]]})"
        seconds[name] += clock() - start
    try:
        for module in MODULES:
            module.run_tasks = timed
        start = clock()
        step()
        seconds["everything else"] = clock() - start - sum(seconds.values())
    finally:
        for module in MODULES:
            module.run_tasks = real
    return dict(seconds.most_common())
