"""What is said of one output of an implementation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """used: largest share of what is allowed; at most 1 passes. error, index, actual, expected: where that is.

    sum_name: what it is instead of an element, such as a sum or the mean of a bin. allowed: how far off it may be, None where
    nothing but a statistic is judged; beyond: how many numbers are further off than they may be; first, first_actual,
    first_expected: index and values of the first of them. looks: what the answer looks like (refpcm/golden/likeness.py).
    """
    ok: bool
    used: float
    error: float = 0.0
    index: tuple = ()
    actual: float = 0.0
    expected: float = 0.0
    reason: str = ""
    sum_name: str = ""
    first: tuple = ()
    allowed: float | None = None
    beyond: int = 0
    first_actual: float = 0.0
    first_expected: float = 0.0
    looks: str = ""

    @property
    def place(self):
        """Where that is, in words."""
        return self.sum_name or (f"element {list(self.index)}" if self.index else "its only number")


def refused(reason):
    """The Verdict on an answer that cannot be compared at all."""
    return Verdict(False, float("inf"), float("inf"), reason=reason)
