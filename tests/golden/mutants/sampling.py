"""Mistakes in an implementation's own random numbers, which only statistics can find (L6)."""

import numpy as np

from refpcm.golden.reference import sampling
from tests.golden.mutants.replacing import replaced


def _drawn(change):
    """The random numbers of the sampling operations, changed: change(z) -> z, all bins in one array.

    Those of level 0 are left alone.
    """
    original = sampling.sampled

    def sampled(equation, purpose, bins, parameters):
        def with_change(value, z, device):
            return equation(value, change(z.ravel()).reshape(z.shape), device)
        return original(with_change, purpose, bins, parameters)
    return replaced(sampling, "sampled", sampled)


def _uniform(z):
    """By rank; on (-sqrt(3), sqrt(3)), which has the variance 1."""
    return np.sqrt(12) * (np.argsort(np.argsort(z)) / (len(z) - 1) - 0.5)


MUTANTS = [
    ("samples-1.01", "sigma of every random number 1 % too large", _drawn(lambda z: 1.01 * z)),
    ("samples-shifted", "mean of the random numbers 0.02 instead of 0", _drawn(lambda z: z + 0.02)),
    ("samples-uniform", "uniform random numbers of the right mean and variance", _drawn(_uniform)),
    ("samples-constant", "one random number for every sample", _drawn(lambda z: np.full_like(z, z[0]))),
]
