"""What is said of one output of an implementation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """used: largest error over what was allowed; at most 1 passes. error, index, actual, expected: where that was."""
    ok: bool
    used: float
    error: float = 0.0
    index: tuple = ()
    actual: float = 0.0
    expected: float = 0.0
    reason: str = ""


def refused(reason):
    """The Verdict on an answer that cannot be compared at all."""
    return Verdict(False, float("inf"), float("inf"), reason=reason)
