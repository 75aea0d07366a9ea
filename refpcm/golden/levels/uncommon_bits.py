"""L0 where few random numbers lead: carries in Philox's products, blocks cut by a range, far starts, two equal keys.

Kit 2.1 has them, nearly all because of a mistake that kit 2.0 let pass.
"""

import numpy as np

from refpcm.golden.build import case, exact
from refpcm.golden.case import stored
from refpcm.golden.levels.level0 import NUMBER, PHILOX
from refpcm.spec.random import MULTIPLIERS, Purpose

ADDRESS = {"seed": 5, "chip": 6, "purpose": int(Purpose.READ_NOISE), "layer": 7, "draw": 8}
TIED_SEED, TIED_COUNT = 1354, 3000  # of the first permutation in which the second words put two equal first words in order


def cases():
    """4 cases."""
    return [_carry(), _words("across", 3, 6, "ceil(count / 4) blocks: one too few where the range begins inside a block"),
            _words("far", 2 ** 60 + 2 ** 7 + 1, 9, "the start in a float64, which has 53 bits"), _tied()]


def _carry():
    """Counters whose first products end in 2^32 - 1, 2^32 - 2, ...: the high word of a rounded product is one too large."""
    first, second = (pow(int(multiplier), -1, 2 ** 32) for multiplier in MULTIPLIERS)
    counters = [[-first * k % 2 ** 32, 10 * k, -second * k % 2 ** 32, 20 * k] for k in range(1, 9)]
    keys = [[k, 2 ** 32 - k] for k in range(1, 9)]
    return case("L0-philox-carry", "philox4x32", PHILOX,
                catches="the high word of a product by a division in float64",
                inputs=[stored("counter", np.array(counters, np.uint32)), stored("key", np.array(keys, np.uint32))],
                outputs={"words": exact("uint32")})


def _words(name, start, count, catches):
    return case(f"L0-words-{name}", "random_words", NUMBER, catches, inputs=[], outputs={"words": exact("uint32")},
                parameters={**ADDRESS, "start": start, "count": count})


def _tied():
    return case("L0-permutation-tied", "random_permutation",
                "items in the order of the 64-bit keys word(2 i) 2^32 + word(2 i + 1)",
                catches="items sorted by the first of their two words", inputs=[], outputs={"permutation": exact("int64")},
                parameters={"seed": TIED_SEED, "chip": 0, "purpose": 2, "layer": 0, "draw": 0, "start": 0, "count": TIED_COUNT})
