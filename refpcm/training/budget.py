"""How many epochs fit in a time budget."""

import dataclasses
import time

from refpcm.errors import RefpcmError
from refpcm.training import loop

REHEARSAL_SECONDS = 8.0  # measured before the run
RESERVE = 0.97           # share of the budget that is planned with


def plan(state, training, budget, began):
    """Configuration with as many epochs as fit in what is left of `budget` seconds, from a timed rehearsal.

    state: before its first step; training: its Dataset; began: time.monotonic() when the budget began to run.
    The rehearsal trains a copy; nothing of it is kept but the rate. The number of epochs is then fixed, so
    that the run can be repeated without a clock. Raises RefpcmError if there is no time for a single step.
    """
    endless = dataclasses.replace(state.config, epochs=1e6, schedule="constant", learning_rate=1e-6)
    copy = dataclasses.replace(state, config=endless, parameters={n: p.copy() for n, p in state.parameters.items()},
                               velocity={n: v.copy() for n, v in state.velocity.items()})
    ticks = []

    def timed(copy, total):
        ticks.append(time.monotonic())
        return len(ticks) > 3 and ticks[-1] - ticks[0] > min(REHEARSAL_SECONDS, 0.1 * budget)
    loop.train(copy, training, timed, lambda copy, record: None)
    step_seconds = (ticks[-1] - ticks[0]) / (len(ticks) - 1)  # the first step, which may compile, is left out
    left = budget * RESERVE - (time.monotonic() - began)
    steps = int(left / step_seconds)
    if steps < 1:
        raise RefpcmError(f"--time-budget: a step takes {step_seconds:.2g} s and {max(left, 0):.0f} s are left; "
                          "give more time")
    epochs = steps / loop.steps_per_epoch(state.config, len(training.train_images))
    epochs = round(epochs, 1) if epochs < 10 else float(int(epochs))
    return dataclasses.replace(state.config, epochs=max(epochs, 0.1))
