"""Random numbers addressed by (seed, split, image): the same for every image, whatever else is drawn.

Philox4x64-10 (Salmon et al., SC'11) maps a 128-bit key and a 256-bit counter to four 64-bit words. NumPy's bit
generator of that name gives the raw words, which are fixed by the algorithm; its distributions, which may change
between versions, are not used.
"""

import numpy as np

WORDS_PER_BLOCK = 4


def raw_words(seed, split, first, count, words):
    """Random words (count, words) uint64 of the images first .. first + count - 1; `words` must be a multiple of 4.

    key = (seed, split), 64 bit each; image i owns the `words / 4` counters that follow i * words / 4.
    """
    blocks = words // WORDS_PER_BLOCK
    generator = np.random.Philox(key=seed | split << 64, counter=first * blocks)
    return generator.random_raw(count * words).reshape(count, words)


def uniforms(words):
    """uint64 words -> float64 in [0, 1): the upper 53 bits, in steps of 2^-53."""
    return (words >> np.uint64(11)).astype(np.float64) * 2.0 ** -53


def octets(words):
    """uint64 words (n, k) -> their bytes (n, 8 k) uint8, least significant first on every machine."""
    return words.astype("<u8").view(np.uint8)
