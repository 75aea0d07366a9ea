"""Batch norm over (N, H, W) for each channel (Ioffe and Szegedy 2015).

    out = gamma (x - mu) / sqrt(var + EPSILON) + beta

Training uses mean and biased variance of the batch; the running statistics, used by inference, take the
mean and the unbiased variance (n / (n - 1)), as PyTorch does and as AdaBS (I-11) assumes.
"""

import numpy as np

from refpcm.errors import RefpcmError

EPSILON = 1e-5
MOMENTUM = 0.1  # weight of the new batch in the running statistics during training


def per_channel(v):
    """(C,) -> (1, C, 1, 1)."""
    return v[None, :, None, None]


def batch_norm_training(x, gamma, beta):
    """x (N, C, H, W), gamma, beta (C,) -> out, (mean, unbiased variance), cache for the backward pass.

    Statistics are summed in float64. Raises RefpcmError when a channel has a single value, whose variance
    is undefined.
    """
    n = x.size // x.shape[1]
    if n < 2:
        raise RefpcmError("batch norm in training needs at least two values a channel; use a larger batch")
    mean = x.mean((0, 2, 3), dtype=np.float64)
    var = np.square(x - per_channel(mean)).mean((0, 2, 3))
    inverse_std = 1 / np.sqrt(var + EPSILON)
    x_hat = ((x - per_channel(mean)) * per_channel(inverse_std)).astype(x.dtype)
    out = per_channel(gamma) * x_hat + per_channel(beta)
    return out, (mean, var * n / (n - 1)), (x_hat, inverse_std)


def batch_norm_backward(dout, gamma, cache):
    """-> dx, dgamma, dbeta. The batch statistics depend on x:

        dx = gamma / std (dout - mean(dout) - x_hat mean(dout x_hat))
    """
    x_hat, inverse_std = cache
    n = dout.size // dout.shape[1]
    dbeta = dout.sum((0, 2, 3), dtype=np.float64)
    dgamma = (dout * x_hat).sum((0, 2, 3), dtype=np.float64)
    centred = dout - per_channel(dbeta / n) - x_hat * per_channel(dgamma / n)
    dx = (per_channel(gamma * inverse_std) * centred).astype(dout.dtype)
    return dx, dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)


def mean_statistics(batches):
    """{running statistic: float64 (C,)}: the mean of {norm: (mean, variance)} of many batches.

    Every batch has equal weight (Izmailov et al. 2018, algorithm 1, last step).
    """
    sums, count = {}, 0
    for count, statistics in enumerate(batches, 1):
        for norm, parts in statistics.items():
            for part, value in zip(("running_mean", "running_var"), parts):
                name = f"{norm}.{part}"
                sums[name] = sums.get(name, 0.0) + value.astype(float)
    return {name: total / count for name, total in sums.items()}


def batch_norm_inference(x, gamma, beta, running_mean, running_var):
    """x (N, C, H, W) -> out with the running statistics: a fixed affine map for each channel."""
    scale = gamma / np.sqrt(running_var + x.dtype.type(EPSILON))
    return per_channel(scale) * (x - per_channel(running_mean)) + per_channel(beta)


def batch_norm_inference_backward(dout, x, gamma, running_mean, running_var):
    """-> dx, dgamma, dbeta of `batch_norm_inference`, whose statistics are constants."""
    inverse_std = 1 / np.sqrt(running_var + x.dtype.type(EPSILON))
    x_hat = (x - per_channel(running_mean)) * per_channel(inverse_std)
    return per_channel(gamma * inverse_std) * dout, (dout * x_hat).sum((0, 2, 3)), dout.sum((0, 2, 3))


def update_running(running, batch, momentum=MOMENTUM):
    """(1 - momentum) running + momentum batch, each (C,)."""
    return ((1 - momentum) * running.astype(np.float64) + momentum * batch).astype(running.dtype)
