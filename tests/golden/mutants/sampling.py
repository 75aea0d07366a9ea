"""Mistakes in an implementation's own random numbers, which only statistics can find (L6)."""

from types import SimpleNamespace

import numpy as np

from refpcm.golden.reference import sampling
from refpcm.spec import random
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


def _truncated(z):
    """By reflection at 4."""
    return np.where(np.abs(z) > 4, 0.5 * z, z)


def _tabulated(z):
    """The nearest of 2^16 normal numbers."""
    table = np.sort(z)[::len(z) // 65536]
    return table[np.clip(np.searchsorted(table, z), 0, len(table) - 1)]


def _antithetic(z):
    """Every other number is minus the one before."""
    z = z.copy()
    z[1::2] = -z[:len(z) // 2 * 2:2]
    return z


def _antithetic_halves(z):
    """The second half of all numbers is minus the first."""
    half = len(z) // 2
    return np.concatenate([z[:half], -z[:half], z[2 * half:]])


def _smooth(z):
    """A little of the number before in every number: a filter somewhere."""
    z = z + 0.05 * np.roll(z, 1)
    return z / np.sqrt(1 + 0.05 ** 2)


def _ignoring(*fields, place=sampling):
    """Random numbers whose address lacks fields: of seed, chip, purpose, layer, draw, start."""
    def normals(*address):
        names = ("seed", "chip", "purpose", "layer", "draw", "start", "count")
        values = dict(zip(names, address))
        return random.normals(*({**values, **{name: 0 for name in fields}}[name] for name in names))
    return replaced(place, "random", SimpleNamespace(normals=normals, Purpose=random.Purpose))


def _one_for_both(axis):
    """The first half along an axis (from the end, without the last) serves for the second, too."""
    def normals(*address):
        z = random.normals(*address)
        half = len(z) // 2
        if axis == "pair":
            return np.concatenate([z[:half], z[:half]])
        quarter = half // 2
        return np.concatenate([z[:quarter], z[:quarter], z[half:half + quarter], z[half:half + quarter]])
    return replaced(sampling, "random", SimpleNamespace(normals=normals, Purpose=random.Purpose))


def _of_bins(z):
    """Bins share their numbers: five of them, or as many as divide the sample."""
    bins = next(n for n in (5, 6, 7) if len(z) % n == 0 and len(z) // n == 400_000)
    return np.tile(z[:len(z) // bins], bins)


MUTANTS = [
    ("samples-1.01", "sigma of every random number 1 % too large", _drawn(lambda z: 1.01 * z)),
    ("samples-shifted", "mean of the random numbers 0.02 instead of 0", _drawn(lambda z: z + 0.02)),
    ("samples-uniform", "uniform random numbers of the right mean and variance", _drawn(_uniform)),
    ("samples-constant", "one random number for every sample", _drawn(lambda z: np.full_like(z, z[0]))),
    ("samples-truncated", "normals cut off at 4 sigma", _drawn(_truncated)),
    ("samples-tabulated", "normals from a table of 65,536", _drawn(_tabulated)),
    ("samples-antithetic", "every other number minus the one before", _drawn(_antithetic)),
    ("samples-antithetic-halves", "second half of the numbers minus the first", _drawn(_antithetic_halves)),
    ("samples-filtered", "neighbours correlated by 0.05", _drawn(_smooth)),
    ("samples-same-bins", "the same numbers for every bin", _drawn(_of_bins)),
    ("samples-same-pair", "the same numbers for G+ and G-", _one_for_both("pair")),
    ("samples-same-joint-bins", "the same numbers for two bins of a device", _one_for_both("bins")),
    ("samples-same-layers", "the same numbers in every layer", _ignoring("layer")),
    ("samples-same-chips", "the same numbers on every chip", _ignoring("chip")),
    ("samples-same-purposes", "the same numbers for programming and nu", _ignoring("purpose")),
    ("samples-same-steps", "the same numbers at every step and read", _ignoring("draw")),
    ("samples-same-times", "the same read noise at two times", _ignoring("start")),
]
