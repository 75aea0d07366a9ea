"""Noise of each image in a training pass: on the inputs or pre-activations of the crossbar layers, or on their weights.

Specifications: nn.noise, and training.image_noise for the weights. Normals are numbered by image and element,
(N, C, H, W) or (N, K, C, k, k), and sorted into the lanes here.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import fma, load, store
from refpcm.fast.threads import run_tasks
from refpcm.spec.nn.noise import add_noise
from refpcm.spec.training.weight_noise import w_max_of


@kernel
def largest_magnitudes(start, stop, x, grid, last_lanes, out):
    """out[group, c] = max |x| over the lanes that hold an image. x (G, C, P, 16); tasks are the planes."""
    first, row, rows, columns = grid
    for task in range(start, stop):
        group, c = task // x.shape[1], task % x.shape[1]
        lanes = last_lanes if group == x.shape[0] - 1 else LANES
        largest = np.float32(0)
        for h in range(rows):
            for w in range(columns):
                for lane in range(lanes):
                    largest = max(largest, abs(x[group, c, first + h * row + w, lane]))
        out[group, c] = largest


@kernel
def add_normals(start, stop, x, sigma, z, out, grid):
    """out = x + sigma z; z (N, C, H, W), lanes without an image have none. out may be x; tasks are the planes."""
    first, row, rows, columns = grid
    for task in range(start, stop):
        group, c = task // x.shape[1], task % x.shape[1]
        lanes = min(LANES, z.shape[0] - group * LANES)
        for h in range(rows):
            for w in range(columns):
                p = first + h * row + w
                for lane in range(LANES):
                    out[group, c, p, lane] = x[group, c, p, lane]
                    if lane < lanes:
                        out[group, c, p, lane] += sigma * z[group * LANES + lane, c, h, w]


@kernel
def add_products_with_noise(start, stop, x, x_grid, z, window, sigma, out, grid):
    """out += sigma z * x, the convolution of each image with its own z (N, K, C, k, k). Tasks are the K planes of out.

    x (C, P, 16), out (K, P, 16): a group of N images; window: stride, padding.
    """
    x_first, x_row, _, _ = x_grid
    first, row, rows, columns = grid
    stride, padding = window
    kernel_size, pixels = z.shape[3], x.shape[1]
    flat_x, flat_out = x.reshape(-1), out.reshape(-1)
    weights = np.zeros(x.shape[0] * kernel_size * kernel_size * LANES, np.float32)  # of one plane, lane by lane
    for k in range(start, stop):
        for n in range(z.shape[0]):
            at = n
            for c in range(x.shape[0]):
                for r in range(kernel_size):
                    for s in range(kernel_size):
                        weights[at] = sigma * z[n, k, c, r, s]
                        at += LANES
        for h in range(rows):
            for w in range(columns):
                to = (k * out.shape[1] + first + h * row + w) * LANES
                total, at = load(flat_out, to), 0
                for c in range(x.shape[0]):
                    plane = c * pixels + x_first + (h * stride - padding) * x_row + w * stride - padding
                    for r in range(kernel_size):
                        for s in range(kernel_size):
                            total = fma(load(flat_x, (plane + r * x_row + s) * LANES), load(weights, at), total)
                            at += LANES
                store(flat_out, to, total)


def wanted(context, place, layer=None):
    """Whether this pass has noise at `place`: "inputs", "pre-activations", or the "weights" of `layer`."""
    return context.noise is not None and context.noise.place == place and (layer is None or layer.name in context.noise.numbers)


def add_lane_noise(context, layer, x, plane, out):
    """out = x with the noise for `layer`; both in the lane layout, of the same plane. out may be x."""
    context.chain.run()
    buffers, tasks = context.buffers, x.shape[0] * x.shape[1]
    largest = context.scratch("largest", x.shape[:2])
    run_tasks(largest_magnitudes, tasks, x, plane.grid, buffers.last_lanes, largest)
    sigma = np.float32(context.noise.eta * float(largest.max()))
    z = context.noise.normals(layer.name, (buffers.images, x.shape[1], plane.height, plane.width))
    run_tasks(add_normals, tasks, x, sigma, z, out, plane.grid)


def add_weight_noise(context, step, plane, out):
    """out += the products of the noise that each image has on the weights of a ConvStep; in the lane layout."""
    layer, buffers = step.conv, context.buffers
    w, x = context.floats(layer, "weight"), buffers.values[step.source]
    sigma = np.float32(context.noise.eta * w_max_of([w]))
    for group in range(len(x)):  # whose numbers fit into memory
        images = min(LANES, buffers.images - group * LANES)
        z = context.noise.normals(layer.name, (images, *w.shape), group * LANES)
        run_tasks(add_products_with_noise, len(w), x[group], context.shape(step.source)[1].grid, z,
                  (layer.stride, layer.padding), sigma, out[group], plane.grid)


def read_noisily(step, context):
    """Let a convolution step read a noisy copy of its source, which is kept for the backward pass."""
    buffers = context.buffers
    if step.result not in buffers.noisy_inputs:
        buffers.noisy_inputs[step.result] = buffers.take(step.source)
    add_lane_noise(context, step.conv, buffers.values[step.source], context.shape(step.source)[1],
                   buffers.noisy_inputs[step.result])


def add_row_noise(context, layer, place, x):
    """x (N, features), the input or output of the linear layer, in place: with noise if it belongs there."""
    if wanted(context, place):
        x[...] = add_noise(x, context.noise.eta, context.noise.normals(layer.name, x.shape))


def add_products_of_rows(context, layer, x, out):
    """out (N, classes) += the products of x (N, features) with the noise that each image has on the linear layer's weights."""
    if wanted(context, "weights", layer):
        weights = [context.floats(layer, part) for part in ("weight", "bias")]
        sigma = np.float32(context.noise.eta * w_max_of(weights))
        for begin in range(0, len(x), LANES):  # whose numbers fit into memory
            some = x[begin:begin + LANES]
            z = context.noise.normals(layer.name, (len(some), sum(part.size for part in weights)), begin)
            of_weights, of_biases = np.split(z, [weights[0].size], axis=1)
            products = np.einsum("nkf,nf->nk", of_weights.reshape(len(some), *weights[0].shape), some)
            out[begin:begin + LANES] += sigma * (products + of_biases)
