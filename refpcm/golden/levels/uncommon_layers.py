"""L2 in shapes and values that few layers have: wide images, square matrices, negative gammas, overlaps, logits far apart.

Kit 2.1 has them, nearly all because of a mistake that kit 2.0 let pass. The equations are explained in level2.py.
"""

import numpy as np

from refpcm.golden.build import case
from refpcm.golden.case import made, stored
from refpcm.golden.levels.level2 import (
    IMAGES,
    batch_norm_inference,
    batch_norm_training,
    convolution,
    cross_entropy,
    linear,
    magnitudes,
    sgd,
    summed,
)
from refpcm.spec import nn

SIGNED = "the magnitude of gamma"


def cases():
    """20 cases: 10 in float64, the same in float32."""
    return [found for dtype in ("float64", "float32") for found in (
        convolution("wide", dtype, (1, 2, 4, 9), 3, 3, 1, 1, "as many columns of the output as it has rows"),
        _square(dtype), *_batch_norms(dtype), *_pools(dtype), *_losses(dtype), _no_gradient(dtype))]


def _square(dtype):
    shapes = {"x": (5, 6), "w": (6, 6), "bias": (6,), "dout": (5, 6)}
    inputs = [made(name, shape, dtype, 232, i) for i, (name, shape) in enumerate(shapes.items())]
    return linear(f"L2-linear-square-{dtype[5:]}", dtype, inputs, "a square matrix used as it is, not transposed")


def _batch_norms(dtype):
    bits, shape = dtype[5:], (4, 3, 3, 5)
    gamma = stored("gamma", np.array([-1.2, 0.7, -0.4], dtype))
    beta, dout = made("beta", (3,), dtype, 231, 1), made("dout", shape, dtype, 231, 2)
    x, far = (made("x", shape, dtype, 231, 0, scale=2.0, offset=offset) for offset in (-0.5, 1000.0))
    running = [made("running_mean", (3,), dtype, 231, 3), made("running_var", (3,), dtype, 231, 4, scale=0.1, offset=2.0)]
    return [batch_norm_training(f"L2-batch-norm-training-signed-{bits}", [x, gamma, beta, dout], SIGNED),
            batch_norm_inference(f"L2-batch-norm-inference-signed-{bits}", [x, gamma, beta, *running], SIGNED),
            batch_norm_training(f"L2-batch-norm-training-far-{bits}", [far, gamma, beta, dout],
                                "variance as the mean of squares less the squared mean: it cancels where x is far from 0",
                                **_first_order(far, gamma, dout))]


def _first_order(x, gamma, dout):
    """S of var_unbiased and dx to first order in the rounding of x - mean; the sums of magnitudes are too wide far from 0."""
    x, gamma, dout = (entry.array().astype(float) for entry in (x, gamma, dout))
    gamma, dout = np.abs(gamma)[None, :, None, None], np.abs(dout)

    def mean(values):
        return values.mean(IMAGES, keepdims=True)
    spread, term = np.abs(x - mean(x)), np.abs(x) + mean(np.abs(x))
    variance, count = mean(spread ** 2), x.size // x.shape[1]
    inverse, of_variance = 1 / np.sqrt(variance + nn.EPSILON), 2 * mean(spread * term)
    relative = of_variance / (2 * variance)  # of 1 / sigma
    x_hat, of_x_hat = spread * inverse, inverse * (term + spread * relative)
    of_dx = ((dout + mean(dout) + x_hat * mean(dout * x_hat)) * (1 + relative) + of_x_hat * mean(dout * x_hat)
             + x_hat * mean(dout * of_x_hat))
    return {"var_unbiased": of_variance.ravel() * count / (count - 1), "dx": gamma * inverse * of_dx}


def _pools(dtype):
    bits = dtype[5:]
    image, small = made("x", (2, 3, 7, 9), dtype, 230, 0), made("dout", (2, 3, 3, 4), dtype, 230, 1)
    pooled = made("dout", (2, 3), dtype, 230, 2)
    x, dout, of_all = magnitudes([image, small, pooled])
    return [
        case(f"L2-average-pool-overlap-{bits}", "average_pool", "mean of each window; gradients of a pixel's windows add up",
             "windows that overwrite one another in the gradient; division by stride^2 instead of the window's pixels",
             [image, small],
             summed(dtype, out=nn.average_pool_forward(x, 3, 2), dx=nn.average_pool_backward(dout, x.shape, 3, 2)),
             {"kernel": 3, "stride": 2}),
        case(f"L2-global-pool-oblong-{bits}", "global_average_pool", "mean over rows and columns", "division by H^2 or W^2",
             [image, pooled],
             summed(dtype, out=x.mean((2, 3)), dx=nn.global_average_pool_backward(of_all, x.shape)))]


def _losses(dtype):
    bits = dtype[5:]
    steps = np.round(64 * made("logits", (4, 5), "float64", 233, 0).array())  # of 1/64: logits of float32's numbers
    apart = steps / 64 + np.array([[-600.0], [0.0], [400.0], [900.0]])
    return [cross_entropy(f"L2-loss-apart-{bits}", dtype, stored("logits", apart.astype(dtype)), [4, 0, 2, 1], 0.1,
                          "the largest logit of the batch subtracted, not that of each image"),
            cross_entropy(f"L2-loss-300-{bits}", dtype, made("logits", (3, 300), dtype, 233, 1), [299, 130, 256], 0.0,
                          "labels in 8 bits")]


def _no_gradient(dtype):
    w, velocity = made("w", (6,), dtype, 234, 0), made("velocity", (6,), dtype, 234, 1)
    gradient = stored("gradient", np.array([0.5, 0, 0, -0.25, 0, 1], dtype))
    return sgd(f"L2-sgd-zero-gradient-{dtype[5:]}", dtype, [w, gradient, velocity], "nesterov", "as L2-sgd-nesterov-64",
               "what has gradient 0 neither decays nor moves on")
