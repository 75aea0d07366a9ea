"""The linear layer without BLAS, whose order of additions would depend on the number of threads.

N images, I inputs, O outputs; a task is one image, or one output for the gradient of the weights. Twin:
refpcm.spec.nn.linear.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import fma, lane_sum, load, splat


@kernel
def linear(start, stop, x, weight, bias, out):
    """out (N, O) = x (N, I) @ weight (O, I).T + bias (O,)."""
    for n in range(start, stop):
        for o in range(weight.shape[0]):
            whole = weight.shape[1] // LANES * LANES
            sums = splat(np.float32(0))
            for i in range(0, whole, LANES):
                sums = fma(load(x[n], i), load(weight[o], i), sums)
            total = lane_sum(sums)
            for i in range(whole, weight.shape[1]):
                total += x[n, i] * weight[o, i]
            out[n, o] = total + bias[o]


@kernel
def linear_input_gradient(start, stop, dy, weight, out):
    """out (N, I) = dy (N, O) @ weight."""
    for n in range(start, stop):
        out[n] = 0
        for o in range(weight.shape[0]):
            d = dy[n, o]
            for i in range(weight.shape[1]):
                out[n, i] += d * weight[o, i]


@kernel
def linear_weight_gradient(start, stop, dy, x, weight, bias):
    """weight (O, I) = dy.T @ x; bias (O,) = sum of dy over the images."""
    for o in range(start, stop):
        weight[o] = 0
        total = np.float32(0)
        for n in range(x.shape[0]):
            d = dy[n, o]
            total += d
            for i in range(x.shape[1]):
                weight[o, i] += d * x[n, i]
        bias[o] = total
