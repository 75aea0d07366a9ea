"""Mistakes in streams of random numbers: invented by a stranger to the cases of kit 2.0.

A comment says which inputs show the mistake, where few do.
"""

from types import SimpleNamespace

import numpy as np

from refpcm.golden.reference import sampling
from refpcm.spec import random
from tests.golden.mutants.replacing import replaced

NORMALS, SAMPLED = random.normals, sampling.sampled
PURPOSE = random.Purpose


def drawn(normals):
    """The samples are drawn by normals(seed, chip, purpose, layer, draw, start, count)."""
    return replaced(sampling, "random", SimpleNamespace(normals=normals, uniforms=random.uniforms, Purpose=PURPOSE))


def seed_of_sum(seed, chip, purpose, layer, draw, start, count):
    return NORMALS(seed + chip + layer + draw, 0, purpose, 0, 0, start, count)


def layers_shifted(seed, chip, purpose, layer, draw, start, count):
    return NORMALS(seed, chip, purpose, 0, draw, start + layer, count)


def draws_overlap(seed, chip, purpose, layer, draw, start, count):
    return NORMALS(seed, chip, purpose, layer, 0, start + draw * (count // 2), count)


def exponents_of_one_size(seed, chip, purpose, layer, draw, start, count):
    z = NORMALS(seed, chip, purpose, layer, draw, start, count)
    if purpose != PURPOSE.DRIFT_EXPONENT:
        return z
    return np.copysign(NORMALS(seed, chip, PURPOSE.PROGRAMMING, layer, draw, start, count), z)


def every_other_draw_mirrored(seed, chip, purpose, layer, draw, start, count):
    return (-1.0) ** (draw % 2) * NORMALS(seed, chip, purpose, layer, draw - draw % 2, start, count)


def reads_share_slow_part(seed, chip, purpose, layer, draw, start, count):
    z = NORMALS(seed, chip, purpose, layer, draw, start, count)
    if purpose != PURPOSE.READ_NOISE:
        return z
    return (z + NORMALS(seed, chip, purpose, layer, 2 ** 31, start, count)) / 2 ** 0.5


def exact_moments(equation, purpose, bins, parameters):
    def matched(value, z, device):
        z = z - z.mean(1, keepdims=True)
        return equation(value, z / z.std(1, keepdims=True), device)
    return SAMPLED(matched, purpose, bins, parameters)


MUTANTS = [
    ("samples-seed-is-sum", "seed + chip + layer + step: chip 1 of layer 0 is chip 0 of layer 1",
     drawn(seed_of_sum)),
    ("samples-layers-shifted", "a layer's numbers are those of the layer before, one element on",
     drawn(layers_shifted)),
    ("samples-draws-overlap", "a read or step begins half of its numbers after the one before",
     drawn(draws_overlap)),
    ("samples-exponents-of-one-size", "|z| of the exponent is that of programming, its sign its own",
     drawn(exponents_of_one_size)),
    ("samples-draws-mirrored", "every other read or step has the noise before with the other sign",
     drawn(every_other_draw_mirrored)),
    ("samples-reads-share-slow-part", "reads at one time share half of their noise's variance",
     drawn(reads_share_slow_part)),
    # too good: a test that only looks for too large deviations passes it
    ("samples-moments-matched", "the numbers of each bin are scaled to mean 0 and variance 1 exactly",
     replaced(sampling, "sampled", exact_moments)),
]
