"""L0 bits: the random numbers, word for word."""

import numpy as np

from refpcm import rng
from refpcm.golden.build import case, exact, ulp
from refpcm.golden.case import stored

PHILOX = "Philox4x32-10: words = philox(counter, key) (Salmon et al., SC'11)"
NUMBER = "word(i) = philox(counter = (b low, b high, draw, purpose << 16 | layer), key = (seed, chip))[i mod 4], b = i // 4"

# Random123 1.09, file kat_vectors, philox 4x32 10: counter, key (its words are known; tests/golden compares them)
KNOWN_COUNTERS = ((0, 0, 0, 0), (0xFFFFFFFF,) * 4, (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344))
KNOWN_KEYS = ((0, 0), (0xFFFFFFFF,) * 2, (0xA4093822, 0x299F31D0))

ADDRESSES = {  # id: (seed, chip, purpose, layer, draw, start), the mistake it catches
    "plain": ((0, 0, rng.Purpose.PROGRAMMING, 0, 0, 0), "counter off by one; purpose and layer in the wrong half"),
    "every-field": ((7, 11, rng.Purpose.READ_NOISE, 13, 17, 5), "two fields of the address exchanged"),
    "unaligned": ((1, 2, rng.Purpose.DRIFT_EXPONENT, 3, 4, 4 * 10 ** 6 + 3), "start taken as a block, not an element"),
    "high-block": ((1, 2, rng.Purpose.READ_NOISE, 3, 4, 2 ** 34 - 2), "carry from the low into the high counter word lost"),
    "largest-fields": ((2 ** 32 - 1, 2 ** 32 - 1, 22, 2 ** 16 - 1, 2 ** 32 - 1, 2 ** 63), "a field cut off or sign-extended"),
}


def cases():
    random = np.random.Generator(np.random.PCG64(0))
    found = [case("L0-philox-known", 0, "philox4x32", PHILOX, "wrong rounds, multipliers or key schedule (published answers)",
                  [stored("counter", np.array(KNOWN_COUNTERS, np.uint32)), stored("key", np.array(KNOWN_KEYS, np.uint32))],
                  {"words": ("uint32", "1", exact())}),
             case("L0-philox-many", 0, "philox4x32", PHILOX, "carry or overflow in the 32 x 32 bit products",
                  [stored("counter", random.integers(0, 2 ** 32, (64, 4), np.uint32)),
                   stored("key", random.integers(0, 2 ** 32, (64, 2), np.uint32))], {"words": ("uint32", "1", exact())})]
    for name, (address, catches) in ADDRESSES.items():
        parameters = dict(zip(("seed", "chip", "purpose", "layer", "draw", "start"), map(int, address)))
        found.append(case(f"L0-words-{name}", 0, "random_words", NUMBER, catches, [],
                          {"words": ("uint32", "1", exact())}, {**parameters, "count": 37}))
        found.append(case(f"L0-uniforms-{name}", 0, "random_uniforms", "u = (word + 0.5) / 2^32",
                          "half of a step left out; division by 2^32 - 1", [],
                          {"uniforms": ("float64", "1", ulp(0, "exact in float64"))}, {**parameters, "count": 37}))
        found.append(case(f"L0-normals-{name}", 0, "random_normals", "z = inverse normal distribution function of u",
                          "Box-Muller or another quantile; a tail treated wrongly; 1 - u for u", [],
                          {"normals": ("float64", "1", ulp(2, "AS 241 in float64, whatever the order of operations"))},
                          {**parameters, "count": 37 if name != "plain" else 2000}))
    found.append(case("L0-permutation", 0, "random_permutation",
                      "items in the order of the 64-bit keys word(2 i) 2^32 + word(2 i + 1)",
                      "high and low word of the key exchanged; unstable sort", [],
                      {"permutation": ("int64", "1", exact())},
                      {"seed": 3, "chip": 0, "purpose": 2, "layer": 0, "draw": 5, "start": 0, "count": 500}))
    return found
