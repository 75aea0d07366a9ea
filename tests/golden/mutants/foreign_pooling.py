"""Mistakes in ReLU and pooling, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden import reference
from refpcm.spec import nn
from refpcm.spec.nn.conv2d import windows
from tests.golden.mutants.replacing import replaced

RELU_BACKWARD, AVERAGE_BACKWARD = nn.relu_backward, nn.average_pool_backward


def _places(x, kernel, stride, padding, fill=-np.inf):
    view = windows(x, kernel, stride, padding, fill=fill)
    return view.reshape(*view.shape[:4], -1)


def _last_of_equal(x, kernel, stride, padding):
    flat = _places(x, kernel, stride, padding)
    return flat.max(-1), flat.shape[-1] - 1 - flat[..., ::-1].argmax(-1)


def _of_magnitudes(x, kernel, stride, padding):
    flat = _places(x, kernel, stride, padding)
    argmax = np.where(np.isfinite(flat), np.abs(flat), -1).argmax(-1)
    return np.take_along_axis(flat, argmax[..., None], -1)[..., 0], argmax


def _scattered(parts, shape, kernel, stride, padding, overwrites=False):
    """parts (N, C, H', W', kernel^2) put into an array of `shape`, added or written over what is there."""
    n, c, h, w = shape
    dx = np.zeros((n, c, h + 2 * padding, w + 2 * padding), parts.dtype)
    for i, j in np.ndindex(parts.shape[2:4]):
        place = np.s_[:, :, stride * i : stride * i + kernel, stride * j : stride * j + kernel]
        part = parts[:, :, i, j].reshape(n, c, kernel, kernel)
        dx[place] = np.where(part != 0, part, dx[place]) if overwrites else dx[place] + part
    return dx[:, :, padding : padding + h, padding : padding + w]


def _max_pool_gradient(share, overwrites=False):
    """The whole operation with another dx: share(windows (..., k^2), out (..., 1)) -> share of dout at each place."""
    def max_pool(inputs, parameters, original=reference.max_pool):
        window = parameters["kernel"], parameters["stride"], parameters["padding"]
        out = original(inputs, parameters)["out"]
        parts = share(_places(inputs["x"], *window), out[..., None]) * inputs["dout"][..., None]
        return {"out": out, "dx": _scattered(parts.astype(out.dtype), inputs["x"].shape, *window, overwrites)}
    return replaced(reference, "max_pool", max_pool)


def _first(flat, out):
    return np.eye(flat.shape[-1])[flat.argmax(-1)]


def _average_overwritten(dout, shape, kernel, stride):
    parts = np.repeat((dout / kernel**2).astype(dout.dtype)[..., None], kernel**2, -1)
    return _scattered(parts, shape, kernel, stride, 0, overwrites=True)


def _global(divisor):
    return replaced(
        nn, "global_average_pool_forward", lambda x: x.sum((2, 3)) / x.dtype.type(divisor(x.shape))
    ) + replaced(
        nn,
        "global_average_pool_backward",
        lambda dout, shape: np.broadcast_to(dout[:, :, None, None] / dout.dtype.type(divisor(shape)), shape).copy(),
    )


MUTANTS = [
    ("relu-leaky", "slope 0.01 below 0",
     replaced(nn, "relu_forward", lambda x: np.where(x > 0, x, x * x.dtype.type(0.01)))),
    ("relu-guided", "negative gradients are stopped, too",
     replaced(nn, "relu_backward", lambda dout, out: RELU_BACKWARD(np.maximum(dout, 0), out))),
    ("relu-magnitude", "|x|", replaced(nn, "relu_forward", np.abs)),
    ("max-pool-last", "the last of equal maxima gets the gradient", replaced(nn, "max_pool_forward", _last_of_equal)),
    ("max-pool-magnitude", "the largest magnitude", replaced(nn, "max_pool_forward", _of_magnitudes)),
    ("max-pool-all", "all of the equal maxima get the gradient", _max_pool_gradient(lambda flat, out: flat == out)),
    ("max-pool-shared", "equal maxima share the gradient",
     _max_pool_gradient(lambda flat, out: (flat == out) / (flat == out).sum(-1, keepdims=True))),
    ("max-pool-overwrites", "overlapping windows overwrite one another", _max_pool_gradient(_first, overwrites=True)),
    ("average-pool-dx-sum", "gradient not divided",
     replaced(
         nn,
         "average_pool_backward",
         lambda dout, shape, kernel, stride: AVERAGE_BACKWARD(
             dout * dout.dtype.type(kernel**2), shape, kernel, stride
         ),
     )),
    ("global-pool-dx-sum", "gradient not divided",
     replaced(
         nn,
         "global_average_pool_backward",
         lambda dout, shape: np.broadcast_to(dout[:, :, None, None], shape).copy(),
     )),
    ("global-pool-max", "the largest instead of the mean",
     replaced(nn, "global_average_pool_forward", lambda x: x.max((2, 3)))),
    ("average-pool-dx-overwrites", "overlapping windows overwrite one another",
     replaced(nn, "average_pool_backward", _average_overwritten)),
    ("average-pool-by-stride", "divided by stride^2",
     replaced(
         nn,
         "average_pool_forward",
         lambda x, kernel, stride, original=nn.average_pool_forward: (
             original(x, kernel, stride) * x.dtype.type(kernel**2 / stride**2)
         ),
     )),
    ("global-pool-square", "divided by H^2",
     _global(lambda shape: shape[2] ** 2)),
]
