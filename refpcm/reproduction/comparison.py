"""Our numbers next to the paper's."""

from dataclasses import asdict


def beside(paper, ours=None, **values):
    """One line of the comparison: a PaperNumber, our value as text (None: not measured here), and its numbers."""
    return {**asdict(paper), "ours": ours, "values": values}


def percent(accuracy):
    return f"{100 * accuracy:.2f} %"


def points(difference):
    """A difference of accuracies with its sign, as the paper writes it."""
    return f"{100 * difference:+.2f} %"


def mean_of(rows, **where):
    """Mean accuracy in the one row with these entries, None if there is none."""
    found = [row["mean"] for row in rows if all(row[key] == value for key, value in where.items())]
    return found[0] if found else None
