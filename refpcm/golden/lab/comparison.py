"""Measurements against a law: bins of targets, estimates of each, and what the law predicts for them.

The law's prediction is the same estimate made of the same experiment, drawn anew from the law many times (law.py): what
an estimator, or the time of the first read, does to a number it does to both sides.
"""

from dataclasses import replace
from math import ceil

import numpy as np

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
from refpcm.golden.lab.verdicts import Bin, Scaled, verdicts

FEWEST = 30  # devices in a bin
DISTINCT = 32  # targets, at most, that are bins of their own
BINS = 10  # of equal width, where there are more targets
SAMPLED = 40_000  # devices drawn from the law for a bin, at least
TIMES = 10  # as many devices as measured, at least


def compare(m, law, alpha=0.01, bins=None, tell=lambda done, bins: None):
    """Return the Rows of Measurements against a Device: quantity by quantity, bin by bin, then all bins together.

    bins: how many of equal width, None: as `binned` chooses; tell: is called before each bin, with the numbers of those
    done and of all. Raises RefpcmError as `check_within_law`, and where no bin has FEWEST devices.
    """
    check_within_law(m, law)
    masks = binned(m, bins)
    largest = max(int(wanted.sum()) for _, wanted in masks)
    if largest < FEWEST:
        raise RefpcmError(f"no bin of targets has {FEWEST} devices (the largest has {largest}); measure more devices, "
                          "or give fewer bins with --bins")
    found = []
    for number, (targets, wanted) in enumerate(masks):
        tell(number, len(masks))
        found.append(judged_bin(number, chosen(m, wanted), targets, law))
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
        why = f"only {m.devices} of the {FEWEST} devices that are needed"
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


