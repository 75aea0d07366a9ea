"""Tests for answers that are random: the implementation draws its own numbers, the kit knows their distribution.

A sample is (bins, n); expectations carry mu and sigma of each bin. Kinds:

  moments-<family>     z-tests of mean and variance in every bin, each at level alpha = value
  kolmogorov-<family>  Kolmogorov-Smirnov test of every bin's shape at level alpha = value
  equivalence          two one-sided tests that mean accuracies agree within a margin

Families, with parameters mu, sigma of a normal number Y: rectified (max(Y, 0)), folded (|Y|), normal (Y).
docs/golden-statistics.md derives what each test can detect.
"""

from math import erf, pi, sqrt

import numpy as np
from scipy import special, stats

from refpcm.golden.verdict import Verdict

EQUIVALENCE_ALPHA = 1e-3


def central_moments(family, mu, sigma):
    """(mean, variance, fourth central moment) of one bin, from closed forms of the raw moments.

    With phi, Phi at a = mu / sigma, the parts of E[Y^k] above zero follow from M_0 = Phi, M_1 = mu M_0 + sigma phi,
    M_k = mu M_(k-1) + (k - 1) sigma^2 M_(k-2) (Winkler et al. 1972); a folded number adds the part below zero.
    """
    if family == "normal":
        return mu, sigma ** 2, 3 * sigma ** 4
    raw = _raw_above_zero(mu, sigma)
    if family == "folded":
        raw = [above + below for above, below in zip(raw, _raw_above_zero(-mu, sigma))]
    m1, m2, m3, m4 = raw
    return m1, m2 - m1 ** 2, m4 - 4 * m1 * m3 + 6 * m1 ** 2 * m2 - 3 * m1 ** 4


def _raw_above_zero(mu, sigma):
    a = mu / sigma
    parts = [0.5 * (1 + erf(a / sqrt(2)))]
    parts.append(mu * parts[0] + sigma * np.exp(-a * a / 2) / sqrt(2 * pi))
    for k in (2, 3, 4):
        parts.append(mu * parts[-1] + (k - 1) * sigma ** 2 * parts[-2])
    return parts[1:]


def distribution(family, x, mu, sigma):
    """P(X <= x) and P(X < x) for values x of one bin."""
    at = special.ndtr((x - mu) / sigma)
    if family == "normal":
        return at, at
    if family == "rectified":
        return np.where(x < 0, 0.0, at), np.where(x <= 0, 0.0, at)
    at = np.where(x < 0, 0.0, at - special.ndtr((-x - mu) / sigma))
    return at, at


def moments(output, sample):
    """Largest |z| of mean and variance over all bins, over the z that alpha allows."""
    family = output.tolerance.kind.split("-")[1]
    allowed = stats.norm.isf(output.tolerance.value / 2)
    n, rows = sample.shape[1], []
    for mu, sigma, values in zip(output.expected["mu"], output.expected["sigma"], sample.astype(np.float64)):
        mean, variance, fourth = central_moments(family, float(mu), float(sigma))
        rows.append([(values.mean(), mean, sqrt(variance / n)),
                     (values.var(), variance, sqrt((fourth - variance ** 2) / n))])
    actual, expected, deviation = np.moveaxis(np.array(rows), -1, 0)
    return _judge(actual, expected, allowed * deviation, "", "{1} of bin {0}", (range(len(rows)), ("mean", "variance")))


def kolmogorov(output, sample):
    """Largest distance between the sample's and the expected distribution function, over what alpha allows."""
    family = output.tolerance.kind.split("-")[1]
    n, distances = sample.shape[1], []
    for mu, sigma, values in zip(output.expected["mu"], output.expected["sigma"], sample.astype(np.float64)):
        values, counts = np.unique(values, return_counts=True)
        up_to = np.cumsum(counts) / n
        at, below = distribution(family, values, float(mu), float(sigma))
        distances.append(max(np.max(up_to - at), np.max(below - (up_to - counts / n))))
    allowed = stats.kstwobign.isf(output.tolerance.value) / sqrt(n)
    return _judge(np.array(distances), np.zeros(len(distances)), allowed, "distance of distribution functions", "bin {0}",
                  (range(len(distances)),))


def equivalence(output, accuracies):
    """(times, compensations, chips) accuracies: both one-sided tests must reject |difference| >= margin.

    margin = value; the kit's "mean" and "variance_of_mean" come from its own chips. With s^2 / n of the answer, the
    difference plus t_alpha standard errors must stay below the margin. t is Student's with n - 1 degrees of freedom,
    the fewest that Welch's formula can give, since the kit's chips are no fewer than n.
    """
    mean, chips = accuracies.mean(-1), accuracies.shape[-1]
    error = np.sqrt(accuracies.var(-1, ddof=1) / chips + output.expected["variance_of_mean"])
    reach = stats.t.isf(EQUIVALENCE_ALPHA, chips - 1) * error
    expected = output.expected["mean"]
    used = (np.abs(mean - expected) + reach) / output.tolerance.value
    return _verdict(used, mean, expected, "mean accuracy at (time, compensation)")


def _judge(actual, expected, allowed, what, place, names):
    return _verdict(np.abs(actual - expected) / allowed, actual, expected, what, place, names)


def _verdict(used, actual, expected, what, place="", names=()):
    """place: how the worst place is called, with {0}, {1}, ... for the names of its indices."""
    used = np.where(np.isnan(used), np.inf, used)
    worst = np.unravel_index(np.argmax(used), used.shape)
    return Verdict(bool(used[worst] <= 1), float(used[worst]), float(abs(actual[worst] - expected[worst])),
                   tuple(int(i) for i in worst), float(actual[worst]), float(expected[worst]), what,
                   place.format(*(name[i] for name, i in zip(names, worst))))


FAMILIES = ("rectified", "folded", "normal")
KINDS = {**{f"moments-{family}": moments for family in FAMILIES},
         **{f"kolmogorov-{family}": kolmogorov for family in FAMILIES}, "equivalence": equivalence}
PARTS = {kind: ("mean", "variance_of_mean") if kind == "equivalence" else ("mu", "sigma") for kind in KINDS}
