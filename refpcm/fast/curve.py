"""Curves over relative conductance inside kernels: the Numba form of `refpcm.spec.pcm.curve`, same bits."""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.elementary import exp_at, log_at
from refpcm.spec.pcm.curve import FORMS, SMALLEST_G, four


def encode(curve):
    """The curve as float64 (pieces, 8) for kernels: form, c0, c1, c2, c3, low, high, below."""
    return np.array([(FORMS.index(p.form), *four(p.coefficients), p.low, p.high, p.below) for p in curve])


def curve_value(curve, g):
    """Return the curve at relative conductance g; see `refpcm.spec.pcm.curve.curve_value`."""
    g, encoded = np.ascontiguousarray(g, np.float64), encode(curve)
    log_g, out = np.empty(g.size), np.empty(g.size)
    fill_value(encoded, g.reshape(-1), log_g, out)
    return out.reshape(g.shape)


@kernel
def fill_value(curve, g, log_g, out):
    """out (n,) <- the encoded curve at g (n,); log_g (n,): scratch."""
    if uses_log(curve):
        fill_log(g, log_g)
    fill_curve(curve, g, log_g, out)


@kernel
def uses_log(curve):
    """Whether a piece of the encoded curve is a function of ln g."""
    for p in range(len(curve)):
        if curve[p, 0] == 1 or curve[p, 0] == 2:
            return True
    return False


@kernel
def fill_log(g, log_g):
    """log_g (n,) <- ln g as logarithms and powers take it."""
    for i in range(g.size):
        log_g[i] = log_at(max(g[i], SMALLEST_G))


@kernel
def fill_curve(curve, g, log_g, out):
    """out (n,) <- the encoded curve at g (n,); log_g (n,): as `fill_log` fills it, read if `uses_log(curve)`.

    Every piece is tried on every g, the last piece first: loops without branches, which vectorise.
    """
    out[:] = np.nan
    for p in range(len(curve) - 1, -1, -1):
        c0, c1, c2, c3, low, high, below = (curve[p, 1], curve[p, 2], curve[p, 3], curve[p, 4], curve[p, 5],
                                            curve[p, 6], curve[p, 7])
        if curve[p, 0] == 0:
            for i in range(g.size):
                value = min(max(((c3 * g[i] + c2) * g[i] + c1) * g[i] + c0, low), high)
                out[i] = value if g[i] < below else out[i]
        elif curve[p, 0] == 1:
            for i in range(g.size):
                value = min(max(c0 * log_g[i] + c1, low), high)
                out[i] = value if g[i] < below else out[i]
        elif curve[p, 0] == 2:
            for i in range(g.size):
                value = min(max(c0 * exp_at(c1 * log_g[i]), low), high)
                out[i] = value if g[i] < below else out[i]
        else:
            for i in range(g.size):
                value = min(max(1.0 / (c0 * g[i] + c1), low), high)
                out[i] = value if g[i] < below else out[i]
