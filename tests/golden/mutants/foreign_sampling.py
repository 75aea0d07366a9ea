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


def _student(u):
    """Student's distribution of five degrees of freedom, nearly, with the variance 1."""
    z = random.normal_quantile(u)
    heavy = z + (z**3 + z) / 20 + (5 * z**5 + 16 * z**3 + 3 * z) / 2400
    return heavy / heavy.std()


MUTANTS = [
    ("samples-laplace", "Laplace's distribution of the right variance",
     _of_uniforms(lambda u: np.sign(u - 0.5) * -np.log(1 - 2 * np.abs(u - 0.5) + 1e-12) / np.sqrt(2))),
    ("samples-short-period", "numbers repeat after 4096", _of_normals(lambda z: np.resize(z[:4096], z.size))),
    ("samples-heavy-tails", "heavy tails, the right variance", _of_uniforms(_student)),
    ("samples-skewed", "exponential numbers of mean 0 and variance 1", _of_uniforms(lambda u: -np.log(u) - 1)),
    ("samples-one-wild", "one number of a thousand is three times as large",
     _of_normals(lambda z: np.where(np.arange(z.size) % 1000, z, 3 * z))),
]
