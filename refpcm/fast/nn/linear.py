"""The linear layer, by its own kernels instead of BLAS."""

import numpy as np

from refpcm.fast.kernels import head
from refpcm.fast.nn.operands import float32
from refpcm.fast.threads import run_tasks


def linear_forward(x, w, bias):
    """Return x w^T + bias: x (N, D), w (M, D), bias (M,) -> (N, M)."""
    out = np.empty((len(x), len(w)), np.float32)
    run_tasks(head.linear, len(x), float32(x), float32(w), float32(bias), out)
    return out


def linear_backward(dout, x, w):
    """Return dL/dx (N, D), dL/dw (M, D), dL/dbias (M,)."""
    dx, dw, dbias = np.empty(x.shape, np.float32), np.empty(w.shape, np.float32), np.empty(len(w), np.float32)
    run_tasks(head.linear_weight_gradient, len(w), float32(dout), float32(x), dw, dbias)
    run_tasks(head.linear_input_gradient, len(x), float32(dout), float32(w), dx)
    return dx, dw, dbias
