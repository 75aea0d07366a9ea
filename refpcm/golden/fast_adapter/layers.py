"""L2 layers: `refpcm.fast.nn`, in float32. Average pooling with a window has no kernel: no network here uses it."""

import numpy as np

from refpcm.fast import nn
from refpcm.golden.fast_adapter.precision import float32_only
from refpcm.spec.nn import unbiased


@float32_only
def conv2d(inputs, parameters):
    """Return a convolution, forward and backward with the same weights."""
    return conv2d_clean_backward({**inputs, "w_noisy": inputs["w"]}, parameters)


@float32_only
def conv2d_clean_backward(inputs, parameters):
    """Return a convolution forward with w_noisy and backward with w; a 7 x 7 kernel, which reads images, has no dx."""
    x, w, shape = inputs["x"], inputs["w"], (parameters["stride"], parameters["padding"])
    if w.shape[2] == 7:
        raise NotImplementedError("the gradient of the image is never computed")
    dx, dw = nn.conv2d_backward(inputs["dout"], x, w, *shape)
    return {"out": nn.conv2d_forward(x, inputs["w_noisy"], *shape), "dx": dx, "dw": dw}


@float32_only
def batch_norm_training(inputs, parameters):
    """Return batch norm with the statistics of the batch, and its gradients."""
    out, statistics, cache = nn.batch_norm_training(inputs["x"], inputs["gamma"], inputs["beta"])
    mean, variance = (np.float32(value) for value in (statistics.mean, unbiased(statistics)))
    dx, dgamma, dbeta = nn.batch_norm_backward(inputs["dout"], inputs["gamma"], cache)
    return {"out": out, "mean": mean, "var_unbiased": variance, "dx": dx, "dgamma": dgamma, "dbeta": dbeta}


@float32_only
def batch_norm_inference(inputs, parameters):
    """Return batch norm with the running statistics."""
    return {"out": nn.batch_norm_inference(*(inputs[n] for n in ("x", "gamma", "beta", "running_mean", "running_var")))}


@float32_only
def linear(inputs, parameters):
    """Return the linear layer and its gradients."""
    dx, dw, dbias = nn.linear_backward(inputs["dout"], inputs["x"], inputs["w"])
    return {"out": nn.linear_forward(inputs["x"], inputs["w"], inputs["bias"]), "dx": dx, "dw": dw, "dbias": dbias}


@float32_only
def relu(inputs, parameters):
    """Return the ReLU and its gradient."""
    out = nn.relu_forward(inputs["x"])
    return {"out": out, "dx": nn.relu_backward(inputs["dout"], out)}


@float32_only
def max_pool(inputs, parameters):
    """Return max pooling and its gradient."""
    window = parameters["kernel"], parameters["stride"], parameters["padding"]
    out, cache = nn.max_pool_forward(inputs["x"], *window)
    return {"out": out, "dx": nn.max_pool_backward(inputs["dout"], cache, inputs["x"].shape, *window)}


@float32_only
def global_average_pool(inputs, parameters):
    """Return the mean over rows and columns, and its gradient."""
    return {"out": nn.global_average_pool_forward(inputs["x"]),
            "dx": nn.global_average_pool_backward(inputs["dout"], inputs["x"].shape)}


@float32_only
def pad_shortcut(inputs, parameters):
    """Return the option-A shortcut and its gradient."""
    x, stride = inputs["x"], parameters["stride"]
    return {"out": nn.pad_shortcut_forward(x, parameters["out_channels"], stride),
            "dx": nn.pad_shortcut_backward(inputs["dout"], x.shape, stride)}
