"""Curves over relative conductance: how a device parameter depends on g = G / G_max.

A curve is a tuple of pieces in ascending order; a piece holds below its `below` and gives a simple function of g,
clipped to [low, high]. Measured tables become straight pieces.
"""

from dataclasses import dataclass
from math import inf

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.elementary import exp, log

FORMS = ("polynomial", "logarithm", "power", "reciprocal")
SMALLEST_G = 1e-7  # smaller g counts as this in ln g and powers; all published fits have saturated by then


@dataclass(frozen=True)
class Piece:
    """One piece, c = coefficients.

    polynomial: c0 + c1 g + c2 g^2 + c3 g^3; logarithm: c0 ln g + c1; power: c0 g^c1; reciprocal: 1 / (c0 g + c1).
    """
    form: str
    coefficients: tuple
    low: float = -inf
    high: float = inf
    below: float = inf

    def __post_init__(self):
        wanted = {"polynomial": 4, "logarithm": 2, "power": 2, "reciprocal": 2}.get(self.form, 0)
        if not 1 <= len(self.coefficients) <= wanted:
            raise RefpcmError(f"a curve's piece is one of {', '.join(FORMS)} with up to 4, 2, 2, 2 coefficients, "
                              f"not {self.form} with {len(self.coefficients)}")


def polynomial(*coefficients, low=-inf, high=inf, below=inf):
    """The Piece c0 + c1 g + c2 g^2 + c3 g^3, clipped to low .. high, for g below `below`.

    Raises RefpcmError unless there are 1 to 4 coefficients.
    """
    return Piece("polynomial", coefficients, low, high, below)


def logarithm(slope, offset, low=-inf, high=inf, below=inf):
    """The Piece slope ln g + offset, clipped to low .. high, for g below `below`."""
    return Piece("logarithm", (slope, offset), low, high, below)


def power(factor, exponent, high=inf, below=inf):
    """The Piece min(factor g^exponent, high), for g below `below`."""
    return Piece("power", (factor, exponent), -inf, high, below)


def table(g, values):
    """Straight lines through the points (g, value), g ascending; constant beyond the first and the last. E-27."""
    pieces = [polynomial(values[0], below=g[0])]
    for g0, g1, v0, v1 in zip(g, g[1:], values, values[1:]):
        slope = (v1 - v0) / (g1 - g0)
        pieces.append(polynomial(v0 - slope * g0, slope, below=g1))
    return tuple(pieces) + (polynomial(values[-1]),)


def curve_value(curve, g):
    """The curve at relative conductance g, any shape: float64 of that shape, NaN where no piece reaches g. E-27."""
    g = np.asarray(g, np.float64)
    value = np.full_like(g, np.nan)
    undone = np.ones(g.shape, bool)
    for piece in curve:
        here = undone & (g < piece.below)
        value[here] = np.minimum(np.maximum(_piece_value(piece, g[here]), piece.low), piece.high)
        undone &= ~here
    return value


def _piece_value(piece, g):
    c0, c1, c2, c3 = four(piece.coefficients)
    if piece.form == "polynomial":
        return ((c3 * g + c2) * g + c1) * g + c0
    if piece.form == "reciprocal":
        return 1.0 / (c0 * g + c1)
    log_g = log(np.maximum(g, SMALLEST_G))
    return c0 * log_g + c1 if piece.form == "logarithm" else c0 * exp(c1 * log_g)


def four(coefficients):
    """Return four floats, zeros for the coefficients that a piece does not name."""
    return tuple(float(c) for c in coefficients) + (0.0,) * (4 - len(coefficients))
