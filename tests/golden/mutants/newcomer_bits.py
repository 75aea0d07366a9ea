"""Mistakes in random bits: invented without knowledge of the cases.

Of PyTorch users, C++ and Verilog engineers, and physicists with MATLAB or Julia, when kit 2.1 was a draft. A comment says
which inputs show a mistake, where few do.
"""


import numpy as np

from refpcm.spec import random
from tests.golden.mutants.replacing import changed_output, replaced

WORDS, UNIFORMS, NORMALS = random.words, random.uniforms, random.normals


def uniforms_24(*address):
    return ((WORDS(*address) >> np.uint32(8)) + 0.5) / 2.0 ** 24


def order_little_endian(words):
    pair = words.reshape(-1, 2).astype(np.uint64)
    return np.argsort(pair[:, 1] << np.uint64(32) | pair[:, 0], kind="stable").astype(np.int64)


def words_draw_16(seed, chip, purpose, layer, draw, start, count):
    return WORDS(seed, chip, purpose, layer, draw & 0xFFFF, start, count)


MUTANTS = [
    # by up to 6e-8 everywhere, more in normal numbers far out
    ("uniforms-of-24-bits", "uniforms have the 24 bits of a float32: u = (word >> 8 + 0.5) / 2^24",
     replaced(random, "uniforms", uniforms_24)),
    ("permutation-little-endian", "the two words of a key are read as one 64-bit integer in memory: the second is the "
       "high one",
     replaced(random, "order", order_little_endian)),
    # only draws from 2^16 on
    ("draw-16-bits", "the draw is a 16-bit field: 65536 is 0 again",
     replaced(random, "words", words_draw_16)),
    ("permutation-from-one", "a permutation of 1 .. count",
     changed_output("random_permutation", "permutation", lambda p: p + 1)),
]
