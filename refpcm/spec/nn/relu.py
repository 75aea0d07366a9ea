"""Rectified linear unit: max(x, 0), with gradient 0 at x = 0."""

import numpy as np


def relu_forward(x):
    """x (any shape) -> the same shape. E-15."""
    return np.maximum(x, 0)


def relu_backward(dout, out):
    """dL/dx; `out` is the result of the forward pass, positive exactly where x is. E-15."""
    return dout * (out > 0)
