"""Mistakes in the random numbers, invented without knowledge of the cases."""

import numpy as np

from refpcm.spec import random
from tests.golden.mutants.replacing import replaced

PHILOX, WORDS = random.philox4x32, random.words

# Acklam's rational approximation of the inverse normal distribution function, relative error 1.15e-9.
CENTRE = (
    (
        -39.69683028665376,
        220.9460984245205,
        -275.9285104469687,
        138.3577518672690,
        -30.66479806614716,
        2.506628277459239,
    ),
    (-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1.0),
)
TAILS = (
    (
        -0.007784894002430293,
        -0.3223964580411365,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ),
    (0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1.0),
)


def _key_first(counter, key):
    with np.errstate(over="ignore"):
        return PHILOX(counter, np.asarray(key, np.uint32) + np.asarray(random.WEYL, np.uint32))


def _in_blocks(seed, chip, purpose, layer, draw, start, count):
    return WORDS(seed, chip, purpose, layer, draw, min(4 * start, 2**64 - count), count)


def _backwards(counter, key):
    return PHILOX(counter, key)[..., ::-1]


def _acklam(u):
    q = u - 0.5
    centre = np.polyval(CENTRE[0], q * q) * q / np.polyval(CENTRE[1], q * q)
    r = np.sqrt(-2 * np.log(np.minimum(u, 1 - u)))
    tail = np.polyval(TAILS[0], r) / np.polyval(TAILS[1], r)
    return np.where(np.abs(q) < 0.5 - 0.02425, centre, np.where(q < 0, tail, -tail))


def _box_muller(u):
    pairs = np.resize(u, (u.size + 1) // 2 * 2).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log(pairs[:, 0])), 2 * np.pi * pairs[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[: u.size]


def _fisher_yates(words):
    order = np.arange(len(words) // 2)
    for i, word in zip(range(len(order) - 1, 0, -1), words):
        j = int(word) % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


MUTANTS = [
    ("philox-7", "seven rounds, which pass the same tests", replaced(random, "ROUNDS", 7)),
    ("philox-key-first", "the key is raised before the first round", replaced(random, "philox4x32", _key_first)),
    ("words-start-in-blocks", "`start` counts blocks of four", replaced(random, "words", _in_blocks)),
    ("words-backwards", "the four words of a block, last first", replaced(random, "philox4x32", _backwards)),
    ("uniform-over-max", "word / (2^32 - 1)",
     replaced(random, "uniforms", lambda *address: random.words(*address) / (2.0**32 - 1))),
    ("normals-acklam", "Acklam's inverse, good to 1e-9", replaced(random, "normal_quantile", _acklam)),
    ("normals-box-muller", "Box and Muller's pairs of neighbouring uniforms",
     replaced(random, "normal_quantile", _box_muller)),
    ("permutation-inverse", "the place of each item instead of the item at each place",
     replaced(random, "order", lambda words, order=random.order: np.argsort(order(words)))),
    ("permutation-fisher-yates", "items exchanged one after the other", replaced(random, "order", _fisher_yates)),
]
