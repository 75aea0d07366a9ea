"""Average, global average and max pooling."""

import numpy as np

from refpcm.spec.nn.conv2d import add_windows, windows


def average_pool_forward(x, kernel, stride):
    """x (N, C, H, W) -> (N, C, H_out, W_out), mean of each kernel x kernel window, no padding. E-18."""
    return windows(x, kernel, stride, 0).mean((-2, -1), dtype=x.dtype)


def average_pool_backward(dout, shape, kernel, stride):
    """dL/dx of `shape`: each window's gradient spread evenly over its pixels. E-18."""
    parts = np.broadcast_to((dout / kernel ** 2).astype(dout.dtype)[..., None, None], dout.shape + (kernel, kernel))
    return add_windows(parts, shape, stride, 0)


def global_average_pool_forward(x):
    """x (N, C, H, W) -> (N, C). E-19."""
    return x.mean((2, 3), dtype=x.dtype)


def global_average_pool_backward(dout, shape):
    """dL/dx of `shape` (N, C, H, W) from dout (N, C). E-19."""
    return np.broadcast_to(dout[:, :, None, None] / dout.dtype.type(shape[2] * shape[3]), shape).copy()


def max_pool_forward(x, kernel, stride, padding):
    """x (N, C, H, W) -> out, argmax, both (N, C, H_out, W_out). Padding is -infinity. E-20.

    argmax is the place r kernel + s in the window; of equal maxima the first in row-major order counts.
    """
    view = windows(x, kernel, stride, padding, fill=-np.inf)
    flat = view.reshape(view.shape[:4] + (kernel * kernel,))
    argmax = flat.argmax(-1)
    return np.take_along_axis(flat, argmax[..., None], -1)[..., 0], argmax


def max_pool_backward(dout, argmax, shape, kernel, stride, padding):
    """dL/dx of `shape`: the gradient goes to the pixel that was the maximum. E-20."""
    parts = np.zeros(dout.shape + (kernel * kernel,), dout.dtype)
    np.put_along_axis(parts, argmax[..., None], dout[..., None], -1)
    return add_windows(parts.reshape(dout.shape + (kernel, kernel)), shape, stride, padding)
