"""Mistakes in the addressable random numbers (L0)."""

import numpy as np

from refpcm.spec import random
from tests.golden.mutants.replacing import changed_inputs, changed_output, exchanged, replaced


def _one_later(inputs, parameters):
    parameters["start"] += 1


def _low_word_only(inputs, parameters):
    """Four elements a block: without the high word of the block, the start counts modulo 2^34."""
    parameters["start"] %= 2 ** 34


def _through_float32(z):
    return z.astype(np.float32).astype(np.float64)


MUTANTS = [
    ("counter-off-by-one", "random numbers start one element late", changed_inputs("random_words", _one_later)),
    ("normals-off-by-one", "normals start one element late", changed_inputs("random_normals", _one_later)),
    ("seed-chip-exchanged", "key = (chip, seed)", changed_inputs("random_words", exchanged("seed", "chip"))),
    ("purpose-layer-exchanged", "counter word 3 = layer << 16 | purpose",
     changed_inputs("random_words", exchanged("purpose", "layer"))),
    ("start-32-bit", "high word of the counter dropped", changed_inputs("random_words", _low_word_only)),
    ("nine-rounds", "Philox with 9 rounds", replaced(random, "ROUNDS", 9)),
    ("uniform-without-half", "u = word / 2^32",
     changed_output("random_uniforms", "uniforms", lambda u: u - 0.5 / 2 ** 32)),
    ("normal-sign", "quantile of 1 - u", changed_output("random_normals", "normals", np.negative)),
    ("normal-float32", "normals rounded to float32", changed_output("random_normals", "normals", _through_float32)),
    ("keys-descending", "permutation in descending order of keys",
     changed_output("random_permutation", "permutation", lambda p: p[::-1].copy())),
]
