"""What a wrong answer looks like: simple relations between the numbers returned and those expected.

A relation is told only where it holds for all numbers, and where the expected ones differ from one another enough that it
says something.
"""

import numpy as np

CLOSE = 1e-6  # relative: what counts as the same number when places, sign or scale are wrong
FLOAT32 = (2.0 ** -30, 2.0 ** -19)  # errors over the largest magnitude that come from computing in float32
FEWEST = 3  # different numbers without which no relation is told


def likeness(actual, expected):
    """Return in words what the numbers returned look like beside those expected, of one shape; "" if nothing simple."""
    actual, expected = (np.asarray(values, np.float64) for values in (actual, expected))
    if len(np.unique(expected)) < FEWEST or not np.isfinite(actual).all():
        return ""

    def same(values):
        return values.shape == expected.shape and np.allclose(values, expected, rtol=CLOSE, atol=CLOSE * np.abs(expected).max())
    flat, wanted = actual.reshape(-1), expected.reshape(-1)
    for found, words in ((same(-actual), "the expected numbers with the other sign"),
                         (expected.ndim > 1 and same(actual[::-1]), "the expected numbers with the first axis reversed"),
                         (same(actual.reshape(actual.shape[::-1]).T), "the expected numbers written column by column"),
                         (_near(flat[:-1], wanted[1:]), "the expected numbers one place too early"),
                         (_near(flat[1:], wanted[:-1]), "the expected numbers one place too late"),
                         (_near(np.sort(flat), np.sort(wanted)), "the expected numbers in another order")):
        if found and not same(actual):
            return words
    return _scaled(flat, wanted) or _rounded(flat, wanted)


def _near(one, other):
    return one.size >= FEWEST and bool(np.allclose(one, other, rtol=CLOSE, atol=CLOSE * np.abs(other).max()))


def _scaled(actual, expected):
    """The one factor, or the one difference, between all numbers, in words."""
    used = expected != 0
    ratio = actual[used] / expected[used]
    if np.ptp(ratio) <= CLOSE * abs(ratio[0]) and abs(ratio[0] - 1) > CLOSE and not actual[~used].any() and ratio[0]:
        return f"the expected numbers times {ratio[0]:.7g}"
    difference = actual - expected
    if np.ptp(difference) <= CLOSE * np.abs(expected).max() < abs(difference[0]):
        return f"the expected numbers plus {difference[0]:.7g}"
    return ""


def _rounded(actual, expected):
    error = np.abs(actual - expected).max() / np.abs(expected).max()
    if FLOAT32[0] < error < FLOAT32[1]:
        return "rounding to float32 somewhere; a simulator in float32 is asked with --precision float32"
    return ""
