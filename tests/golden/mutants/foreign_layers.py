"""Mistakes in convolution, linear layer and batch norm, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden import reference
from refpcm.spec import nn
from refpcm.spec.nn import batch_norm
from refpcm.spec.nn.conv2d import output_size
from tests.golden.mutants.replacing import changed_inputs, replaced

FORWARD, BACKWARD, TRAINING = nn.conv2d_forward, nn.conv2d_backward, nn.batch_norm_training
LINEAR, NORM_BACKWARD = nn.linear_forward, nn.batch_norm_backward


def _padded(pad):
    """Padding before the convolution: pad(x, padding, kernel, stride) -> x with the same output size."""
    return replaced(
        nn,
        "conv2d_forward",
        lambda x, w, stride=1, padding=0: FORWARD(pad(x, padding, w.shape[2], stride), w, stride, 0),
    )


def _same_of_tensorflow(x, padding, kernel, stride):
    """As much padding as is needed, the odd pixel behind."""
    needed = [max(0, (output_size(n, kernel, stride, padding) - 1) * stride + kernel - n) for n in x.shape[2:]]
    return np.pad(x, ((0, 0), (0, 0), *((n // 2, n - n // 2) for n in needed)))


def _mode(mode):
    return lambda x, padding, kernel, stride: np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2), mode=mode)


def _late(x, w, stride=1, padding=0):
    """The pixels of the last place in each step are kept, as far as there are any."""
    size = [output_size(n, w.shape[2], stride, padding) for n in x.shape[2:]]
    full = FORWARD(x, w, 1, padding)[:, :, stride - 1 :, stride - 1 :][:, :, ::stride, ::stride]
    return np.pad(full, ((0, 0), (0, 0), *((0, n - have) for n, have in zip(size, full.shape[2:]))))


def _dw(change):
    """Another dw: change(dout, x, w, stride, padding) -> dw."""
    def conv2d_backward(dout, x, w, stride=1, padding=0):
        return BACKWARD(dout, x, w, stride, padding)[0], change(dout, x, w, stride, padding)
    return replaced(nn, "conv2d_backward", conv2d_backward)


def _dx(change):
    """Another dx: change(dout, x, w, stride, padding) -> dx."""
    def conv2d_backward(dout, x, w, stride=1, padding=0):
        return change(dout, x, w, stride, padding), BACKWARD(dout, x, w, stride, padding)[1]
    return replaced(nn, "conv2d_backward", conv2d_backward)


def _turned(dout, x, w, stride, padding):
    return BACKWARD(dout, x, w[..., ::-1, ::-1], stride, padding)[0]


def _overwritten(dout, x, w, stride, padding):
    """Windows that overlap overwrite one another."""
    kernel, (n, c, h, width) = w.shape[2], x.shape
    dx = np.zeros((n, c, h + 2 * padding, width + 2 * padding), dout.dtype)
    for i, j in np.ndindex(dout.shape[2:]):
        part = (dout[:, :, i, j] @ w.reshape(len(w), -1)).reshape(n, c, kernel, kernel)
        dx[:, :, stride * i : stride * i + kernel, stride * j : stride * j + kernel] = part
    return dx[:, :, padding : padding + h, padding : padding + width]


def _noisy_dx(inputs, parameters, original=reference.conv2d_clean_backward):
    return original({**inputs, "w": inputs["w_noisy"]}, parameters)


def _clean_out(inputs, parameters):
    inputs["w_noisy"] = inputs["w"]


# --- batch norm

def _normalised(change):
    """Other batch statistics: change(x float64) -> mean, 1 / deviation (C,); reported statistics stay right."""
    def batch_norm_training(x, gamma, beta):
        mean, inverse = (np.asarray(v)[None, :, None, None] for v in change(x.astype(np.float64)))
        x_hat = ((x - mean) * inverse).astype(x.dtype)
        out = gamma[None, :, None, None] * x_hat + beta[None, :, None, None]
        return out, TRAINING(x, gamma, beta)[1], (x_hat, inverse.reshape(-1))
    return replaced(nn, "batch_norm_training", batch_norm_training)


def _moments(x, more=1e-5):
    return x.mean((0, 2, 3)), 1 / np.sqrt(x.var((0, 2, 3)) + more)


def _unbiased(x):
    return x.mean((0, 2, 3)), 1 / np.sqrt(x.var((0, 2, 3)) * x[:, 0].size / (x[:, 0].size - 1) + 1e-5)


def _norm_backward(change):
    """Another gradient: change(dx, dgamma, dbeta, dout, x_hat, gamma / std) -> dx, dgamma, dbeta."""
    def batch_norm_backward(dout, gamma, cache):
        found = NORM_BACKWARD(dout, gamma, cache)
        return change(*found, dout, cache[0], (gamma * cache[1]).astype(dout.dtype)[None, :, None, None])
    return replaced(nn, "batch_norm_backward", batch_norm_backward)


def _constant_variance(dx, dgamma, dbeta, dout, x_hat, scale):
    return scale * (dout - dout.mean((0, 2, 3), keepdims=True)), dgamma, dbeta


def _constant_mean(dx, dgamma, dbeta, dout, x_hat, scale):
    return scale * (dout - x_hat * (dout * x_hat).mean((0, 2, 3), keepdims=True)), dgamma, dbeta


def _inference(change):
    """Another affine map: change(x, gamma, beta, mean, var) of (1, C, 1, 1)."""
    def batch_norm_inference(x, *of_channels):
        return change(x, *(v[None, :, None, None] for v in of_channels)).astype(x.dtype)
    return replaced(nn, "batch_norm_inference", batch_norm_inference)


MUTANTS = [
    ("conv-same-tf", "TensorFlow's padding, the odd pixel behind", _padded(_same_of_tensorflow)),
    ("conv-reflect", "mirrored padding", _padded(_mode("symmetric"))),
    ("conv-circular", "padding from the other side", _padded(_mode("wrap"))),
    ("conv-stride-late", "the last pixel of each stride is kept", replaced(nn, "conv2d_forward", _late)),
    ("conv-dw-mean", "dw divided by the number of images",
     _dw(lambda dout, *rest: BACKWARD(dout, *rest)[1] / len(dout))),
    ("conv-dw-last-image", "dw of the last image only",
     _dw(lambda dout, x, *rest: BACKWARD(dout[-1:], x[-1:], *rest)[1])),
    ("conv-dw-turned", "dw with the kernel turned", _dw(lambda *all_of_it: BACKWARD(*all_of_it)[1][..., ::-1, ::-1])),
    ("conv-dx-turned", "dx with the kernel turned once too often", _dx(_turned)),
    ("conv-dx-overwrites", "overlapping windows overwrite one another in dx", _dx(_overwritten)),
    ("conv-clean-dx-noisy", "dx through the noisy weights", replaced(reference, "conv2d_clean_backward", _noisy_dx)),
    ("conv-clean-out", "out of the clean weights", changed_inputs("conv2d_clean_backward", _clean_out)),
    ("linear-no-bias", "bias left out", replaced(nn, "linear_forward", lambda x, w, bias: LINEAR(x, w, 0 * bias))),
    ("linear-bias-twice", "bias twice, digital and as a row",
     replaced(nn, "linear_forward", lambda x, w, bias: LINEAR(x, w, 2 * bias))),
    ("linear-dw-mean", "dw divided by N",
     replaced(nn, "linear_backward", lambda dout, x, w: (dout @ w, dout.T @ x / len(x), dout.sum(0)))),
    ("linear-dbias-none", "no gradient of the bias",
     replaced(nn, "linear_backward", lambda dout, x, w: (dout @ w, dout.T @ x, 0 * dout[0]))),
    ("norm-eps-1e-8", "an epsilon of 1e-8", replaced(batch_norm, "EPSILON", 1e-8)),
    ("norm-eps-outside", "sqrt(var) + eps", _normalised(lambda x: (x.mean((0, 2, 3)), 1 / (x.std((0, 2, 3)) + 1e-5)))),
    ("norm-unbiased", "normalised with n - 1", _normalised(_unbiased)),
    ("norm-no-mean", "the mean is not subtracted", _normalised(lambda x: (0 * x.mean((0, 2, 3)), _moments(x)[1]))),
    ("norm-first-image", "statistics of the first image", _normalised(lambda x: _moments(x[:1]))),
    ("norm-second-moment", "the variance is not centred",
     _normalised(lambda x: (x.mean((0, 2, 3)), 1 / np.sqrt((x**2).mean((0, 2, 3)) + 1e-5)))),
    ("norm-dx-constant-variance", "the variance's share of dx is missing", _norm_backward(_constant_variance)),
    ("norm-dx-constant-mean", "the mean's share of dx is missing", _norm_backward(_constant_mean)),
    ("norm-dgamma-mean", "dgamma is a mean",
     _norm_backward(lambda dx, dgamma, dbeta, dout, x_hat, scale: (dx, dgamma * dout.shape[1] / dout.size, dbeta))),
    ("norm-dbeta-of-dx", "dbeta is the sum of dx",
     _norm_backward(lambda dx, dgamma, dbeta, dout, x_hat, scale: (dx, dgamma, dx.sum((0, 2, 3))))),
    ("inference-eps-1e-3", "TensorFlow's epsilon in inference only",
     _inference(lambda x, gamma, beta, mean, var: (x - mean) * gamma / np.sqrt(var + 1e-3) + beta)),
    ("inference-deviation", "running_var is taken for a standard deviation",
     _inference(lambda x, gamma, beta, mean, var: (x - mean) * gamma / (var + 1e-5) + beta)),
    ("inference-beta-scaled", "beta is scaled, too",
     _inference(lambda x, gamma, beta, mean, var: (x - mean + beta) * gamma / np.sqrt(var + 1e-5))),
    ("inference-positive-gamma", "the magnitude of gamma",
     _inference(lambda x, gamma, beta, mean, var: (x - mean) * np.abs(gamma) / np.sqrt(var + 1e-5) + beta)),
]
