"""Digital-to-analog and analog-to-digital converters.

A converter of b bits has the codes -(2^(b-1) - 1) .. 2^(b-1) - 1, symmetric about zero, spread evenly over
-range .. range. Rounding is half-to-even; what lies beyond the range saturates, and is counted. The arithmetic is
float64, rounded to the precision of the input last.
"""

from dataclasses import dataclass

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.arrays import real_numbers


@dataclass(frozen=True)
class Converter:
    """bits: 2 .. 24, or None for an ideal converter that passes everything on."""
    bits: int = 8

    def __post_init__(self):
        if self.bits is not None and not (isinstance(self.bits, int) and 2 <= self.bits <= 24):
            raise RefpcmError(f"a converter has 2 to 24 bits, not {self.bits!r}; an ideal one is had by giving no bits")

    @property
    def levels(self):
        """Largest code. E-46."""
        return 2 ** (self.bits - 1) - 1


def codes(x, converter, full_scale):
    """Codes clip(round(x / step)), step = range / levels: int32 of x's shape. full_scale: the range, above 0. E-46.

    Raises RefpcmError for NaN, which has no code.
    """
    x = real_numbers(x, "the input of a converter")
    if np.isnan(x).any():
        raise RefpcmError("a converter has no code for NaN: look for where the numbers it converts stopped being ones")
    steps = np.rint(np.asarray(x, np.float64) / (full_scale / converter.levels))
    return np.clip(steps, -converter.levels, converter.levels).astype(np.int32)


def convert(x, converter, full_scale):
    """What the codes of a float array x stand for: code * step, in x's precision. An ideal converter returns x. E-47.

    NaN stays NaN, so that whoever reads the end of a long computation finds out. Raises RefpcmError for what is not real.
    """
    x = real_numbers(x, "the input of a converter")
    if converter.bits is None:
        return x
    lost = np.isnan(x)
    values = codes(np.where(lost, 0, x), converter, full_scale) * (full_scale / converter.levels)
    return np.where(lost, np.nan, values).astype(x.dtype)


def saturated(x, converter, full_scale):
    """How many elements lie beyond the range: those that rounding alone would put past the last code; NaN does not.

    E-48.
    """
    if converter.bits is None:
        return 0
    x = real_numbers(x, "the input of a converter")
    steps = np.rint(np.asarray(x, np.float64) / (full_scale / converter.levels))
    return int(np.count_nonzero(np.abs(steps) > converter.levels))
