"""Tests of streams of random numbers: whether rows go on where others began, and are not more regular than chance.

A sample is (..., n): rows of n numbers each. Kinds:

  streams          correlation of any two rows, and of a row with itself, at every shift up to half a row
  streams-normal   the same, and whether means and variances of the rows scatter as those of normal numbers do

Each test is at level alpha = value. docs/golden-statistics.md derives what each can detect.
"""

from math import sqrt

import numpy as np
from scipy import fft, stats

from refpcm.golden.sample_tests import rows_text
from refpcm.golden.verdict import Verdict


def streams(output, answer):
    """Return the Verdict on correlations at all shifts; output: only its tolerance is used. answer: (..., n)."""
    rows = answer.reshape(-1, answer.shape[-1]).astype(np.float64)
    spans = np.ptp(rows, 1)
    if not spans.all():
        return Verdict(False, np.inf, np.inf, (int(np.argmin(spans)),), 0.0, 0.0, "a row of equal numbers")
    rows = (rows - rows.mean(1, keepdims=True)) / rows.std(1, keepdims=True)
    count, n = rows.shape
    half = n // 2
    tests = count * (count - 1) // 2 * (2 * half + 1) + count * half
    allowed = stats.norm.isf(output.tolerance.value / 2 / tests)
    length = fft.next_fast_len(2 * n, real=True)
    spectra = fft.rfft(rows, length)
    worst = -1.0, 0.0, (0, 0), 0
    for first in range(count):
        for second in range(first, count):
            shifts = np.arange(1 if second == first else -half, half + 1)
            products = fft.irfft(spectra[first].conj() * spectra[second], length)[shifts]
            z = products / np.sqrt(n - np.abs(shifts))
            at = int(np.argmax(np.abs(z)))
            if abs(z[at]) > worst[0]:
                worst = abs(z[at]), z[at] / sqrt(n - abs(shifts[at])), (first, second), int(shifts[at])
    size, correlation, index, shift = worst
    if index[0] == index[1]:
        what = f"correlation of the row with itself from its number {shift} on"
    else:
        what = f"correlation of the two rows, the {'second' if shift >= 0 else 'first'} from its number {abs(shift)} on"
    return Verdict(bool(size <= allowed), float(size / allowed), abs(float(correlation)), index, float(correlation), 0.0, what,
                   rows_text(index, answer.shape[:-1]))


def streams_normal(output, answer):
    """Return the Verdict that comes nearest to, or furthest beyond, what it allows: of shifts, means, variances."""
    rows = answer.reshape(-1, answer.shape[-1]).astype(np.float64)
    mu, sigma = (np.ravel(output.expected[part]) for part in ("mu", "sigma"))
    n = rows.shape[1]
    verdicts = [streams(output, answer),
                _scatter(output, (rows.mean(1) - mu) / sigma * sqrt(n), "means"),
                _scatter(output, (rows.var(1) / sigma ** 2 - 1) * sqrt(n / 2), "variances")]
    return max(verdicts, key=lambda verdict: verdict.used)


def _scatter(output, z, what):
    """Verdict on the sum of squares of numbers that should be standard normal: chi-squared, two-sided."""
    found, wanted = float((z ** 2).sum()), float(len(z))
    smaller = max(min(stats.chi2.cdf(found, wanted), stats.chi2.sf(found, wanted)), 1e-300)
    used = max(stats.norm.isf(smaller), 0.0) / stats.norm.isf(output.tolerance.value / 2)
    used = used if np.isfinite(found) else np.inf
    return Verdict(bool(used <= 1), float(used), abs(found - wanted), (0,), found, wanted,
                   f"sum of the squares of the rows' {what}, each over its standard error", "all rows together")


KINDS = {"streams": streams, "streams-normal": streams_normal}
PARTS = {"streams": (), "streams-normal": ("mu", "sigma")}
