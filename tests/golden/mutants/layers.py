"""Mistakes in the operators of the network, forward and backward (L2)."""

import numpy as np

from refpcm.spec import nn
from tests.golden.mutants.replacing import changed_inputs, changed_output, replaced


def _true_convolution(x, w, stride=1, padding=0, original=nn.conv2d_forward):
    return original(x, w[:, :, ::-1, ::-1], stride, padding)


def _kernel_transposed(x, w, stride=1, padding=0, original=nn.conv2d_forward):
    return original(x, w.swapaxes(2, 3), stride, padding)


def _windows_shifted(inputs, parameters):
    inputs["x"] = np.roll(inputs["x"], -parameters["padding"], (2, 3))


def _biased_statistics(x, gamma, beta, original=nn.batch_norm_training):
    out, statistics, cache = original(x, gamma, beta)
    n = statistics.count
    return out, statistics._replace(variance=statistics.variance * (n - 1) / n), cache


def _constant_statistics(dout, gamma, cache, original=nn.batch_norm_backward):
    """dx as if mean and variance did not depend on x."""
    _, dgamma, dbeta = original(dout, gamma, cache)
    return (dout * (gamma * cache[1])[None, :, None, None]).astype(dout.dtype), dgamma, dbeta


def _shares_exchanged(running, batch, momentum=0.1):
    return (momentum * running + (1 - momentum) * batch).astype(running.dtype)


def _gradient_to_the_middle(dout, argmax, shape, kernel, stride, padding, original=nn.max_pool_backward):
    middle = np.full_like(argmax, kernel * kernel // 2)
    return original(dout, middle, shape, kernel, stride, padding)


def _zero_padded(x, kernel, stride, padding, original=nn.max_pool_forward):
    """Windows of the first row and column reach into the padding, where a 0 wins over what is negative."""
    out, argmax = original(np.maximum(x, -1e30), kernel, stride, padding)
    edge = np.zeros(out.shape[2:], bool)
    edge[0], edge[:, 0] = True, True
    return np.where(edge, np.maximum(out, 0), out), argmax


def _sum_over_images(logits, labels, smoothing=0.0, original=nn.cross_entropy):
    loss, dlogits = original(logits, labels, smoothing)
    return loss * len(logits), dlogits * len(logits)


def _smoothing_to_other_classes(logits, labels, smoothing=0.0, original=nn.cross_entropy):
    """smoothing / (M - 1) on every other class and none on the true one, M the number of classes."""
    return original(logits, labels, smoothing * logits.shape[1] / (logits.shape[1] - 1))


MUTANTS = [
    ("kernel-flipped", "convolution for cross-correlation", replaced(nn, "conv2d_forward", _true_convolution)),
    ("padding-shifted", "windows shifted by the padding", changed_inputs("conv2d", _windows_shifted)),
    ("kernel-transposed", "rows and columns of the kernel exchanged",
     replaced(nn, "conv2d_forward", _kernel_transposed)),
    ("biased-statistics", "biased variance as running statistic",
     replaced(nn, "batch_norm_training", _biased_statistics)),
    ("constant-statistics", "batch norm's gradient with constant statistics",
     replaced(nn, "batch_norm_backward", _constant_statistics)),
    ("epsilon", "epsilon 1e-3", replaced(nn.batch_norm, "EPSILON", 1e-3)),
    ("running-momentum", "0.1 running + 0.9 batch", replaced(nn, "update_running", _shares_exchanged)),
    ("relu-at-zero", "gradient 1 at 0", replaced(nn, "relu_backward", lambda dout, out: dout * (out >= 0))),
    ("max-pool-centre", "gradient to the middle of the window",
     replaced(nn, "max_pool_backward", _gradient_to_the_middle)),
    ("max-pool-zero-padding", "max pooling padded with 0", replaced(nn, "max_pool_forward", _zero_padded)),
    ("average-sum", "sum for mean in average pooling", changed_output("average_pool", "out", lambda out: out * 4)),
    ("shortcut-channels-after", "all new channels after the old ones",
     changed_output("pad_shortcut", "out", lambda out: np.roll(out, -2, 1))),
    ("loss-sum", "sum over images for mean", replaced(nn, "cross_entropy", _sum_over_images)),
    ("smoothing-others", "smoothing / (M - 1)", replaced(nn, "cross_entropy", _smoothing_to_other_classes)),
    ("bias-gradient-mean", "bias gradient averaged", changed_output("linear", "dbias", lambda d: d / 5)),
]
