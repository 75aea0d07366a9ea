"""Statistics over chips of differences that are paired: both sides are the same chip with the same random numbers."""

import numpy as np
from scipy.stats import rankdata

from refpcm.evaluation.nested import FEWEST, summarise


def paired(differences):
    """Return {"mean", "low", "high", "chips"} of one difference a chip: its mean, with the 95 % interval of Student's t.

    low and high are None for fewer than three chips.
    """
    values = np.asarray(differences, np.float64)
    found, enough = summarise(values[:, None]), len(values) >= FEWEST
    return {"mean": found.mean, "low": found.low if enough else None, "high": found.high if enough else None,
            "chips": values.tolist()}


def rank_correlation(one, other):
    """Return Spearman's rank correlation of two equally long lists, ties having their mean rank.

    None where one of them is constant or has fewer than three values.
    """
    ranks = [rankdata(values) for values in (one, other)]
    if len(one) < 3 or any(np.ptp(each) == 0 for each in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])
