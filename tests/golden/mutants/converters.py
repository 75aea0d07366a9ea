"""Mistakes in the converters' codes and in products on tiles (L3). The right code is in `refpcm.spec.pcm.converters`."""

import numpy as np

from refpcm.spec.pcm import converters, tile
from tests.golden.mutants.replacing import changed_inputs, exchanged, parameter, replaced


def _coded(rounding, lowest=0, levels=lambda n: n):
    """Codes by another rounding, from `lowest` below the right lowest code on, levels(largest code) over the range."""
    def codes(x, converter, full_scale):
        steps = rounding(np.asarray(x, np.float64) / full_scale * levels(converter.levels))
        return np.clip(steps, -converter.levels - lowest, converter.levels).astype(np.int32)
    return replaced(converters, "codes", codes)


def _half_away_from_zero(steps):
    return np.trunc(steps + np.copysign(0.5, steps))


def _half_up(steps):
    return np.floor(steps + 0.5)


def _no_saturation(x, converter, full_scale):
    return np.rint(np.asarray(x, np.float64) / full_scale * converter.levels).astype(np.int32)


def _full_parts_first(size, limit):
    limit = limit or size
    return [(begin, min(begin + limit, size)) for begin in range(0, size, limit)]


MUTANTS = [
    ("half-away", "rounding half away from zero", _coded(_half_away_from_zero)),
    ("truncation", "codes truncated", _coded(np.trunc)),
    ("half-up", "rounding half up", _coded(_half_up)),
    ("twos-complement", "a code -2^(bits-1)", _coded(np.rint, lowest=1)),
    ("levels-power-of-two", "2^(bits-1) steps", _coded(np.rint, levels=lambda n: n + 1)),
    ("no-saturation", "codes beyond the range", replaced(converters, "codes", _no_saturation)),
    ("uneven-parts", "row parts of 8, 8 and 4 instead of 7, 7 and 6", replaced(tile, "parts", _full_parts_first)),
    ("ranges-exchanged", "DAC and ADC ranges exchanged",
     changed_inputs("tile_product", exchanged("input_range", "output_range"))),
    ("output-noise-relative", "output noise not scaled by W_max",
     changed_inputs("tile_product", parameter("w_max", 1.0))),
]
