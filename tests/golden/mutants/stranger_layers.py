"""Mistakes in layers and loss, in few shapes and at few values: invented by a stranger to the cases of kit 2.0.

A comment says which inputs show the mistake, where few do.
"""


import numpy as np

from refpcm.spec import elementary, nn
from refpcm.spec.nn import batch_norm as norms
from refpcm.spec.nn.conv2d import windows
from refpcm.spec.training import step as steps
from tests.golden.mutants.replacing import replaced

CONV, CONV_BACKWARD, LINEAR, LINEAR_BACKWARD = (nn.conv2d_forward, nn.conv2d_backward, nn.linear_forward,
                                                nn.linear_backward)


NORM, MAX_POOL, LOSS = nn.batch_norm_training, nn.max_pool_forward, nn.cross_entropy


def conv_square(x, w, stride=1, padding=0):
    out = CONV(x, w, stride, padding)
    out[..., out.shape[2]:] = 0
    return out


def dx_not_strided(dout, x, w, stride=1, padding=0):
    dx, dw = CONV_BACKWARD(dout, x, w, stride, padding)
    if w.shape[2] == 1 and stride > 1 and padding == 0:
        dx = np.zeros_like(dx)
        dx[:, :, :dout.shape[2], :dout.shape[3]] = np.einsum("nkij,kc->ncij", dout, w[:, :, 0, 0])
    return dx, dw


def dw_not_strided(dout, x, w, stride=1, padding=0):
    dx, _ = CONV_BACKWARD(dout, x, w, stride, padding)
    view = windows(x, w.shape[2], 1, padding)[:, :, :dout.shape[2], :dout.shape[3]]
    return dx, np.einsum("nkij,ncijrs->kcrs", dout, view).astype(w.dtype)


def linear_square(x, w, bias):
    return LINEAR(x, w.T if len(w) == w.shape[1] else w, bias)


def linear_square_backward(dout, x, w):
    dx, dw, dbias = LINEAR_BACKWARD(dout, x, w)
    return (dout @ w.T, dw.T, dbias) if len(w) == w.shape[1] else (dx, dw, dbias)


def max_pool_from_flt_min(x, kernel, stride, padding):
    out, argmax = MAX_POOL(x, kernel, stride, padding)
    return np.maximum(out, np.finfo(out.dtype).tiny), argmax


def loss_with_one_maximum(logits, labels, smoothing=0.0):
    n, m = logits.shape
    z = logits.astype(np.float64)
    z = z - z.max()
    log_p = z - elementary.log(elementary.exp(z).sum(1, keepdims=True))
    q = np.full((n, m), smoothing / m)
    q[np.arange(n), labels] += 1 - smoothing
    return -(q * log_p).sum() / n, ((elementary.exp(log_p) - q) / n).astype(logits.dtype)


def loss_of_8_bit_labels(logits, labels, smoothing=0.0):
    return LOSS(logits, labels.astype(np.uint8).astype(np.int64), smoothing)


def losses(function):
    return [(nn, "cross_entropy", function), (steps, "cross_entropy", function)]


def norm_counts_images(x, gamma, beta):
    out, statistics, cache = NORM(x, gamma, beta)
    return out, statistics._replace(count=max(len(x), 2)), cache


def norm_cache_is_out(x, gamma, beta):
    out, statistics, (_, inverse_std) = NORM(x, gamma, beta)
    return out, statistics, (out, inverse_std)


def norm_in_one_pass(x, gamma, beta):
    mean = x.mean((0, 2, 3), dtype=x.dtype)
    var = np.maximum((x * x).mean((0, 2, 3), dtype=x.dtype) - mean * mean, 0)
    inverse_std = 1 / np.sqrt(var.astype(np.float64) + norms.EPSILON)
    x_hat = ((x - norms.per_channel(mean)) * norms.per_channel(inverse_std)).astype(x.dtype)
    statistics = norms.Statistics(mean.astype(np.float64), var.astype(np.float64), x.size // x.shape[1])
    return norms.per_channel(gamma) * x_hat + norms.per_channel(beta), statistics, (x_hat, inverse_std)


MUTANTS = [
    # images wider than high
    ("conv-width-is-height", "output columns are computed as far as there are output rows",
     replaced(nn, "conv2d_forward", conv_square)),
    # 1x1 kernels with stride
    ("conv-1x1-dx-not-strided", "dx of a 1x1 convolution is not spread by its stride",
     replaced(nn, "conv2d_backward", dx_not_strided)),
    # stride above 1
    ("conv-dw-not-strided", "dw as if the windows stood at stride 1",
     replaced(nn, "conv2d_backward", dw_not_strided)),
    # as many outputs as inputs
    ("linear-square-not-transposed", "a square weight matrix is used as it is, not transposed",
     [*replaced(nn, "linear_forward", linear_square), *replaced(nn, "linear_backward", linear_square_backward)]),
    # windows of negative numbers (and zeros: 1e-38)
    ("max-pool-from-flt-min", "the search for the maximum begins at the smallest positive number",
     replaced(nn, "max_pool_forward", max_pool_from_flt_min)),
    # images whose logits are 700 and more below those of another
    ("loss-one-maximum-for-all", "the largest logit of the whole batch is subtracted, not of each image",
     losses(loss_with_one_maximum)),
    # labels from 256 on
    ("loss-labels-8-bit", "labels are stored in 8 bits",
     losses(loss_of_8_bit_labels)),
    ("norm-unbiased-by-images", "n / (n - 1) of the unbiased variance: n counts the images only",
     replaced(nn, "batch_norm_training", norm_counts_images)),
    # gamma other than 1 or beta other than 0
    ("norm-cache-overwritten", "backward takes the output where x_hat belongs: scaled and shifted in place",
     replaced(nn, "batch_norm_training", norm_cache_is_out)),
    # float32, means far larger than the spread
    ("norm-variance-in-one-pass", "variance as mean of squares less squared mean, in the precision of x",
     replaced(nn, "batch_norm_training", norm_in_one_pass)),
]
