"""Convolution (cross-correlation, as every deep-learning framework defines it) through im2col.

    out[n, k, i, j] = sum_{c, r, s} x[n, c, stride i + r - padding, stride j + s - padding] w[k, c, r, s]

with x taken as zero outside the image. A column of the im2col matrix is what one crossbar sees on its
rows for one output pixel; the flattened weights are the crossbar's conductance targets.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from refpcm.errors import RefpcmError


def output_size(size, kernel, stride, padding):
    """Output rows or columns: floor((size + 2 padding - kernel) / stride) + 1. E-8.

    Raises RefpcmError if the kernel does not fit.
    """
    if kernel > size + 2 * padding:
        raise RefpcmError(f"a kernel of {kernel} does not fit an input of {size} with padding {padding}")
    return (size + 2 * padding - kernel) // stride + 1


def windows(x, kernel, stride, padding, fill=0):
    """All kernel x kernel windows of x (N, C, H, W) as a view (N, C, H_out, W_out, kernel, kernel)."""
    for size in x.shape[2:]:
        output_size(size, kernel, stride, padding)
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), constant_values=fill)
    return sliding_window_view(padded, (kernel, kernel), axis=(2, 3))[:, :, ::stride, ::stride]


def im2col(x, kernel, stride, padding):
    """x (N, C, H, W) -> (N, C kernel kernel, H_out W_out); row index c, r, s in C order. E-9."""
    view = windows(x, kernel, stride, padding)
    n, c, h_out, w_out = view.shape[:4]
    return view.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kernel * kernel, h_out * w_out)


def add_windows(parts, shape, stride, padding):
    """Transpose of `windows`: add parts (N, C, H_out, W_out, k, k) into an array of `shape` (N, C, H, W). E-10."""
    n, c, h, w = shape
    h_out, w_out, kernel = parts.shape[2], parts.shape[3], parts.shape[4]
    padded = np.zeros((n, c, h + 2 * padding, w + 2 * padding), parts.dtype)
    for r in range(kernel):
        for s in range(kernel):
            padded[:, :, r:r + stride * h_out:stride, s:s + stride * w_out:stride] += parts[..., r, s]
    return padded[:, :, padding:padding + h, padding:padding + w]


def check_shapes(x, w):
    """Raises RefpcmError unless x is (N, C, H, W) and w (K, C, k, k)."""
    if x.ndim != 4 or w.ndim != 4 or w.shape[2] != w.shape[3] or x.shape[1] != w.shape[1]:
        raise RefpcmError(f"conv2d wants x (N, C, H, W) and w (K, C, k, k), got {x.shape} and {w.shape}")


def conv2d_forward(x, w, stride=1, padding=0):
    """x (N, C, H, W), w (K, C, k, k) -> (N, K, H_out, W_out). Raises RefpcmError for shapes that do not fit. E-9."""
    check_shapes(x, w)
    kernel = w.shape[2]
    h_out, w_out = (output_size(size, kernel, stride, padding) for size in x.shape[2:])
    out = w.reshape(len(w), -1) @ im2col(x, kernel, stride, padding)
    return out.reshape(len(x), len(w), h_out, w_out)


def conv2d_backward(dout, x, w, stride=1, padding=0):
    """dL/dout (N, K, H_out, W_out) -> dL/dx (N, C, H, W), dL/dw (K, C, k, k). E-10.

    dw = sum_n dout[n] col[n]^T; dx = im2col^T (w^T dout). `w` is used for dx only, so that the caller may
    pass other weights than those of the forward pass (interpretation I-2, `clean`).
    """
    check_shapes(x, w)
    kernel = w.shape[2]
    n, k, h_out, w_out = dout.shape
    flat = dout.reshape(n, k, h_out * w_out)
    columns = im2col(x, kernel, stride, padding)
    dw = np.einsum("nkp,nqp->kq", flat, columns, optimize=True).reshape(w.shape)
    dcolumns = w.reshape(k, -1).T @ flat
    parts = dcolumns.reshape(n, x.shape[1], kernel, kernel, h_out, w_out).transpose(0, 1, 4, 5, 2, 3)
    return add_windows(parts, x.shape, stride, padding), dw
