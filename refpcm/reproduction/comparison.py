"""Our numbers next to the paper's."""

from dataclasses import asdict

import numpy as np

from refpcm.reproduction.spread import spread_of_differences


def comparison_row(paper, ours=None, **values):
    """Return one line of the comparison: a PaperNumber, our value as text (None: not measured here), and its numbers."""
    return {**asdict(paper), "ours": ours, "values": values}


def percent(accuracy):
    """Return a share as text, in per cent."""
    return f"{100 * accuracy:.2f} %"


def points(difference):
    """Return a difference of accuracies with its sign, as the paper writes it."""
    return f"{100 * difference:+.2f} %"


def row_of(rows, **where):
    """Return the one row with these entries, None if there is none."""
    found = [row for row in rows if all(row[key] == value for key, value in where.items())]
    return found[0] if found else None


def mean_of(rows, **where):
    """Return the mean accuracy in the one row with these entries, None if there is none."""
    found = row_of(rows, **where)
    return found["mean"] if found else None


def paired(one, other):
    """Return how much higher `one` of two rows is: (text, {difference, low, high}), with the interval of
    `spread_of_differences`.

    Differences are taken training by training and chip by chip before they are averaged, since networks of one seed
    meet the same chips. A digital row has one accuracy for all chips of a training. Of unequal numbers of trainings, as
    given networks may be, the means are compared, without an interval.
    """
    one, other = (np.array(row["accuracies"]) for row in (one, other))
    if len(one) != len(other):
        difference = one.mean() - other.mean()
        return f"{points(difference)} (not paired)", {"difference": difference, "low": None, "high": None}
    found = spread_of_differences(one - other)
    text = points(found["mean"])
    if found["low"] is not None:
        text += f" ({100 * found['low']:+.2f} .. {100 * found['high']:+.2f})"
    return text, {"difference": found["mean"], "low": found["low"], "high": found["high"]}
