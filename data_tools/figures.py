"""The ten figures of the synthetic set as signed distances: negative inside, positive outside, about 1 per unit length.

x, y are arrays of one shape in units of the figure's radius, the origin in its centre. Only additions,
multiplications, divisions, square roots and comparisons are used: IEEE 754 fixes their last bit, so that the set
is the same on every machine. (A sine would not be: its last bit belongs to the library.)
"""

import numpy as np


def disc(x, y):
    return np.sqrt(x * x + y * y) - 0.8


def ring(x, y):
    return np.abs(np.sqrt(x * x + y * y) - 0.72) - 0.2


def crescent(x, y):
    """A disc less a second one, moved to the right."""
    right = x - 0.5
    return np.maximum(np.sqrt(x * x + y * y) - 0.95, 0.75 - np.sqrt(right * right + y * y))


def triangle(x, y):
    """Equilateral: the largest of three half-planes whose normals are 120 degrees apart."""
    return np.maximum(y, 0.8660254 * np.abs(x) - 0.5 * y) - 0.5


def square(x, y):
    return np.maximum(np.abs(x), np.abs(y)) - 0.72


# Normals of a regular pentagon, 72 degrees apart.
PENTAGON = ((0.0, 1.0), (0.95105652, 0.30901699), (0.58778525, -0.80901699), (-0.58778525, -0.80901699),
            (-0.95105652, 0.30901699))


def star(x, y):
    """Five points: outside at most one side of a pentagon, so the second largest of five half-planes."""
    largest = second = np.full_like(x, -np.inf)
    for normal_x, normal_y in PENTAGON:
        side = x * np.float32(normal_x) + y * np.float32(normal_y)
        second = np.maximum(second, np.minimum(largest, side))
        largest = np.maximum(largest, side)
    return second - 0.4


def cross(x, y):
    x, y = np.abs(x), np.abs(y)
    return np.minimum(np.maximum(x - 0.28, y - 0.9), np.maximum(x - 0.9, y - 0.28))


def _from_nearest(x, period):
    """Distance to the nearest multiple of `period`, with sign."""
    return x - period * np.rint(x / period)


def stripes(x, y):
    """Parallel bars inside a disc."""
    bars = np.abs(_from_nearest(y, 0.64)) - 0.16
    return np.maximum(np.sqrt(x * x + y * y) - 1, bars)


def checks(x, y):
    """Four by four fields of a chess board, every other one filled."""
    u = np.abs(_from_nearest(x - 0.25, 1.0)) - 0.25
    v = np.abs(_from_nearest(y - 0.25, 1.0)) - 0.25
    fields = np.where(u * v > 0, -1, 1) * np.minimum(np.abs(u), np.abs(v))
    return np.maximum(np.maximum(np.abs(x), np.abs(y)) - 1, fields)


def dots(x, y):
    """A square lattice of spots inside a disc."""
    u, v = _from_nearest(x, 0.66), _from_nearest(y, 0.66)
    return np.maximum(np.sqrt(x * x + y * y) - 1, np.sqrt(u * u + v * v) - 0.22)


FIGURES = (disc, ring, crescent, triangle, square, star, cross, stripes, checks, dots)


def distance(kinds, x, y):
    """Signed distance (n, H, W) of figure FIGURES[kinds[i]] for image i; kinds (n,) int, x and y (n, H, W)."""
    result = np.empty_like(x)
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        result[rows] = FIGURES[kind](x[rows], y[rows])
    return result
