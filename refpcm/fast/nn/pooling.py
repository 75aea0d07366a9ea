"""Max pool, global average pool and the option-A shortcut."""

import numpy as np

from refpcm.fast.kernels import pooling
from refpcm.fast.kernels.layout import Plane, empty_lanes, groups, unpack
from refpcm.fast.nn.operands import float32, lanes, plane_of, planes
from refpcm.fast.threads import run_tasks
from refpcm.spec.layers import channels_before
from refpcm.spec.nn.conv2d import output_size


def max_pool_forward(x, kernel, stride, padding):
    """Return the largest of each window, and what `max_pool_backward` takes in the place of argmax."""
    plane = Plane(*(output_size(size, kernel, stride, padding) for size in x.shape[2:]))
    x_plane = plane_of(x)
    x_lanes, out = lanes(x, x_plane), empty_lanes(groups(len(x)), x.shape[1], plane)
    run_tasks(pooling.max_pool, planes(out), x_lanes, x_plane.grid, (kernel, stride, padding), out, plane.grid)
    return unpack(out, plane, len(x)), (x_lanes, x_plane, out, plane)


def max_pool_backward(dout, cache, shape, kernel, stride, padding):
    """Return dL/dx of `shape`; cache: from `max_pool_forward`."""
    x_lanes, x_plane, y, plane = cache
    dx = empty_lanes(groups(shape[0]), shape[1], x_plane)
    run_tasks(pooling.max_pool_gradient, planes(dx), lanes(dout, plane), y, plane.grid, x_lanes, x_plane.grid,
        (kernel, stride, padding), dx)
    return unpack(dx, x_plane, shape[0])


def global_average_pool_forward(x):
    """Return the mean over rows and columns: (N, C, H, W) -> (N, C)."""
    plane, out = plane_of(x), np.empty(x.shape[:2], np.float32)
    x_lanes = lanes(x, plane)
    run_tasks(pooling.average_pool, planes(x_lanes), x_lanes, plane.grid, out)
    return out


def global_average_pool_backward(dout, shape):
    """Return dL/dx of `shape` (N, C, H, W) from dout (N, C)."""
    plane = Plane(*shape[2:])
    dx = empty_lanes(groups(shape[0]), shape[1], plane)
    run_tasks(pooling.average_pool_gradient, planes(dx), float32(dout), dx, plane.grid)
    return unpack(dx, plane, shape[0])


def pad_shortcut_forward(x, c_out, stride, before=None):
    """Return every stride-th pixel of x, with channels of zeros before and after: (N, c_out, H', W')."""
    before = channels_before(x.shape[1], c_out) if before is None else before
    x_plane, plane = plane_of(x), Plane(*(-(-size // stride) for size in x.shape[2:]))
    out = empty_lanes(groups(len(x)), c_out, plane)
    run_tasks(pooling.pad_shortcut, planes(out), lanes(x, x_plane), x_plane.grid, stride, before, out,
              plane.grid)
    return unpack(out, plane, len(x))


def pad_shortcut_backward(dout, shape, stride, before=None):
    """Return dL/dx of `shape` (N, C, H, W)."""
    before = channels_before(shape[1], dout.shape[1]) if before is None else before
    plane, x_plane = plane_of(dout), Plane(*shape[2:])
    dx = empty_lanes(groups(shape[0]), shape[1], x_plane)
    run_tasks(pooling.pad_shortcut_gradient, planes(dx), lanes(dout, plane), plane.grid, stride, before, dx,
              x_plane.grid)
    return unpack(dx, x_plane, shape[0])
