"""Numeric gradients by central differences: the check that every handwritten backward must pass."""

import numpy as np


def numeric_gradient(function, x, dout, step=1e-5):
    """d(sum(function(x) dout))/dx, element by element, for float64 x of any shape. E-24.

    Error O(step^2) from the third derivative plus O(u / step) from rounding: about 1e-10 relative for
    values near 1.
    """
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + step
        above = np.sum(function(x) * dout)
        x[index] = kept - step
        below = np.sum(function(x) * dout)
        x[index] = kept
        gradient[index] = (above - below) / (2 * step)
    return gradient


def relative_error(a, b):
    """max |a - b| / max(|a|, |b|): 0 for equal arrays."""
    scale = max(np.abs(a).max(), np.abs(b).max())
    return 0.0 if scale == 0 else float(np.abs(a - b).max() / scale)
