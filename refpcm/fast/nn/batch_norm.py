"""Batch norm: the sums by kernels in float32, what is one number a channel in float64."""

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.fast.kernels import elementwise
from refpcm.fast.kernels.finish import NO_FLOOR
from refpcm.fast.kernels.layout import in_last_group, unpack
from refpcm.fast.network.buffers import floats
from refpcm.fast.network.forward import Norm, batch_norm
from refpcm.fast.nn.operands import demand_shape, float32, lanes, normalised, plane_of, plane_sums, planes
from refpcm.fast.threads import run_tasks
from refpcm.spec.nn import Statistics
from refpcm.spec.nn.batch_norm import check_shapes


def batch_norm_training(x, gamma, beta):
    """Return out, the batch's Statistics, and what `batch_norm_backward` needs. Raises RefpcmError as the specification."""
    check_shapes(x, gamma, beta)
    plane, count = plane_of(x), x.size // x.shape[1]
    if count < 2:
        raise RefpcmError("batch norm in training needs at least two values a channel; use a larger batch")
    z, reference = lanes(x, plane), np.zeros(x.shape[1], np.float32)

    def sums_from(near):
        sums = plane_sums(z)
        run_tasks(elementwise.moments, planes(z), z, near, sums, plane.grid, in_last_group(len(x)))
        return sums.sum(0)
    norm = batch_norm(reference, sums_from(reference), count, sums_from)
    out = normalised(z, plane, norm.affine(float32(gamma), float32(beta)), NO_FLOOR)
    return unpack(out, plane, len(x)), Statistics(norm.mean, norm.variance, count), (z, plane, norm, x.shape)


def batch_norm_backward(dout, gamma, cache):
    """Return dL/dx, dL/dgamma, dL/dbeta; cache: from `batch_norm_training`. Raises RefpcmError for other shapes."""
    z, plane, norm, shape = cache
    demand_shape("dout", dout, shape)
    check_shapes(dout, gamma)
    g, sums = lanes(dout, plane), plane_sums(z)
    run_tasks(elementwise.gradient_sums, planes(z), g, z, floats(norm.mean), sums, plane.grid)
    norm.sums = sums.sum(0)
    run_tasks(elementwise.normalise_gradient, planes(z), g, z, *norm.gradient(float32(gamma)), g, plane.grid,
        in_last_group(len(dout)))
    return unpack(g, plane, len(dout)), *map(floats, norm.parameter_gradients())


def batch_norm_inference(x, gamma, beta, running_mean, running_var):
    """Return x (N, C, H, W) normalised with the running statistics.

    It is what a training step with frozen statistics does; in inference the engine folds it into the convolution. Raises
    RefpcmError for other shapes.
    """
    check_shapes(x, gamma, beta, running_mean, running_var)
    norm, plane = Norm(running_mean.astype(np.float64), running_var.astype(np.float64), np.inf), plane_of(x)
    out = normalised(lanes(x, plane), plane, norm.affine(float32(gamma), float32(beta)), NO_FLOOR)
    return unpack(out, plane, len(x))
