"""Statistics over chips of differences that are paired: both sides are the same chip with the same random numbers."""

import numpy as np
from scipy.special import stdtrit
from scipy.stats import rankdata

CONFIDENCE = 0.95
FEWEST = 3  # chips below which there is no interval


def paired(differences):
    """Return {"mean", "low", "high", "chips"} of one difference a chip: its mean, with the 95 % interval of Student's t.

    low and high are None for fewer than three chips.
    """
    values = np.asarray(differences, np.float64)
    mean, half = float(values.mean()), None
    if len(values) >= FEWEST:
        half = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2) * values.std(ddof=1) / np.sqrt(len(values)))
    return {"mean": mean, "low": None if half is None else mean - half, "high": None if half is None else mean + half,
            "chips": values.tolist()}


def rank_correlation(one, other):
    """Return Spearman's rank correlation of two equally long lists, ties having their mean rank.

    None where one of them is constant or has fewer than three values.
    """
    ranks = [rankdata(values) for values in (one, other)]
    if len(one) < 3 or any(np.ptp(each) == 0 for each in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])
