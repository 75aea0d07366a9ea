"""Mistakes in global drift compensation and AdaBS (L1)."""

import numpy as np

from refpcm.spec.compensation import adabs, global_drift
from tests.golden.mutants.replacing import changed_inputs, replaced


def _inverse_factor(now, then):
    """1 where either is 0, like the right one."""
    now, then = (np.asarray(readout, np.float64) for readout in (now, then))
    return np.divide(then, now, out=np.ones_like(now), where=(now * then) != 0)


def _columns_of_the_difference(inputs, parameters):
    inputs["g_us"] = inputs["g_us"] * np.array([1.0, -1.0])[:, None, None]


def _magnitudes_of_the_weights(inputs, parameters):
    inputs["weights"] = np.abs(inputs["weights"])


def _shares_exchanged(statistic, batch_statistic, p):
    return (1 - p) * np.asarray(statistic) + p * np.asarray(batch_statistic)


MUTANTS = [
    ("gdc-inverse", "alpha = readout(t0) / readout(t)", replaced(global_drift, "drift_factor", _inverse_factor)),
    ("gdc-multiplied", "output times alpha", replaced(global_drift, "compensated", lambda w, alpha: w * alpha)),
    ("readout-difference", "columns: G+ - G-", changed_inputs("gdc_readout", _columns_of_the_difference)),
    ("readout-abs-inside", "ones: |W| before the sum over rows",
     changed_inputs("gdc_readout", _magnitudes_of_the_weights)),
    ("adabs-p-exchanged", "p and 1 - p exchanged", replaced(adabs, "updated", _shares_exchanged)),
    ("adabs-p-per-batch", "p = 0.015", replaced(adabs, "decay", lambda batches: 0.015)),
]
