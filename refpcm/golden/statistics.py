"""Tests for answers that are random: the implementation draws its own numbers, the kit knows their distribution.

A sample is (bins, n); expectations carry mu and sigma of each bin. Kinds:

  moments-<family>     z-tests of mean and variance in every bin, each at level alpha = value
  kolmogorov-<family>  Kolmogorov-Smirnov test of every bin's shape at level alpha = value
  equivalence          two one-sided tests that mean accuracies agree within a margin

Families, with parameters mu, sigma of a normal number Y: rectified (max(Y, 0)), folded (|Y|), normal (Y).
docs/golden-statistics.md derives what each test can detect.
"""

from dataclasses import replace
from math import erf, pi, sqrt

import numpy as np
from scipy import special, stats

from refpcm.errors import RefpcmError
from refpcm.golden.verdict import Verdict

EQUIVALENCE_ALPHA = 1e-3
FEWEST_SAMPLES, MOST_SAMPLES = 10_000, 20_000_000  # below, variances are not nearly normal; above, memory
FOUND = {"moments": 0.99997, "kolmogorov": 0.99}  # probability with which the stated effects are found


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


def detectable(kind, alpha, count):
    """Return the smallest effects that `count` normal samples find with probability FOUND, in words.

    moments: relative error of sigma, and offset of the mean over sigma; kolmogorov: distance of distribution functions,
    whose estimate has a standard deviation of 1 / (2 sqrt(count)) at most; sample: both.
    """
    if kind == "sample":
        return f"{detectable('moments', alpha, count)}; {detectable('kolmogorov', alpha, count)}"
    reach = stats.norm.isf(1 - FOUND[kind])
    if kind == "moments":
        reach += stats.norm.isf(alpha / 2)
        return (f"with {count:,} samples finds {100 * reach / sqrt(2 * count):.2g} % in sigma, "
                f"{100 * reach / sqrt(count):.2g} % of sigma in the mean")
    distance = (stats.kstwobign.isf(alpha) + reach / 2) / sqrt(count)
    return f"with {count:,} samples finds a distance of {distance:.2g} between distribution functions"


def with_samples(cases, count):
    """Return the cases with `count` samples in each bin of those of L6; as they are where count is None.

    The joint cases and the streams of kit 2 keep their own counts.
    Raises RefpcmError for a count beyond FEWEST_SAMPLES .. MOST_SAMPLES, and where no case samples.
    """
    if count is None:
        return cases
    if not FEWEST_SAMPLES <= count <= MOST_SAMPLES:
        raise RefpcmError(f"--samples {count}: give a number from {FEWEST_SAMPLES} to {MOST_SAMPLES}")
    if not any(_samples(case) for case in cases):
        raise RefpcmError("--samples is for the cases of L6, and none is chosen; leave it out, or add --level 6")
    return [_resized(case, count) if _samples(case) else case for case in cases]


def samples_text(cases):
    """Return what the cases of L6 find with the samples they ask for, a line for each kind of test."""
    tolerances = [case.outputs[0].tolerance for case in cases if _samples(case)]
    return "\n".join(sorted({f"L6, {t.kind.split('-')[0]}: {t.why}" for t in tolerances}, reverse=True))


def _samples(case):
    """Whether a case asks for `count` samples of each bin that a test of FOUND judges."""
    return (case.level == 6 and "count" in case.parameters and len(case.outputs) == 1
            and case.outputs[0].tolerance.kind.split("-")[0] in (*FOUND, "sample"))


def _resized(case, count):
    output, = case.outputs
    kind, alpha = output.tolerance.kind.split("-")[0], output.tolerance.value
    test = "bin" if kind == "kolmogorov" else "test"
    why = f"alpha = {alpha:g} for each {test}; {detectable(kind, alpha, count)}"
    output = replace(output, shape=(output.shape[0], count), tolerance=replace(output.tolerance, why=why))
    parameters = {**case.parameters, "count": (count, case.parameters["count"][1])}
    return replace(case, parameters=parameters, outputs=(output,))


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
