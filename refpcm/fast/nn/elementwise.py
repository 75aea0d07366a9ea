"""ReLU and residual addition: what the kernel of batch norm does beside normalising."""

from math import prod

import numpy as np

from refpcm.fast.kernels import elementwise
from refpcm.fast.kernels.finish import NO_FLOOR
from refpcm.fast.kernels.layout import unpack
from refpcm.fast.network.forward import ZERO
from refpcm.fast.nn.operands import demand_shape, float32, identity, lanes, normalised, plane_of, plane_sums, planes
from refpcm.fast.threads import run_tasks
from refpcm.spec.nn.add import check_shapes


def relu_forward(x):
    """Return max(x, 0), any shape."""
    images = _as_images(x)
    plane = plane_of(images)
    return unpack(normalised(lanes(images, plane), plane, identity(images), ZERO), plane, len(x)).reshape(x.shape)


def relu_backward(dout, out):
    """Return dL/dx; `out` is the result of the forward pass. Raises RefpcmError for another shape of dout."""
    demand_shape("dout", dout, out.shape)
    g, y = _as_images(dout), _as_images(out)
    plane = plane_of(y)
    dx, y_lanes = lanes(g, plane), lanes(y, plane)
    run_tasks(elementwise.relu_gradient, planes(dx), dx, y_lanes, y_lanes, np.zeros(y.shape[1], np.float32),
        plane_sums(dx), dx, plane.grid)
    return unpack(dx, plane, len(dout)).reshape(dout.shape)


def add_forward(a, b):
    """Return a + b, of any one shape. Raises RefpcmError for different shapes."""
    check_shapes(a, b)
    one, other = _as_images(a), _as_images(b)
    plane = plane_of(one)
    out = normalised(lanes(one, plane), plane, identity(one), NO_FLOOR, lanes(other, plane))
    return unpack(out, plane, len(a)).reshape(a.shape)


def _as_images(x):
    """Return x of any shape as (N, C, H, W)."""
    return float32(x) if x.ndim == 4 else float32(x).reshape(len(x), prod(x.shape[1:]), 1, 1)
