"""Mistakes in random bits, where few of them show it: invented by a stranger to the cases of kit 2.0.

A comment says which inputs show the mistake, where few do.
"""


import numpy as np

from refpcm.spec import random
from tests.golden.mutants.replacing import replaced

WORDS = random.words


def words_rounded_down(seed, chip, purpose, layer, draw, start, count):
    return WORDS(seed, chip, purpose, layer, draw, int(start) - int(start) % 4, count)


def words_too_few_blocks(seed, chip, purpose, layer, draw, start, count):
    start, length = int(start), 4 * -(-int(count) // 4)
    if not length:
        return WORDS(seed, chip, purpose, layer, draw, start, 0)
    found = WORDS(seed, chip, purpose, layer, draw, start - start % 4, length)
    return found[(start % 4 + np.arange(int(count))) % length]


def words_without_carry(seed, chip, purpose, layer, draw, start, count):
    start, count = int(start), int(count)
    high = start >> 34
    before = min(((high + 1) << 34) - start, count)
    return np.concatenate([WORDS(seed, chip, purpose, layer, draw, start, before),
                           WORDS(seed, chip, purpose, layer, draw, high << 34, count - before)])


def words_start_as_float(seed, chip, purpose, layer, draw, start, count):
    rounded = int(float(int(start)))
    return WORDS(seed, chip, purpose, layer, draw, rounded if rounded + int(count) <= 2 ** 64 else start, count)


def words_layer_signed(seed, chip, purpose, layer, draw, start, count):
    return WORDS(seed, chip, 0xFFFF if int(layer) >= 2 ** 15 else purpose, layer, draw, start, count)


def philox_high_by_float(counter, key):
    counter, key = np.asarray(counter, np.uint32), np.asarray(key, np.uint32)
    shape = np.broadcast_shapes(counter.shape[:-1], key.shape[:-1])
    x0, x1, x2, x3 = (np.broadcast_to(counter[..., i], shape) for i in range(4))
    k0, k1 = (np.broadcast_to(key[..., i], shape).copy() for i in range(2))

    def product(x, multiplier):
        high = np.minimum(np.floor(x.astype(np.float64) * float(multiplier) / 2.0 ** 32), 2.0 ** 32 - 1)
        return high.astype(np.uint32), (x.astype(np.uint64) * multiplier).astype(np.uint32)
    for _ in range(10):
        (high0, low0), (high1, low1) = product(x0, random.MULTIPLIERS[0]), product(x2, random.MULTIPLIERS[1])
        x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
        with np.errstate(over="ignore"):
            k0, k1 = k0 + random.WEYL[0], k1 + random.WEYL[1]
    return np.stack([x0, x1, x2, x3], -1)


def keys_of(words):
    pair = words.reshape(-1, 2).astype(np.uint64)
    return pair[:, 0] << np.uint64(32) | pair[:, 1]


def order_signed(words):
    return np.argsort(keys_of(words).view(np.int64), kind="stable").astype(np.int64)


def order_of_first_words(words):
    return np.argsort(words.reshape(-1, 2)[:, 0], kind="stable").astype(np.int64)


MUTANTS = [
    # where start is no multiple of 4
    ("words-start-rounded-down", "a range begins with the first word of its block",
     replaced(random, "words", words_rounded_down)),
    # where start is no multiple of 4 and the range reaches into one block more than count / 4
    ("words-too-few-blocks", "ceil(count / 4) blocks: the last words are those of the first block again",
     replaced(random, "words", words_too_few_blocks)),
    # where a range crosses block 2^32, element 2^34
    ("counter-without-carry", "within a range the low word of the block number wraps without a carry",
     replaced(random, "words", words_without_carry)),
    # where start > 2^53 is not a multiple of a high power of two, as of all devices but the first of a read
    ("start-through-float64", "start loses its last bits beyond 2^53",
     replaced(random, "words", words_start_as_float)),
    # layers from 32768 on
    ("layer-sign-extended", "a 16-bit signed layer from 2^15 on overwrites the purpose with ones",
     replaced(random, "words", words_layer_signed)),
    # about one product of 2^22: high word of a product whose low word is near 2^32
    ("philox-high-through-float64", "high word of a product by a division in float64, as in JavaScript",
     replaced(random, "philox4x32", philox_high_by_float)),
    ("permutation-keys-signed", "keys are compared as signed 64-bit integers",
     replaced(random, "order", order_signed)),
    # only where two items share their first word: one pair of items in 2^32
    ("permutation-first-word-only", "items are sorted by the first of their two words",
     replaced(random, "order", order_of_first_words)),
]
