"""Verdicts: estimate against prediction in every bin, and in all bins together.

With e and p estimate and prediction, s_e and s_0 their standard errors in the data and under the law for as many
devices, and s_p that of the prediction itself,

    z = (e - p) / sqrt(max(s_e, s_0)^2 + s_p^2),    differs where |z| > the quantile of alpha / (2 comparisons)

(Bonferroni): a device that follows the law is blamed anywhere with probability alpha at most.
"""

from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.stats import norm

from refpcm.golden.lab.estimates import NO_NOISE, QUANTITIES, shown

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
    """Devices of like targets. scaled: {quantity: Scaled}; why: {quantity: why it cannot be judged}; notes: of Rows."""
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


def verdicts(bins, alpha):
    """Return the Rows of Bins, and of all of them together."""
    together = {name: joined(name, bins) for name in QUANTITIES}
    comparisons = sum(name not in b.why for b in bins for name in QUANTITIES)
    comparisons += sum(scaled is not None for scaled in together.values())
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
    mean is kept as a cube root like that of a bin; those that the law lets scatter by more than WORST do not. Weights
    are those of the law's standard errors, so that the data do not choose them.
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
    return Row(name, targets, devices, show(s.estimate), show(s.estimate - reach), show(s.estimate + reach),
               show(s.predicted), max(smallest, QUANTITIES[name].resolution), float(z),
               DIFFERS if abs(z) > critical else AGREES, note)
