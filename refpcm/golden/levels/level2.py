"""L2 layers: every operator forward and backward, float64 and float32, judged by 8 u S.

S of an output is the same expression with every term replaced by its magnitude.
"""

import numpy as np

from refpcm.golden.build import case, rounded, ulp
from refpcm.golden.case import in_float64, made, stored
from refpcm.spec import nn

CONVOLUTIONS = (  # id, shape of x (N, C, H, W), output channels, kernel, stride, padding, mistake
    ("3x3", (2, 3, 6, 5), 4, 3, 1, 1, "kernel flipped; rows and columns of the padding exchanged"),
    ("3x3-stride2", (2, 3, 7, 8), 4, 3, 2, 1, "stride applied to the gradient; output size rounded up"),
    ("3x3-stride2-even", (1, 4, 8, 8), 3, 3, 2, 1, "padding only on one side, as 'same' padding does"),
    ("1x1-stride2", (2, 4, 6, 6), 5, 1, 2, 0, "averaging instead of leaving out pixels"),
    ("7x7-stride2", (1, 3, 13, 14), 4, 7, 2, 3, "padding of a 3 x 3 kernel for every kernel"))
LOSSES = (  # id, spread of the logits, smoothing, mistake
    ("plain", 2.0, 0.0, "sum for mean over images; gradient not divided by N"),
    ("smoothed", 2.0, 0.1, "smoothing / (M - 1) on the other classes; the true class without its share"),
    ("large", 300.0, 0.0, "overflow of exp: the largest logit not subtracted"))
IMAGES = (0, 2, 3)  # axes over which batch norm takes its statistics
RULES = (  # id, equation, mistake
    ("nesterov", "d = dL/dw + decay w; v <- 0.9 v + d; w <- w - lr (d + 0.9 v)", "decay after the momentum; old v"),
    ("plain", "d = dL/dw + decay w; v <- 0.9 v + d; w <- w - lr v", "damping 1 - momentum on d"))


def cases():
    """42 cases: 21 in float64, the same in float32."""
    return [found for dtype in ("float64", "float32") for found in _cases(dtype)]


def _cases(dtype):
    bits = dtype[5:]
    found = [convolution(name, dtype, *geometry) for name, *geometry in CONVOLUTIONS]
    return (found + [_clean_backward(bits, dtype)] + _batch_norms(bits, dtype) + _others(bits, dtype)
            + _pools(bits, dtype) + [_loss(bits, dtype, *choice) for choice in LOSSES])


def convolution(name, dtype, shape, channels, kernel, stride, padding, catches):
    """The case L2-conv-<name> of an x of this shape (N, C, H, W)."""
    sizes = [nn.output_size(size, kernel, stride, padding) for size in shape[2:]]
    inputs = [made("x", shape, dtype, 200, 0),
              made("w", (channels, shape[1], kernel, kernel), dtype, 200, 1, scale=0.3),
              made("dout", (shape[0], channels, *sizes), dtype, 200, 2)]
    x, w, dout = magnitudes(inputs)
    dx, dw = nn.conv2d_backward(dout, x, w, stride, padding)
    return case(f"L2-conv-{name}-{dtype[5:]}", "conv2d",
                "out[n,k,i,j] = sum_crs x[n,c,stride i + r - padding,stride j + s - padding] w[k,c,r,s]",
                catches, inputs,
                outputs=summed(dtype, out=nn.conv2d_forward(x, w, stride, padding), dx=dx, dw=dw),
                parameters={"stride": stride, "padding": padding})


def _clean_backward(bits, dtype):
    inputs = [made("x", (2, 3, 5, 5), dtype, 201, 0),
              made("w", (4, 3, 3, 3), dtype, 201, 1, scale=0.3),
              made("w_noisy", (4, 3, 3, 3), dtype, 201, 2, scale=0.3),
              made("dout", (2, 4, 5, 5), dtype, 201, 3)]
    x, w, noisy, dout = magnitudes(inputs)
    dx, dw = nn.conv2d_backward(dout, x, w, 1, 1)
    return case(f"L2-conv-clean-backward-{bits}", "conv2d_clean_backward",
                "out = conv(x, w_noisy); dL/dx with w, dL/dw from x",
                "backward with the weights of the forward pass", inputs,
                outputs=summed(dtype, out=nn.conv2d_forward(x, noisy, 1, 1), dx=dx, dw=dw),
                parameters={"stride": 1, "padding": 1},
                interpretation="I-2 clean")


def _batch_norms(bits, dtype):
    shape, c = (4, 3, 3, 5), (3,)
    inputs = [made("x", shape, dtype, 202, 0, scale=2.0, offset=0.5),
              made("gamma", c, dtype, 202, 1, scale=0.3, offset=1.0),
              made("beta", c, dtype, 202, 2),
              made("dout", shape, dtype, 202, 3)]
    training = batch_norm_training(
        f"L2-batch-norm-training-{bits}", inputs,
        "one variance for both; gradient as if the statistics were constants; epsilon outside the root")
    tiny = made("x", shape, dtype, 202, 5, scale=2e-3)
    _, gamma, beta, _ = magnitudes(inputs)
    epsilon = case(f"L2-batch-norm-epsilon-{bits}", "batch_norm_training", "as above, with a variance below epsilon",
                   "another epsilon; sqrt(var) + epsilon", [tiny, *inputs[1:]],
                   outputs=summed(dtype, out=_wide(gamma) * _normalised(tiny)[1] + _wide(beta)))
    running = [*inputs[:3],
               made("running_mean", c, dtype, 202, 6),
               made("running_var", c, dtype, 202, 7, scale=0.1, offset=1.0)]
    inference = batch_norm_inference(f"L2-batch-norm-inference-{bits}", running, "statistics of the batch used")
    update = [made("running", (7,), dtype, 203, 0),
              stored("batch", made("batch", (7,), "float64", 203, 1).array())]
    updated = case(f"L2-update-running-{bits}", "update_running", "0.9 running + 0.1 batch",
                   "momentum on the other term", update,
                   outputs=summed(dtype, running=sum(magnitudes(update))),
                   parameters={"momentum": 0.1})
    return [training, epsilon, inference, updated]


def batch_norm_training(id, inputs, catches, **closer):
    """A case of batch norm with the statistics of the batch; inputs: x (N, C, H, W), gamma, beta (C,), dout.

    closer: {output: S} in place of what is too wide where x is far from 0.
    """
    x, gamma, beta, dout = magnitudes(inputs)
    inverse, x_hat = _normalised(inputs[0])
    dx = _wide(gamma * inverse) * (dout + _wide(dout.mean(IMAGES)) + x_hat * _wide((dout * x_hat).mean(IMAGES)))
    return case(id, "batch_norm_training",
                "out = gamma (x - mean) / sqrt(var + 1e-5) + beta; "
                "var biased for out, unbiased as statistic; gradients", catches, inputs,
                outputs=summed(inputs[0].dtype, **{
                    "out": _wide(gamma) * x_hat + _wide(beta), "mean": x.mean(IMAGES), "var_unbiased": (x ** 2).mean(IMAGES) * 4,
                    "dx": dx, "dgamma": (dout * x_hat).sum(IMAGES), "dbeta": dout.sum(IMAGES), **closer}),
                interpretation="I-11")


def batch_norm_inference(id, inputs, catches):
    """A case of batch norm with given statistics; inputs: x (N, C, H, W), gamma, beta, running_mean, running_var (C,)."""
    x, gamma, beta, mean, var = magnitudes(inputs)
    return case(id, "batch_norm_inference",
                "out = gamma (x - running_mean) / sqrt(running_var + 1e-5) + beta", catches, inputs,
                outputs=summed(inputs[0].dtype, out=_wide(gamma / np.sqrt(var)) * (x + _wide(mean)) + _wide(beta)))


def _wide(v):
    return v[None, :, None, None]


def _normalised(entry):
    """1 / sigma (C,), and the terms of (x - mean) / sigma (N, C, H, W)."""
    values = entry.array().astype(float)
    inverse = 1 / np.sqrt(values.var(IMAGES) + nn.EPSILON)
    magnitudes = np.abs(values)
    return inverse, _wide(inverse) * (magnitudes + _wide(magnitudes.mean(IMAGES)))


def _others(bits, dtype):
    inputs = [made("x", (5, 7), dtype, 204, 0), made("w", (4, 7), dtype, 204, 1),
              made("bias", (4,), dtype, 204, 2), made("dout", (5, 4), dtype, 204, 3)]
    product = linear(f"L2-linear-{bits}", dtype, inputs, "mean for sum over images in the gradients")
    x = made("x", (3, 4, 5), dtype, 205, 0).array()
    x[0, 0, :3] = 0
    relu = case(f"L2-relu-{bits}", "relu", "max(x, 0); gradient 0 at 0", "gradient 1 at 0",
                inputs=[stored("x", x), made("dout", (3, 4, 5), dtype, 205, 1)],
                outputs={"out": copied(dtype), "dx": copied(dtype)})
    step = [made(name, (6,), dtype, 206, i) for i, name in enumerate(("w", "gradient", "velocity"))]
    return [product, relu, *(sgd(f"L2-sgd-{rule}-{bits}", dtype, step, rule, equation, catches)
                             for rule, equation, catches in RULES)]


def sgd(id, dtype, step, rule, equation, catches):
    """A case of a step of gradient descent; step: the Inputs w, gradient, velocity (n,)."""
    w, gradient, velocity = magnitudes(step)
    d = gradient + 5e-4 * w
    v = 0.9 * velocity + d
    return case(id, "sgd_step", equation, catches, step,
                outputs=summed(dtype, w=w + 0.1 * (d + v), velocity=v),
                parameters={"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4, "rule": rule})


def linear(id, dtype, inputs, catches):
    """A case of the linear layer; inputs: x (N, F), w (K, F), bias (K,), dout (N, K)."""
    x, w, bias, dout = magnitudes(inputs)
    return case(id, "linear", "out = x w^T + bias", catches, inputs,
                outputs=summed(dtype, out=x @ w.T + bias, dx=dout @ w, dw=dout.T @ x, dbias=dout.sum(0)))


def _pools(bits, dtype):
    halves = np.round(made("x", (2, 3, 7, 8), dtype, 207, 0).array() * 2) / 2  # many equal maxima
    largest = case(f"L2-max-pool-{bits}", "max_pool",
                   "largest of each window, padding -infinity; "
                   "gradient to the first of equal maxima in row-major order",
                   catches="padding with 0 (a window of negative numbers); gradient to all equal maxima; "
                           "windows placed without padding",
                   inputs=[stored("x", halves - 2), made("dout", (2, 3, 4, 4), dtype, 207, 1)],
                   outputs={"out": copied(dtype), "dx": rounded(16.0, dtype=dtype)},
                   parameters={"kernel": 3, "stride": 2, "padding": 1})
    image = made("x", (2, 3, 6, 6), dtype, 208, 0)
    inputs = [image, made("dout", (2, 3, 3, 3), dtype, 208, 1)]
    x, dout = magnitudes(inputs)
    average = case(f"L2-average-pool-{bits}", "average_pool", "mean of each window", "sum for mean", inputs,
                   outputs=summed(dtype, out=nn.average_pool_forward(x, 2, 2),
                                   dx=nn.average_pool_backward(dout, x.shape, 2, 2)),
                   parameters={"kernel": 2, "stride": 2})
    inputs = [image, made("dout", (2, 3), dtype, 208, 2)]
    x, dout = magnitudes(inputs)
    whole = case(f"L2-global-pool-{bits}", "global_average_pool", "mean over rows and columns",
                 "gradient not divided by the number of pixels", inputs,
                 outputs=summed(dtype, out=x.mean((2, 3)), dx=nn.global_average_pool_backward(dout, x.shape)))
    shortcut = case(f"L2-pad-shortcut-{bits}", "pad_shortcut",
                    "every second pixel; missing channels 0, half before and half after",
                    catches="all zeros after the old channels",
                    inputs=[image, made("dout", (2, 8, 3, 3), dtype, 208, 3)],
                    outputs={"out": copied(dtype), "dx": copied(dtype)},
                    parameters={"out_channels": 8, "stride": 2})
    return [largest, average, whole, shortcut]


def _loss(bits, dtype, name, spread, smoothing, catches):
    logits = made("logits", (6, 5), dtype, 209, 0, scale=spread)
    return cross_entropy(f"L2-loss-{name}-{bits}", dtype, logits, [2, 0, 4, 3, 2, 1], smoothing, catches)


def cross_entropy(id, dtype, logits, labels, smoothing, catches):
    """A case of the loss; logits: the Input (N, M); labels: N numbers of classes."""
    z = in_float64({"z": logits.array()})["z"]
    # exp turns an absolute error of its argument into a relative one: S carries the span of the logits.
    spans = np.abs(z - z.max(1, keepdims=True)).max(1) + 2
    return case(id, "cross_entropy",
                "L = -1/N sum q ln softmax, q = (1 - s) onehot + s / M; dL/dlogits = (softmax - q) / N", catches,
                inputs=[logits, stored("labels", np.array(labels, np.int64))],
                outputs=summed(dtype, loss=spans.mean(), dlogits=np.tile(spans[:, None] / len(z), z.shape[1])),
                parameters={"smoothing": smoothing})


def magnitudes(inputs):
    return [np.abs(i.array().astype(np.float64)) for i in inputs]


def summed(dtype, **scales):
    """{output name: ...} judged by 8 u S; scales: S of each output."""
    return {name: rounded(scale, dtype=dtype) for name, scale in scales.items()}


def copied(dtype):
    return ulp(0, "values are only chosen or copied", dtype=dtype)
