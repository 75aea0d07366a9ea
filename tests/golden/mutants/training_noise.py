"""Mistakes in the noise on the weights and in their clipping (L1)."""

import numpy as np

from refpcm.spec.training import clipping, weight_noise
from tests.golden.mutants.replacing import changed_inputs, replaced


def _eta_per_cent(inputs, parameters):
    parameters["eta"] *= 100


def _multiplicative(w, w_max, eta, z):
    return w + w.dtype.type(eta) * np.abs(w) * z


def _largest_signed(w, w_max, eta, z):
    return w + w.dtype.type(eta * w.max()) * z


def _all(weights):
    return np.concatenate([w.ravel() for w in weights])


def _sample_sigma(weights, alpha):
    return alpha * float(np.std(_all(weights), ddof=1))


def _root_mean_square(weights, alpha):
    """Differs from sigma by the mean."""
    return alpha * float(np.sqrt(np.mean(_all(weights) ** 2)))


MUTANTS = [
    ("eta-per-cent", "eta in per cent", changed_inputs("weight_noise", _eta_per_cent)),
    ("noise-multiplicative", "noise proportional to the weight",
     replaced(weight_noise, "weight_noise", _multiplicative)),
    ("noise-max-of-w", "W_max = max W in training", replaced(weight_noise, "weight_noise", _largest_signed)),
    ("clip-sample-sigma", "sample standard deviation (n - 1)", replaced(clipping, "clip_bound", _sample_sigma)),
    ("clip-root-mean-square", "root mean square for sigma", replaced(clipping, "clip_bound", _root_mean_square)),
]
