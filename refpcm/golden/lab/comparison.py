"""Judging measurements by a law: every quantity of every bin of targets, and all bins together.

The law's prediction is the same estimate made of the same experiment, drawn anew from the law many times (law.py): what
an estimator, or the time of the first read, does to a number it does to both sides. With e and p estimate and
prediction, s_e and s_0 their standard errors in the data and under the law for as many devices, and s_p that of the
prediction itself,

    z = (e - p) / sqrt(max(s_e, s_0)^2 + s_p^2),    differs where |z| > the quantile of alpha / (2 comparisons)

(Bonferroni): a device that follows the law is blamed anywhere with probability alpha at most.
"""

from dataclasses import dataclass, replace
from math import ceil, inf

import numpy as np
from scipy.stats import norm

from refpcm.errors import RefpcmError
from refpcm.golden.lab import law as laws
from refpcm.golden.lab.estimates import (
    NO_NOISE,
    NOISE_QUANTITIES,
    QUANTITIES,
    estimated,
    estimates,
    read_noise_in,
    shown,
)
from refpcm.golden.lab.features import NEEDED_SHARE, Method, design, features, positive_share
from refpcm.golden.lab.measurements import check_within_law, chosen, repeated

FEWEST = 30  # devices in a bin
DISTINCT = 32  # targets, at most, that are bins of their own
BINS = 10  # of equal width, where there are more targets
SAMPLED = 40_000  # devices drawn from the law for a bin, at least
TIMES = 10  # as many devices as measured, at least
WORST = 0.4  # relative standard error up to which a standard deviation enters into that of all bins
POWER = 0.9  # with which the smallest effect is found
AGREES, DIFFERS, UNJUDGED = "agrees", "differs", "cannot be judged"


@dataclass(frozen=True)
class Row:
    """One comparison. estimate, low, high (95 % interval), predicted and smallest are as shown, in the quantity's unit.

    targets: lowest and highest [uS], None for all bins together; smallest: difference that is found with probability
    POWER; z; verdict; note: why it cannot be judged, or what else is in the number.
    """
    quantity: str
    targets: tuple
    devices: int
    estimate: float = None
    low: float = None
    high: float = None
    predicted: float = None
    smallest: float = None
    z: float = None
    verdict: str = UNJUDGED
    note: str = ""


@dataclass(frozen=True)
class Bin:
    """Devices of like targets, as measured and as the law has them; scaled: {quantity: Scaled}; why: {quantity: reason}."""
    targets: tuple
    devices: int
    scaled: dict
    why: dict
    notes: dict


@dataclass(frozen=True)
class Scaled:
    """Estimate and prediction on the estimate's scale: e, s_e, p, s_0, s_p; shift of a variance's scale."""
    estimate: float
    error: float
    predicted: float
    law_error: float
    predicted_error: float
    shift: float = 0.0

    @property
    def variance(self):
        """Return the predicted variance, of a quantity that is one."""
        return self.predicted ** 3 - self.shift

    @property
    def test_error(self):
        """Return the standard error of estimate - prediction that the test uses."""
        return float(np.hypot(max(self.error, self.law_error), self.predicted_error))


def compare(m, law, alpha=0.01, bins=None):
    """Return the Rows of Measurements against a Device: quantity by quantity, bin by bin, then all bins together.

    Raises RefpcmError as `check_within_law`, and where no bin has FEWEST devices.
    """
    check_within_law(m, law)
    found = [judged_bin(number, chosen(m, wanted), targets, law) for number, (targets, wanted) in enumerate(binned(m, bins))]
    if all(a_bin.devices < FEWEST for a_bin in found):
        raise RefpcmError(f"no bin of targets has {FEWEST} devices (the largest has {max(b.devices for b in found)}); measure "
                          "more devices, or give fewer bins with --bins")
    return verdicts(found, alpha)


def binned(m, count=None):
    """Return [((lowest, highest target [uS]), mask (D,))]: each target its own bin, or `count` bins of equal width."""
    distinct = np.unique(m.target_us)
    if count is None and distinct.size <= DISTINCT:
        return [((target, target), m.target_us == target) for target in distinct.tolist()]
    edges = np.linspace(distinct[0], distinct[-1], (count or BINS) + 1)
    number = np.clip(np.searchsorted(edges, m.target_us, side="right") - 1, 0, edges.size - 2)
    masks = [(number == i) for i in range(edges.size - 1)]
    return [((float(m.target_us[mask].min()), float(m.target_us[mask].max())), mask) for mask in masks if mask.any()]


def judged_bin(number, m, targets, law):
    """Return the Bin of Measurements with its estimates and the law's predictions."""
    if m.devices < FEWEST:
        why = f"{m.devices} devices, where {FEWEST} are needed"
        return Bin(targets, m.devices, {}, dict.fromkeys(QUANTITIES, why), {})
    plan, positive = design(m), positive_share(m)
    method = Method(plan.noise, min(plan.times, positive) >= NEEDED_SHARE, law.t0_s)
    growth = laws.noise_growth(m, law)
    expected, shifts = predictions(number, m, law, growth, method)
    measured = estimated(features(m, growth, method), method, shifts)
    scaled = {name: Scaled(*measured[name], *expected[name], shifts.get(name, 0.0)) for name in measured}
    return Bin(targets, m.devices, scaled, reasons(plan, positive, scaled), notes(plan, method))


def predictions(number, m, law, growth, method):
    """Return {quantity: (p, s_0, s_p)} of the law for the experiment of Measurements, and the shifts of `estimates`.

    number: of the bin, for the draws.
    """
    batch = ceil(SAMPLED / 4 / m.devices)
    many, growth = repeated(m, batch), np.tile(growth, batch)
    batches = ceil(max(SAMPLED, TIMES * m.devices) / many.devices)
    total, errors, shifts = {}, [], None
    for draw in range(batches):
        found = features(replace(many, g_us=laws.sampled_us(many, law, number, draw)), growth, method)
        if shifts is None:
            added = read_noise_in({name: values.mean() for name, values in found.items()}, method)
            shifts = {name: float(np.nan_to_num(value)) for name, value in added.items()}
        errors.append({name: error for name, (_, error) in estimated(found, method, shifts).items()})
        for name, values in found.items():
            total[name] = total.get(name, 0.0) + values.sum()
    devices = batches * many.devices
    expected = estimates({name: value / devices for name, value in total.items()}, devices, method, shifts)
    result = {}
    for name, value in expected.items():
        error = float(np.sqrt(np.mean([of_batch[name] ** 2 for of_batch in errors])))  # of a batch's devices
        result[name] = float(value), error * np.sqrt(batch), error / np.sqrt(batches)
    return result, shifts


def reasons(plan, positive, scaled):
    """Return {quantity: why it cannot be judged}."""
    why = {}
    if plan.times < NEEDED_SHARE:
        why.update(dict.fromkeys(("nu_mean", "nu_sigma", "growth"), "drift needs readings at two times"))
    elif positive < NEEDED_SHARE:
        reason = f"{100 * (1 - positive):.0f} % of the devices read 0 uS at some time, and have no log G"
        why.update(dict.fromkeys(("nu_mean", "nu_sigma", "exponent"), reason))
        if plan.noise == "residuals":
            why.update(dict.fromkeys(("q_s", "growth"), reason))
    if plan.noise is None:
        why.update(dict.fromkeys(("q_s", "growth", "exponent"), "read noise needs repeated reads, or three times"))
    if plan.noise == "residuals" and plan.late < NEEDED_SHARE:
        why.setdefault("growth", "growth needs repeated reads at two times, or four times")
    if "q_s" in scaled:
        noise, expected = (shown("q_s", value) for value in (scaled["q_s"].estimate, scaled["q_s"].predicted))
        for value, what in ((noise, "the data have"), (expected, "the law has")):
            if not value > NO_NOISE:
                for name in NOISE_QUANTITIES:
                    why.setdefault(name, f"{what} no read noise")
    for name in QUANTITIES:
        numbers = scaled.get(name)
        if numbers is None or not np.all(np.isfinite([numbers.estimate, numbers.test_error, numbers.predicted])):
            why.setdefault(name, "there is no such estimate for these readings")
    return why


def notes(plan, method):
    """Return {quantity: what else its number holds}, on both sides alike."""
    found = {"offset": [], "sigma": [], "nu_sigma": []}
    if not method.drift:
        found["offset"].append("at the first read")
        found["sigma"].append("at the first read")
    if plan.noise is None:
        found["sigma"].append("read noise is in it")
    if plan.spread < NEEDED_SHARE:
        found["nu_sigma"].append("read noise is in it")
    return {name: ", ".join(texts) for name, texts in found.items()}


def verdicts(bins, alpha):
    """Return the Rows of Bins, and of all of them together."""
    together = {name: joined(name, bins) for name in QUANTITIES}
    comparisons = sum(name not in b.why for b in bins for name in QUANTITIES) + sum(j is not None for j in together.values())
    critical = norm.isf(alpha / 2 / max(comparisons, 1))
    rows = []
    for name in QUANTITIES:
        rows += [_row(name, b, critical) for b in bins]
        if together[name] is not None:
            scaled, devices = together[name]
            rows.append(_judged(name, None, devices, scaled, critical, ""))
    return rows


def joined(name, bins):
    """Return all bins together as Scaled, and the number of their devices; None where there are not two bins.

    Plain quantities and ratios enter by estimate - prediction. Variances enter by estimate / prediction, whose weighted
    mean is kept as a cube root like that of a bin; those that the law lets scatter by more than WORST do not. Weights are
    those of the law's standard errors, so that the data do not choose them.
    """
    used = [(b.scaled[name], b.devices) for b in bins if name not in b.why]
    variance = QUANTITIES[name].scale == "variance"
    if variance:
        used = [(s, n) for s, n in used if s.variance > 0 and 1.5 * s.predicted ** 2 * s.law_error < WORST * s.variance]
    if len(used) < 2 or any(s.law_error == 0 for s, _ in used):
        return None
    factor = np.array([3 * s.predicted ** 2 / s.variance if variance else 1.0 for s, _ in used])
    weight = (factor * [np.hypot(s.law_error, s.predicted_error) for s, _ in used]) ** -2
    weight /= weight.sum()
    error = float(np.linalg.norm(weight * factor * [s.test_error for s, _ in used]))
    if not variance:
        difference = float(weight @ [s.estimate - s.predicted for s, _ in used])
        return Scaled(difference, error, 0.0, 0.0, 0.0), sum(n for _, n in used)
    ratio, shift = (float(weight @ parts) for parts in zip(*(
        ((s.estimate ** 3 - s.shift) / s.variance, s.shift / s.variance) for s, _ in used)))
    predicted = np.cbrt(1 + shift)
    error /= 3 * predicted ** 2
    return Scaled(float(np.cbrt(ratio + shift)), error, float(predicted), 0.0, 0.0, shift), sum(n for _, n in used)


def _row(name, b, critical):
    if name in b.why:
        return Row(name, b.targets, b.devices, note=b.why[name])
    return _judged(name, b.targets, b.devices, b.scaled[name], critical, b.notes.get(name, ""))


def _judged(name, targets, devices, s, critical, note):
    """Return the Row of one comparison; of all bins together (targets None), of their difference or ratio."""
    def show(value):
        return float(shown(name, value, s.shift))

    difference, error = s.estimate - s.predicted, s.test_error
    if targets is not None and (abs(show(s.estimate) - show(s.predicted)) <= QUANTITIES[name].resolution
                                or name == "q_s" and show(s.estimate) <= NO_NOISE >= show(s.predicted)):
        difference = 0.0
    z = difference / error if error > 0 else (np.sign(difference) * inf if difference else 0.0)
    reach = norm.isf(0.025) * s.error
    smallest = show(s.predicted + (critical + norm.ppf(POWER)) * error) - show(s.predicted)
    return Row(name, targets, devices, show(s.estimate), show(s.estimate - reach), show(s.estimate + reach), show(s.predicted),
               max(smallest, QUANTITIES[name].resolution), float(z), DIFFERS if abs(z) > critical else AGREES, note)
