"""Mistakes in the distribution of an implementation's own random numbers, invented without knowledge of the cases."""

import numpy as np

from refpcm.spec import random
from tests.golden.mutants.replacing import replaced

NORMALS, UNIFORMS = random.normals, random.uniforms


def _of_uniforms(transform):
    """Other numbers: transform(u, rest of the address) -> z, of mean 0 and variance 1."""
    def normals(seed, chip, purpose, layer, draw, start, count, dtype=np.float64):
        return transform(UNIFORMS(seed, chip, purpose, layer, draw, start, count)).astype(dtype)
    return replaced(random, "normals", normals)


def _of_normals(change):
    """change(z) -> z."""
    return replaced(random, "normals", lambda *address, **dtype: change(NORMALS(*address, **dtype)))


def _sum_of(count):
    """A sum of uniform numbers; each number's further uniforms follow from its first by a fixed multiplier."""
    def transform(u):
        total = u.copy()
        for k in range(1, count):
            total += (u * 2.0 ** 32 * (2 * k * 7919 + 1) / 997.0 + k * 0.618033988749895) % 1.0
        return (total - count / 2) * np.sqrt(12 / count)
    return transform


def _student(u):
    """Student's distribution of five degrees of freedom, nearly, with the variance 1."""
    z = random.normal_quantile(u)
    heavy = z + (z ** 3 + z) / 20 + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 2400
    return heavy / heavy.std()


MUTANTS = [
    ("samples-uniform", "uniform numbers of the right variance", _of_uniforms(lambda u: (u - 0.5) * np.sqrt(12))),
    ("samples-irwin-hall-3", "sums of three uniform numbers", _of_uniforms(_sum_of(3))),
    ("samples-laplace", "Laplace's distribution of the right variance",
     _of_uniforms(lambda u: np.sign(u - 0.5) * -np.log(1 - 2 * np.abs(u - 0.5) + 1e-12) / np.sqrt(2))),
    ("samples-short-period", "numbers repeat after 4096", _of_normals(lambda z: np.resize(z[:4096], z.size))),
    ("samples-heavy-tails", "heavy tails, the right variance", _of_uniforms(_student)),
    ("samples-logistic", "logistic numbers of the right variance", _of_uniforms(lambda u: np.log(u / (1 - u)) * np.sqrt(3) / np.pi)),
    ("samples-skewed", "exponential numbers of mean 0 and variance 1", _of_uniforms(lambda u: -np.log(u) - 1)),
    ("samples-tenths", "normal numbers from a table in steps of 0.2", _of_normals(lambda z: 0.2 * np.rint(z / 0.2))),
    ("samples-5-percent", "a standard deviation of 1.05", _of_normals(lambda z: 1.05 * z)),
    ("samples-one-wild", "one number of a thousand is three times as large",
     _of_normals(lambda z: np.where(np.arange(z.size) % 1000, z, 3 * z))),
]
