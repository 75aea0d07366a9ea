"""L0 bits: the random numbers, word for word."""

import numpy as np

from refpcm.golden.build import case, exact, ulp
from refpcm.golden.case import stored
from refpcm.spec.random import Purpose

PHILOX = "Philox4x32-10: words = philox(counter, key) (Salmon et al., SC'11)"
NUMBER = ("word(i) = philox(counter = (b low, b high, draw, purpose << 16 | layer), "
          "key = (seed, chip))[i mod 4], b = i // 4")

# Random123 1.09, file kat_vectors, philox 4x32 10: counter, key (its words are known; tests/golden compares them)
KNOWN_COUNTERS = ((0, 0, 0, 0), (0xFFFFFFFF,) * 4, (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344))
KNOWN_KEYS = ((0, 0), (0xFFFFFFFF,) * 2, (0xA4093822, 0x299F31D0))

MAX_32 = 2 ** 32 - 1
FIELDS = ("seed", "chip", "purpose", "layer", "draw", "start")
ADDRESSES = {  # id: the FIELDS of an address, the mistake it catches
    "plain":
        ((0, 0, Purpose.PROGRAMMING, 0, 0, 0), "counter off by one; purpose and layer in the wrong half"),
    "every-field":
        ((7, 11, Purpose.READ_NOISE, 13, 17, 5), "two fields of the address exchanged"),
    "unaligned":
        ((1, 2, Purpose.DRIFT_EXPONENT, 3, 4, 4 * 10 ** 6 + 3), "start taken as a block, not an element"),
    "high-block":
        ((1, 2, Purpose.READ_NOISE, 3, 4, 2 ** 34 - 2), "carry from the low into the high counter word lost"),
    "largest-fields":
        ((MAX_32, MAX_32, 22, 2 ** 16 - 1, MAX_32, 2 ** 63), "a field cut off or sign-extended"),
}


def cases():
    """18 cases: Philox itself, then words, uniforms and normals at every address, last a permutation."""
    found = _philox()
    for name, (address, catches) in ADDRESSES.items():
        found += _numbers(name, dict(zip(FIELDS, map(int, address))), catches)
    return found + [_permutation()]


def _philox():
    random = np.random.Generator(np.random.PCG64(0))
    return [
        case("L0-philox-known", "philox4x32", PHILOX,
             catches="wrong rounds, multipliers or key schedule (published answers)",
             inputs=[stored("counter", np.array(KNOWN_COUNTERS, np.uint32)),
                     stored("key", np.array(KNOWN_KEYS, np.uint32))],
             outputs={"words": exact("uint32")}),
        case("L0-philox-many", "philox4x32", PHILOX,
             catches="carry or overflow in the 32 x 32 bit products",
             inputs=[stored("counter", random.integers(0, 2 ** 32, (64, 4), np.uint32)),
                     stored("key", random.integers(0, 2 ** 32, (64, 2), np.uint32))],
             outputs={"words": exact("uint32")})]


def _numbers(name, address, catches):
    return [
        case(f"L0-words-{name}", "random_words", NUMBER, catches,
             inputs=[],
             outputs={"words": exact("uint32")},
             parameters={**address, "count": 37}),
        case(f"L0-uniforms-{name}", "random_uniforms", "u = (word + 0.5) / 2^32",
             catches="half of a step left out; division by 2^32 - 1",
             inputs=[],
             outputs={"uniforms": ulp(0, "exact in float64")},
             parameters={**address, "count": 37}),
        case(f"L0-normals-{name}", "random_normals", "z = inverse normal distribution function of u",
             catches="Box-Muller or another quantile; a tail treated wrongly; 1 - u for u",
             inputs=[],
             outputs={"normals": ulp(2, "AS 241 in float64, whatever the order of operations")},
             parameters={**address, "count": 2000 if name == "plain" else 37})]  # 2000 reach both tails


def _permutation():
    return case("L0-permutation", "random_permutation",
                "items in the order of the 64-bit keys word(2 i) 2^32 + word(2 i + 1)",
                catches="high and low word of the key exchanged; unstable sort",
                inputs=[],
                outputs={"permutation": exact("int64")},
                parameters={"seed": 3, "chip": 0, "purpose": 2, "layer": 0, "draw": 5, "start": 0, "count": 500})
