"""Learning-rate schedules: pure functions of the step, so that a resumed run needs no state.

All give a factor of the base learning rate for step 0 .. total - 1.
"""

from math import cos, pi

from refpcm.errors import RefpcmError


def constant(step, total):
    """Return 1 at every step. E-80."""
    return 1.0


def multi_step(step, total, milestones=(0.3, 0.6, 0.8), factor=0.2):
    """Return factor^k after the k-th milestone, given as fractions of the run. E-81.

    The default is Zagoruyko and Komodakis 2016: x 0.2 at epochs 60, 120, 160 of 200.
    """
    return factor ** sum(step >= milestone * total for milestone in milestones)


def every_quarter(step, total, divisions=4, factor=0.1):
    """Return factor^k in the k-th of `divisions` equal parts of the run, k = 0, 1, ... E-82.

    The default is Joshi et al. 2020, Methods C: divided by 10 every 50 of 200 epochs.
    """
    return factor ** (divisions * step // total)


def cosine(step, total):
    """Return (1 + cos(pi step / total)) / 2 (Loshchilov and Hutter 2017, equation 5, one period). E-83."""
    return (1 + cos(pi * step / total)) / 2


def one_cycle(step, total, peak=0.3, start=1 / 25, end=1e-4):
    """Return a factor that rises from `start` to 1 at fraction `peak` of the run, then falls to `end`, each half a cosine. E-84.

    Smith and Topin 2018.
    """
    def blend(a, b, fraction):
        return b + (a - b) * (1 + cos(pi * fraction)) / 2
    turn = peak * total
    return blend(start, 1.0, step / turn) if step < turn else blend(1.0, end, (step - turn) / (total - turn))


SCHEDULES = {"constant": constant, "multi-step": multi_step, "step": every_quarter, "cosine": cosine, "one-cycle": one_cycle}


def learning_rate(schedule, base, step, total, warmup=0):
    """Return the learning rate of `step`: the named schedule times a linear ramp over the first `warmup` steps. E-85.

    Raises RefpcmError for an unknown name.
    """
    if schedule not in SCHEDULES:
        raise RefpcmError(f"unknown schedule {schedule!r}; known are: {', '.join(SCHEDULES)}")
    ramp = min(1.0, (step + 1) / warmup) if warmup else 1.0
    return base * ramp * SCHEDULES[schedule](step, total)
