"""The linear layer, by its own kernels instead of BLAS."""

import numpy as np

from refpcm.fast.kernels import head
from refpcm.fast.nn.operands import demand_shape, float32
from refpcm.fast.threads import run_tasks
from refpcm.spec.nn.linear import check_shapes


def linear_forward(x, w, bias):
    """Return x w^T + bias: x (N, D), w (M, D), bias (M,) -> (N, M). Raises RefpcmError for shapes that do not fit."""
    check_shapes(x, w, bias)
    out = np.empty((len(x), len(w)), np.float32)
    run_tasks(head.linear, len(x), float32(x), float32(w), float32(bias), out)
    return out


def linear_backward(dout, x, w):
    """Return dL/dx (N, D), dL/dw (M, D), dL/dbias (M,). Raises RefpcmError as `linear_forward`, and for dout but (N, M)."""
    check_shapes(x, w, np.empty(len(w)))
    demand_shape("dout", dout, (len(x), len(w)))
    dx, dw, dbias = np.empty(x.shape, np.float32), np.empty(w.shape, np.float32), np.empty(len(w), np.float32)
    run_tasks(head.linear_weight_gradient, len(w), float32(dout), float32(x), dw, dbias)
    run_tasks(head.linear_input_gradient, len(x), float32(dout), float32(w), dx)
    return dx, dw, dbias
