"""L0 bits: the addressable random numbers of `refpcm.spec.random` (docs/random_numbers.md).

An address is (seed, chip, purpose, layer, draw) and the elements start .. start + count - 1 of its stream.
"""

from refpcm.golden.reference import chosen
from refpcm.spec import random


def philox4x32(inputs, parameters):
    """counter (n, 4), key (n, 2) uint32 -> words (n, 4) uint32: Philox4x32-10 (Salmon et al., SC'11)."""
    return {"words": random.philox4x32(inputs["counter"], inputs["key"])}


def random_words(inputs, parameters):
    """An address -> words (count,) uint32: element i is word i mod 4 of the address's block i // 4."""
    return {"words": random.words(*chosen.address(parameters))}


def random_uniforms(inputs, parameters):
    """An address -> uniforms (count,) float64 = (word + 0.5) / 2^32."""
    return {"uniforms": random.uniforms(*chosen.address(parameters))}


def random_normals(inputs, parameters):
    """An address -> normals (count,) float64: inverse normal distribution function of the uniforms (AS 241)."""
    return {"normals": random.normals(*chosen.address(parameters))}


def random_permutation(inputs, parameters):
    """An address, its start not used -> permutation (count,) int64 of 0 .. count - 1.

    Items i stand in ascending order of their 64-bit keys word(2 i) 2^32 + word(2 i + 1).
    """
    *stream, _, count = chosen.address(parameters)
    return {"permutation": random.permutation(*stream, count)}
