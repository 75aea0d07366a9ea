"""Statistics of a nested design: I chips, J reads of each.

a_ij = mean + chip_i + read_ij, both effects with mean 0 and variances sigma_chip^2, sigma_read^2. Their unbiased
estimates from the mean squares (Searle, Casella, McCulloch, "Variance Components", 1992, section 3.6, balanced data):
MS_chip = J / (I - 1) sum_i (a_i. - a..)^2, MS_read = 1 / (I (J - 1)) sum_ij (a_ij - a_i.)^2,
sigma_read^2 = MS_read, sigma_chip^2 = (MS_chip - MS_read) / J.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtrit

CONFIDENCE = 0.95
FEWEST = 3  # chips below which accuracies get no interval


@dataclass(frozen=True)
class Summary:
    """None where the number of chips or reads does not allow an estimate.

    std: of one read of one chip, sqrt(sigma_chip^2 + sigma_read^2); low, high: 95 % interval of the mean over all
    chips; sigma_chip is 0 where the estimate of its square is negative; with one read a chip it holds both effects.
    """
    mean: float
    std: float | None
    sigma_chip: float | None
    sigma_read: float | None
    low: float | None
    high: float | None
    chips: int
    reads: int


def summarise(values):
    """Summary of values (I chips, J reads)."""
    values = np.asarray(values, np.float64)
    chips, reads = values.shape
    by_chip = values.mean(1)
    mean = float(by_chip.mean())
    ms_read = float(np.sum((values - by_chip[:, None]) ** 2) / (chips * (reads - 1))) if reads > 1 else None
    sigma_read = ms_read ** 0.5 if reads > 1 else None
    if chips == 1:
        return Summary(mean, None, None, sigma_read, None, None, chips, reads)
    ms_chip = float(reads * np.sum((by_chip - mean) ** 2) / (chips - 1))
    variance_chip = max((ms_chip - (ms_read or 0.0)) / reads, 0.0)
    half = float(stdtrit(chips - 1, (1 + CONFIDENCE) / 2)) * (ms_chip / (chips * reads)) ** 0.5
    return Summary(mean, (variance_chip + (ms_read or 0.0)) ** 0.5, variance_chip ** 0.5, sigma_read, mean - half,
                   mean + half, chips, reads)


def summarise_shares(values):
    """Return the Summary of accuracies (I chips, J reads), shares from 0 to 1.

    low and high: Student's interval truncated to 0 .. 1. It covers the mean as often as the whole interval does, since
    the mean of shares lies within 0 .. 1. There is none for fewer than three chips: with two, a quantile of 12.7 standard
    errors says nothing.
    """
    found = summarise(values)
    if found.chips < FEWEST:
        return replace(found, low=None, high=None)
    return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))


def normalised_accuracy(accuracy, digital, classes):
    """A* = 1 - (err - err_digital) / (err_chance - err_digital) (Rasch et al. 2023): 1 as in software, 0 guessing.

    None for a network that guesses, or does worse, in software.
    """
    chance = 1.0 / classes
    return None if digital <= chance else (accuracy - chance) / (digital - chance)
