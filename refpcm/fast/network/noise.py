"""Noise on the inputs or pre-activations of the crossbar layers in a training pass. Specification: nn.noise.

Normals are numbered by image and element, (N, C, H, W), and sorted into the lanes here.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.threads import run_tasks
from refpcm.spec.nn.noise import add_noise


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


def wanted(context, place):
    """Whether this pass has noise at `place`: "inputs" or "pre-activations"."""
    return context.noise is not None and context.noise.place == place


def add_lane_noise(context, layer, x, plane, out):
    """out = x with the noise for `layer`; both in the lane layout, of the same plane. out may be x."""
    context.chain.run()
    buffers, tasks = context.buffers, x.shape[0] * x.shape[1]
    largest = context.scratch("largest", x.shape[:2])
    run_tasks(largest_magnitudes, tasks, x, plane.grid, buffers.last_lanes, largest)
    sigma = np.float32(context.noise.eta * float(largest.max()))
    z = context.noise.normals(layer.name, (buffers.images, x.shape[1], plane.height, plane.width))
    run_tasks(add_normals, tasks, x, sigma, z, out, plane.grid)


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
