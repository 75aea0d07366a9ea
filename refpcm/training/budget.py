"""How many epochs fit in a time budget."""

import dataclasses
import math
import time

from refpcm.errors import RefpcmError
from refpcm.spec import random
from refpcm.spec.training.config import checked
from refpcm.training import loop

REHEARSAL_SECONDS = 8.0  # measured before the run
RESERVE = 0.97           # share of the budget that is planned with
FORWARD = 0.3            # time of an image that is only looked at, in those of a training image


def plan(state, training, validation, budget, began):
    """Configuration with as many epochs as fit in what is left of `budget` seconds, from a timed rehearsal.

    They are no more than those of the state's configuration (inf: no limit), nor than what is left of its schedule.

    state: before its first step; training: its Dataset; validation: number of images looked at after every epoch;
    began: time.monotonic() when the budget began to run.
    The rehearsal trains a copy; nothing of it is kept but the rate. The number of epochs is then fixed, so
    that the run can be repeated without a clock. Raises RefpcmError if there is no time for a single step, for the
    average_epochs or warmup_epochs asked for, or for more steps than there are random numbers.
    """
    endless = dataclasses.replace(state.config, epochs=1e6, schedule="constant", learning_rate=1e-6, schedule_epochs=0.0,
                                  schedule_start=0.0)
    copy = dataclasses.replace(state, config=endless, parameters={n: p.copy() for n, p in state.parameters.items()},
                               velocity={n: v.copy() for n, v in state.velocity.items()})
    ticks = []

    def timed(copy, total):
        ticks.append(time.perf_counter())
        return len(ticks) > 3 and ticks[-1] - ticks[0] > min(REHEARSAL_SECONDS, 0.1 * budget)
    loop.train(copy, training, timed, lambda copy, record: None)
    step_seconds = (ticks[-1] - ticks[0]) / (len(ticks) - 1)  # the first step, which may compile, is left out
    left = budget * RESERVE - (time.monotonic() - began)
    if left / step_seconds > 2 ** random.LIMITS["draw"]:  # what the random numbers' addresses can tell apart
        raise RefpcmError(f"--time-budget: {budget:.3g} s are more than 2^32 steps; give less time")
    steps = int(left / step_seconds)
    count, averaged = len(training.train_images), state.config.average_epochs
    # Statistics of averaged weights are taken at the end, and before each validation (refpcm.training.outcome).
    passes = (1 + averaged * bool(validation)) * (averaged > 0 and state.config.batch_norm == "batch")
    fitting = (steps / loop.steps_per_epoch(state.config, count) - FORWARD * passes) / (1 + FORWARD * validation / count)
    if steps < 1 or fitting <= 0:
        raise RefpcmError(f"--time-budget: a step takes {step_seconds:.2g} s and {max(left, 0):.0f} s are left; "
                          "give more time")
    rounded = math.floor(10 * fitting) / 10 if fitting < 10 else float(math.floor(fitting))
    of_schedule = state.config.schedule_epochs - state.config.schedule_start if state.config.schedule_epochs else math.inf
    return checked(dataclasses.replace(state.config, epochs=min(rounded or fitting, state.config.epochs, of_schedule)),
                   "--time-budget")
