"""What one more chip, read once, will show: the answer to whoever has one chip and not the mean over many."""

import numpy as np
from scipy.special import stdtrit

from refpcm.evaluation.nested import CONFIDENCE, FEWEST, summarise


def interval_of_one_chip(accuracies):
    """Return (low, high), within which one read of a chip not among these lies with 95 %; None for fewer than 3 chips.

    accuracies: (I chips, J reads), shares. mean +- t(I - 1) sqrt(std^2 + MS_chip / (I J)), truncated to 0 .. 1: exact for
    normal accuracies and J = 1 (Hahn and Meeker, Statistical Intervals, 1991, chapter 4). With J > 1 it is too wide, since
    std then has more degrees of freedom than I - 1: a little where chips differ, about twice for three chips of which only
    the reads do.
    """
    found = summarise(accuracies)
    if found.chips < FEWEST:
        return None
    spread = float(stdtrit(found.chips - 1, (1 + CONFIDENCE) / 2)) * found.std
    half = float(np.hypot(spread, (found.high - found.low) / 2))
    return max(found.mean - half, 0.0), min(found.mean + half, 1.0)
