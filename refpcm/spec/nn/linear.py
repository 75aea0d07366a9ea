"""Fully connected layer: out = x w^T + bias."""

from refpcm.errors import RefpcmError


def linear_forward(x, w, bias):
    """x (N, D), w (M, D), bias (M,) -> (N, M). Raises RefpcmError for shapes that do not fit. E-21."""
    check_shapes(x, w, bias)
    return x @ w.T + bias


def check_shapes(x, w, bias):
    """Raises RefpcmError unless x is (N, D), w (M, D) and bias (M,)."""
    if x.ndim != 2 or w.ndim != 2 or x.shape[1] != w.shape[1] or bias.shape != (len(w),):
        raise RefpcmError(f"linear wants x (N, D), w (M, D), bias (M,), got {x.shape}, {w.shape}, {bias.shape}")


def linear_backward(dout, x, w):
    """-> dx (N, D), dw (M, D), dbias (M,). `w` is used for dx only (I-2). E-21."""
    return dout @ w, dout.T @ x, dout.sum(0)
