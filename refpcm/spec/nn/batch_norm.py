"""Batch norm over (N, H, W) for each channel (Ioffe and Szegedy 2015).

    out = gamma (x - mu) / sqrt(var + EPSILON) + beta

Training uses mean and biased variance of the batch. The running statistics, used by inference, take in training the mean
and the unbiased variance (n / (n - 1)), as PyTorch does; AdaBS (Joshi et al. 2020, eq. 5) takes the biased one.
"""

from typing import NamedTuple

import numpy as np

from refpcm.errors import RefpcmError

EPSILON = 1e-5
MOMENTUM = 0.1  # weight of the new batch in the running statistics during training


class Statistics(NamedTuple):
    """Of a batch: mean and biased variance of each channel, float64 (C,), and the number of values of a channel."""
    mean: np.ndarray
    variance: np.ndarray
    count: int


def unbiased(statistics):
    """Return the unbiased variance, n / (n - 1) times the biased one. E-14."""
    return statistics.variance * statistics.count / (statistics.count - 1)


def per_channel(v):
    """(C,) -> (1, C, 1, 1)."""
    return v[None, :, None, None]


def check_shapes(x, *vectors):
    """Raises RefpcmError unless x is (N, C, H, W), with channels, and every other array (C,)."""
    if x.ndim != 4 or not x.shape[1] or any(vector.shape != x.shape[1:2] for vector in vectors):
        raise RefpcmError("batch norm wants x (N, C, H, W), C > 0, and everything else (C,), got "
                          + ", ".join(str(array.shape) for array in (x, *vectors)))


def batch_norm_training(x, gamma, beta):
    """Return out (N, C, H, W), the batch's Statistics and a cache for the backward pass, of x (N, C, H, W), gamma, beta (C,).
    E-11.

    Statistics are summed in float64. Raises RefpcmError when a channel has a single value, whose variance
    is undefined, and for other shapes.
    """
    check_shapes(x, gamma, beta)
    n = x.size // x.shape[1]
    if n < 2:
        raise RefpcmError("batch norm in training needs at least two values a channel; use a larger batch")
    mean = x.mean((0, 2, 3), dtype=np.float64)
    var = np.square(x - per_channel(mean)).mean((0, 2, 3))
    inverse_std = 1 / np.sqrt(var + EPSILON)
    x_hat = ((x - per_channel(mean)) * per_channel(inverse_std)).astype(x.dtype)
    out = per_channel(gamma) * x_hat + per_channel(beta)
    return out, Statistics(mean, var, n), (x_hat, inverse_std)


def batch_norm_backward(dout, gamma, cache):
    """-> dx, dgamma, dbeta. The batch statistics depend on x. E-12.

        dx = gamma / std (dout - mean(dout) - x_hat mean(dout x_hat))
    """
    x_hat, inverse_std = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum((0, 2, 3), dtype=np.float64)
    dgamma = (dout * x_hat).sum((0, 2, 3), dtype=np.float64)
    centred = dout - per_channel(dbeta / n) - x_hat * per_channel(dgamma / n)
    dx = (per_channel(gamma * inverse_std) * centred).astype(dout.dtype)
    return dx, dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)


def running_statistics(norm, statistics):
    """Return {name of the running statistic: (C,)} of the batch norm layer `norm`, as training takes them from a batch."""
    return {f"{norm}.running_mean": statistics.mean, f"{norm}.running_var": unbiased(statistics)}


def mean_statistics(batches):
    """Return {running statistic: float64 (C,)}: the mean over many batches of {norm: Statistics}. E-87.

    Every batch has equal weight (Izmailov et al. 2018, algorithm 1, last step).
    """
    sums, count = {}, 0
    for count, statistics in enumerate(batches, 1):
        for norm, found in statistics.items():
            for name, value in running_statistics(norm, found).items():
                sums[name] = sums.get(name, 0.0) + value.astype(float)
    return {name: total / count for name, total in sums.items()}


def batch_norm_inference(x, gamma, beta, running_mean, running_var):
    """x (N, C, H, W) -> out with the running statistics: a fixed affine map for each channel. E-13.

    Raises RefpcmError for other shapes.
    """
    check_shapes(x, gamma, beta, running_mean, running_var)
    scale = gamma / np.sqrt(running_var + x.dtype.type(EPSILON))
    return per_channel(scale) * (x - per_channel(running_mean)) + per_channel(beta)


def batch_norm_inference_backward(dout, x, gamma, running_mean, running_var):
    """-> dx, dgamma, dbeta of `batch_norm_inference`, whose statistics are constants. E-13."""
    inverse_std = 1 / np.sqrt(running_var + x.dtype.type(EPSILON))
    x_hat = (x - per_channel(running_mean)) * per_channel(inverse_std)
    return per_channel(gamma * inverse_std) * dout, (dout * x_hat).sum((0, 2, 3)), dout.sum((0, 2, 3))


def update_running(running, batch, momentum=MOMENTUM):
    """(1 - momentum) running + momentum batch, each (C,). E-14."""
    return ((1 - momentum) * running.astype(np.float64) + momentum * batch).astype(running.dtype)
