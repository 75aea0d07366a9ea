"""Mistakes in layers, loss and optimiser: invented without knowledge of the cases.

Of PyTorch users, C++ and Verilog engineers, and physicists with MATLAB or Julia, when kit 2.1 was a draft. A comment says
which inputs show a mistake, where few do.
"""


import numpy as np

from refpcm.spec import network_on_tiles, nn
from refpcm.spec.nn import conv2d
from refpcm.spec.training import sgd
from refpcm.spec.training import step as steps
from tests.golden.mutants.replacing import replaced


def step_downhill(w, gradient, velocity, lr, momentum, nesterov, weight_decay):
    lr, momentum, weight_decay = (w.dtype.type(value) for value in (lr, momentum, weight_decay))
    direction = gradient + weight_decay * w
    velocity *= momentum
    velocity -= direction
    w += lr * (momentum * velocity - direction if nesterov else velocity)


CROSS_ENTROPY = nn.cross_entropy


def kl_divergence(logits, labels, smoothing=0.0):
    loss, dlogits = CROSS_ENTROPY(logits, labels, smoothing)
    m = logits.shape[1]
    q = np.full(m, smoothing / m)
    q[0] += 1 - smoothing
    q = q[q > 0]
    return loss + (q * np.log(q)).sum(), dlogits


def mean_of_elements(logits, labels, smoothing=0.0):
    loss, dlogits = CROSS_ENTROPY(logits, labels, smoothing)
    return loss / logits.shape[1], dlogits / dlogits.dtype.type(logits.shape[1])


def in_both(function):
    return [(nn, "cross_entropy", function), (steps, "cross_entropy", function)]


SGD_STEP = sgd.sgd_step


def step_skipping_zeros(w, gradient, velocity, lr, momentum, nesterov, weight_decay):
    old_w, old_velocity, still = w.copy(), velocity.copy(), gradient == 0
    SGD_STEP(w, gradient, velocity, lr, momentum, nesterov, weight_decay)
    w[still], velocity[still] = old_w[still], old_velocity[still]


def windows_by_address(x, kernel, stride, padding, fill=0):
    n, c, h, w = x.shape
    address = np.add.outer(np.arange(-padding, h + padding) * w, np.arange(-padding, w + padding))
    inside = (address >= 0) & (address < h * w)
    padded = np.where(inside, x.reshape(n, c, -1)[:, :, np.where(inside, address, 0)], x.dtype.type(fill))
    return np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))[:, :, ::stride, ::stride]


def fast_inverse_sqrt(x):
    x = np.asarray(x, np.float32)
    y = (np.int32(0x5F3759DF) - (x.view(np.int32) >> 1)).astype(np.int32).view(np.float32)
    return y * (np.float32(1.5) - np.float32(0.5) * x * y * y)


def training_fast_sqrt(x, gamma, beta):
    _, statistics, _ = BATCH_NORM_TRAINING(x, gamma, beta)
    inverse_std = fast_inverse_sqrt(statistics.variance + nn.EPSILON).astype(np.float64)
    x_hat = ((x - statistics.mean[None, :, None, None]) * inverse_std[None, :, None, None]).astype(x.dtype)
    return gamma[None, :, None, None] * x_hat + beta[None, :, None, None], statistics, (x_hat, inverse_std)


def inference_fast_sqrt(x, gamma, beta, running_mean, running_var):
    scale = (gamma * fast_inverse_sqrt(running_var + nn.EPSILON)).astype(x.dtype)
    return scale[None, :, None, None] * (x - running_mean[None, :, None, None]) + beta[None, :, None, None]


BATCH_NORM_TRAINING = nn.batch_norm_training
POOLS = {name: getattr(nn, name) for name in ("average_pool_forward", "average_pool_backward", "global_average_pool_forward",
                                              "global_average_pool_backward")}


def as_shift(count):
    """By how much a mean is too large whose division is a shift."""
    return count / 2.0 ** np.rint(np.log2(count))


def pool_by_shift(name):
    pool = POOLS[name]

    def shifted(*arguments):
        x = arguments[0]
        if name.startswith("global"):
            count = np.prod((x.shape if name.endswith("forward") else arguments[1])[2:])
        else:
            count = arguments[-2] ** 2
        return pool(*arguments) * x.dtype.type(as_shift(count))
    return shifted


def norm_backward_n_minus_1(dout, gamma, cache):
    x_hat, inverse_std = cache
    n = dout.size // dout.shape[1]
    dbeta, dgamma = dout.sum((0, 2, 3), dtype=np.float64), (dout * x_hat).sum((0, 2, 3), dtype=np.float64)
    centred = dout - (dbeta / n)[None, :, None, None] - x_hat * (dgamma / (n - 1))[None, :, None, None]
    dx = ((gamma * inverse_std)[None, :, None, None] * centred).astype(dout.dtype)
    return dx, dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)


def max_pool_column_major(x, kernel, stride, padding):
    view = conv2d.windows(x, kernel, stride, padding, fill=-np.inf).swapaxes(-1, -2)
    flat = view.reshape(view.shape[:4] + (kernel * kernel,))
    place = flat.argmax(-1)
    out = np.take_along_axis(flat, place[..., None], -1)[..., 0]
    return out, place % kernel * kernel + place // kernel


MUTANTS = [
    # training from a velocity of zero gives the same weights
    ("sgd-velocity-downhill", "the velocity points downhill, as in Keras: v <- m v - d, w <- w + lr v",
     replaced(sgd, "sgd_step", step_downhill)),
    # only with smoothing
    ("loss-kl-divergence", "KLDivLoss: the entropy of the smoothed target is subtracted from the loss",
     in_both(kl_divergence)),
    ("loss-mean-of-elements", "-(q * log_p).mean(): the mean over images and classes",
     in_both(mean_of_elements)),
    # only gradients of exactly 0, with weight decay or a velocity: weights behind dead channels, or zeros in sgd_step's input
    ("sgd-skips-zero-gradients", "zero skipping: what has gradient 0 neither decays nor moves on",
     replaced(sgd, "sgd_step", step_skipping_zeros)),
    # only with padding
    ("conv-flat-address", "only the address i W + j is tested: left of a row stands the last pixel of the row above",
     replaced(conv2d, "windows", windows_by_address)
       + replaced(network_on_tiles, "windows", windows_by_address)),
    ("norm-fast-inverse-sqrt", "1 / sqrt by 0x5f3759df and one Newton step: wrong by up to 0.2 %",
     [(nn, "batch_norm_training", training_fast_sqrt), (nn, "batch_norm_inference", inference_fast_sqrt)]),
    # only windows or images whose number of pixels is no power of two
    ("average-pool-by-shift", "the mean is a sum, shifted by the nearest power of two",
     [(nn, name, pool_by_shift(name)) for name in POOLS]),
    ("norm-dx-n-minus-1", "dx is derived for the variance with n - 1, forward is right",
     replaced(nn, "batch_norm_backward", norm_backward_n_minus_1)),
    # only with equal maxima (not in a network: behind ReLU they are zeros, whose gradient ReLU stops)
    ("max-pool-first-in-column", "of equal maxima the first in column-major order gets the gradient",
     replaced(nn, "max_pool_forward", max_pool_column_major)),
]
