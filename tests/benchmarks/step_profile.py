"""Where the time of a training step goes: seconds for each kernel, the rest being Python and NumPy.

So that each can be timed, the kernels of a chain are handed to the threads one by one: that takes some of their time here, and
not in a step.
"""

from collections import Counter
from contextlib import ExitStack
from unittest.mock import patch

from refpcm.fast import threads
from refpcm.fast.kernels import convolution
from refpcm.fast.network import backward, engine, forward, prepare

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

    def run_together(calls, real=prepare.run_together):
        start = clock()
        real(calls)
        seconds["pack weights"] += clock() - start

    def run(chain):
        calls, chain._calls = chain._calls, []
        for kernel, tasks, arguments in calls:
            timed(kernel, tasks, *arguments)

    with ExitStack() as patches:
        for module in MODULES:
            patches.enter_context(patch.object(module, "run_tasks", timed, create=True))
        patches.enter_context(patch.object(prepare, "run_together", run_together))
        patches.enter_context(patch.object(threads.Chain, "run", run))
        start = clock()
        step()
        seconds["everything else"] = clock() - start - sum(seconds.values())
    return dict(seconds.most_common())
