"""What is said of one output of an implementation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """used: largest error over what was allowed; at most 1 passes. error, index, actual, expected: where that was.

    sum_name: what it is instead of an element, such as a sum or the mean of a bin. first: index of the first element
    beyond what was allowed, if any.
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

    @property
    def place(self):
        """Where the largest error is, in words."""
        return self.sum_name or f"element {list(self.index)}"


def refused(reason):
    """The Verdict on an answer that cannot be compared at all."""
    return Verdict(False, float("inf"), float("inf"), reason=reason)
