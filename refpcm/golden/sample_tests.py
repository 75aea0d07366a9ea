"""Tests of a whole sample at once: its distribution, its tails, and whether its numbers depend on one another.

A sample is (..., n): rows of n numbers each, all of which should be independent. Kinds:

  sample-<family>   mean, variance and shape of each row as in statistics.py, tails, distinct values, and `joint`
  joint             correlation of any two rows, and within a row of neighbours and of its halves

Each test is at level alpha = value. docs/golden-statistics.md derives what each can detect.
"""

from dataclasses import replace
from math import sqrt

import numpy as np
from scipy import stats

from refpcm.golden import statistics
from refpcm.golden.verdict import Verdict

TAIL = 4.0  # standard deviations beyond which numbers are counted
DISTINCT = 0.5  # share of different values that a row needs


def sample(output, answer):
    """Return the Verdict of the first test that fails, equal numbers first, or of the one nearest to what it allows."""
    rows = answer.reshape(-1, answer.shape[-1]).astype(np.float64)
    flat = replace(output, expected={part: np.ravel(values) for part, values in output.expected.items()},
                   tolerance=replace(output.tolerance, kind=output.tolerance.kind.replace("sample", "moments")))
    verdicts = [test(flat, rows) for test in (distinct, statistics.moments, statistics.kolmogorov, tails, joint)]
    return next((v for v in verdicts if not v.ok), max(verdicts, key=lambda verdict: verdict.used))


def tails(output, rows):
    """Return the Verdict on how many numbers of all rows lie TAIL sigma away from mu: Poisson, two-sided."""
    family, n = output.tolerance.kind.split("-")[1], rows.shape[1]
    found, wanted = 0, 0.0
    for mu, sigma, values in zip(output.expected["mu"], output.expected["sigma"], rows):
        edges = (mu + TAIL * sigma,) if family != "normal" else (mu + TAIL * sigma, mu - TAIL * sigma)
        for edge, sign in zip(edges, (1, -1)):
            above = 1 - statistics.distribution(family, edge, mu, sigma)[0]
            wanted += n * (above if sign > 0 else 1 - above)
            found += int(np.count_nonzero(sign * values > sign * edge))
    smaller = max(min(stats.poisson.cdf(found, wanted), stats.poisson.sf(found - 1, wanted)), 1e-300)
    used = max(stats.norm.isf(smaller), 0.0) / stats.norm.isf(output.tolerance.value / 2)
    return Verdict(bool(used <= 1), float(used), abs(found - wanted), (0,), float(found), float(wanted),
                   f"numbers beyond {TAIL:g} sigma, of all bins", "all bins together")


def distinct(output, rows):
    """Return the Verdict on the share of different values among those of a row that are not 0."""
    shares = np.array([len(np.unique(values[values != 0])) / max(np.count_nonzero(values), 1) for values in rows])
    worst = int(np.argmin(shares))
    used = DISTINCT / max(shares[worst], 1e-300)
    return Verdict(bool(used <= 1), float(used), float(1 - shares[worst]), (worst,), float(shares[worst]), 1.0,
                   "share of different values in the bin")


def joint(output, rows):
    """Return the Verdict on correlations: of any two rows, of neighbours in a row, of a row's halves.

    output: only its tolerance is used. rows: (..., n).
    """
    rows = rows.reshape(-1, rows.shape[-1]).astype(np.float64)
    with np.errstate(all="ignore"):
        rows = (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True)
    count, n = rows.shape
    half = n // 2
    first, second = np.triu_indices(count, 1)
    between = (rows @ rows.T)[first, second] / sqrt(n)
    neighbours = np.einsum("rn,rn->r", rows[:, :-1], rows[:, 1:]) / sqrt(n - 1)
    halves = np.einsum("rn,rn->r", rows[:, :half], rows[:, half:2 * half]) / sqrt(half)
    z = np.concatenate([between, neighbours, halves])
    used = np.abs(z) / stats.norm.isf(output.tolerance.value / 2 / len(z))
    used = np.where(np.isfinite(used), used, np.inf)
    worst = int(np.argmax(used))
    if worst < len(between):
        index, size, what = (int(first[worst]), int(second[worst])), n, "correlation of two rows"
    else:
        row, what = divmod(worst - len(between), count)[::-1]
        index, size, what = (row,), (n, half)[what], ("correlation of neighbours in a row", "correlation of a row's halves")[what]
    correlation = float(z[worst] / sqrt(size))
    return Verdict(bool(used[worst] <= 1), float(used[worst]), abs(correlation), index, correlation, 0.0, what,
                   rows_text(index, output.shape[:-1]))


def rows_text(numbers, shape):
    """Return rows of a sample of leading axes `shape`, numbered in order, in words."""
    places = [str([int(i) for i in np.unravel_index(number, shape)]) for number in dict.fromkeys(numbers)]
    return f"row{'s' * (len(places) > 1)} {' and '.join(places)}"


KINDS = {**{f"sample-{family}": sample for family in statistics.FAMILIES}, "joint": joint}
PARTS = {kind: () if kind == "joint" else ("mu", "sigma") for kind in KINDS}
