"""L2 layers: every operator forward and backward, as `refpcm.spec.nn` specifies them.

dout = dL/dout has the shape of out; dx, dw, ... = dL/dx, dL/dw, ... have the shapes of x, w, ...
"""

import numpy as np

from refpcm.spec import nn


def conv2d(inputs, parameters):
    """x (N, C, H, W), w (C_out, C, kH, kW), dout; stride, padding -> out (N, C_out, H', W'), dx, dw.

    Cross-correlation without bias; dx and dw with the weights of the forward pass (I-2 noisy).
    """
    x, w, shape = inputs["x"], inputs["w"], (parameters["stride"], parameters["padding"])
    dx, dw = nn.conv2d_backward(inputs["dout"], x, w, *shape)
    return {"out": nn.conv2d_forward(x, w, *shape), "dx": dx, "dw": dw}


def conv2d_clean_backward(inputs, parameters):
    """As conv2d, but out with w_noisy of w's shape and dx with the clean w (I-2 clean)."""
    shape = parameters["stride"], parameters["padding"]
    dx, dw = nn.conv2d_backward(inputs["dout"], inputs["x"], inputs["w"], *shape)
    return {"out": nn.conv2d_forward(inputs["x"], inputs["w_noisy"], *shape), "dx": dx, "dw": dw}


def batch_norm_training(inputs, parameters):
    """x, dout (N, C, H, W), gamma, beta (C,) -> out, mean, var_unbiased (C,), dx, dgamma, dbeta (C,).

    out with the batch's mean and biased variance, plus 1e-5 in the root; the unbiased variance is what running statistics
    take in training.
    """
    out, statistics, cache = nn.batch_norm_training(inputs["x"], inputs["gamma"], inputs["beta"])
    dx, dgamma, dbeta = nn.batch_norm_backward(inputs["dout"], inputs["gamma"], cache)
    dtype = inputs["x"].dtype
    variance = nn.unbiased(statistics).astype(dtype)
    return {"out": out, "mean": statistics.mean.astype(dtype), "var_unbiased": variance, "dx": dx, "dgamma": dgamma,
            "dbeta": dbeta}


def batch_norm_inference(inputs, parameters):
    """x (N, C, H, W), gamma, beta, running_mean, running_var (C,) -> out, with the running statistics, eps 1e-5."""
    return {"out": nn.batch_norm_inference(*(inputs[n] for n in ("x", "gamma", "beta", "running_mean", "running_var")))}


def update_running(inputs, parameters):
    """running, batch (C,); momentum -> running (C,) = (1 - momentum) running + momentum batch."""
    return {"running": nn.update_running(inputs["running"], inputs["batch"], parameters["momentum"])}


def linear(inputs, parameters):
    """x (N, R), w (K, R), bias (K,), dout (N, K) -> out = x w^T + bias, dx, dw, dbias."""
    dx, dw, dbias = nn.linear_backward(inputs["dout"], inputs["x"], inputs["w"])
    return {"out": nn.linear_forward(inputs["x"], inputs["w"], inputs["bias"]), "dx": dx, "dw": dw, "dbias": dbias}


def relu(inputs, parameters):
    """x, dout of any one shape -> out = max(x, 0), dx, which is 0 where x is 0."""
    out = nn.relu_forward(inputs["x"])
    return {"out": out, "dx": nn.relu_backward(inputs["dout"], out)}


def max_pool(inputs, parameters):
    """x (N, C, H, W), dout; kernel, stride, padding -> out (N, C, H', W'), dx. Padding is -infinity.

    The gradient goes to the first of equal maxima in row-major order.
    """
    window = parameters["kernel"], parameters["stride"], parameters["padding"]
    out, argmax = nn.max_pool_forward(inputs["x"], *window)
    return {"out": out, "dx": nn.max_pool_backward(inputs["dout"], argmax, inputs["x"].shape, *window)}


def average_pool(inputs, parameters):
    """x (N, C, H, W), dout; kernel, stride -> out (N, C, H', W'), the mean of each window, dx."""
    window = parameters["kernel"], parameters["stride"]
    return {"out": nn.average_pool_forward(inputs["x"], *window),
            "dx": nn.average_pool_backward(inputs["dout"], inputs["x"].shape, *window)}


def global_average_pool(inputs, parameters):
    """x (N, C, H, W), dout (N, C) -> out (N, C), the mean over rows and columns, dx."""
    return {"out": nn.global_average_pool_forward(inputs["x"]),
            "dx": nn.global_average_pool_backward(inputs["dout"], inputs["x"].shape)}


def pad_shortcut(inputs, parameters):
    """x (N, C, H, W), dout; out_channels, stride -> out (N, out_channels, H', W'), dx.

    Every stride-th pixel; channels that x lacks are 0, half before and half after its own, of an odd number the
    smaller half before (He et al. 2016, 4.2, A).
    """
    x = inputs["x"]
    return {"out": nn.pad_shortcut_forward(x, parameters["out_channels"], parameters["stride"]),
            "dx": nn.pad_shortcut_backward(inputs["dout"], x.shape, parameters["stride"])}


def cross_entropy(inputs, parameters):
    """logits (N, M classes), labels (N,) int64; smoothing s -> loss, a scalar, the mean over images, dlogits (N, M).

    Targets q = (1 - s) onehot + s / M; dL/dlogits = (softmax - q) / N.
    """
    loss, dlogits = nn.cross_entropy(inputs["logits"], inputs["labels"], parameters["smoothing"])
    return {"loss": np.array(loss, inputs["logits"].dtype), "dlogits": dlogits}
