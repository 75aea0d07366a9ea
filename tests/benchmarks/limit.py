"""The machine's limit for a training step: the products of its convolutions at sgemm's rate, and its tensors at the speed
of copying, one after the other.

Counted are the products of the form that a convolution takes (36 for 16 pixels in F(4x4)), without Winograd's transforms,
and the tensors that convolutions, batch norms and their gradients read and write, each time anew, as if none were found in
a cache; not counted: projections' own sums, pad shortcuts, pooling, the linear layer, the update. A step that overlaps
products and copying may be faster than this.
"""

import numpy as np

from refpcm.fast.kernels.convolution import FORMS, side_taken, weight_gradient_side
from refpcm.fast.network.plan import make_plan, tensors_of
from refpcm.fast.threads import run_tasks
from refpcm.spec.resnet import IMAGE, build
from tests.benchmarks.timing import medians

SAVED = {0: 1, 2: 16 / 36, 4: 36 / 144}  # products of Winograd's form over those of the direct one, by side of squares
COPIED = 2 ** 29  # bytes


def step_work(architecture, batch, kernels):
    """Return (FLOP, bytes) of a training step."""
    network, square = build(architecture), FORMS[kernels]
    plan = make_plan(network)
    tensors = tensors_of(plan, network, network.input_shape)
    flop = size = 0
    for step in plan.convolutions:
        layer, source, result = step.conv, tensors[step.source], tensors[step.result]
        shape = layer.kernel, layer.stride
        pixels = result.plane.height * result.plane.width
        products = 2 * batch * layer.in_channels * layer.out_channels * layer.kernel ** 2 * pixels
        x, z = (4 * batch * t.channels * t.plane.height * t.plane.width for t in (source, result))
        forward = side_taken(square, *shape, layer.in_channels, result.plane)
        flop += products * (SAVED[forward] + SAVED[weight_gradient_side(square, layer, result.plane)])
        size += x + z  # convolution
        size += (2 + (step.skip is not None)) * z * step.relu  # batch norm, addition and ReLU
        size += 3 * z  # gradient of batch norm
        size += x + z  # gradient of the weights
        if step.source != IMAGE:
            flop += products * SAVED[side_taken(square, *shape, layer.out_channels, source.plane)]
            size += z + 3 * x  # gradient of the input, with the ReLU and the sums of the batch norm before it
            size += x * (plan.readers[step.source] > 1 and step.relu)  # the part that has arrived by the shortcut
    return flop, size


def copy_rate(clock, runs):
    """Return bytes a second, read or written, of copying an array too large for most caches, on all threads."""
    source, target = np.ones(COPIED // 4, np.float32), np.empty(COPIED // 4, np.float32)

    def copy(start, stop):
        target[start:stop] = source[start:stop]
    return 2 * COPIED / medians({"copy": lambda: run_tasks(copy, len(source))}, runs, clock)["copy"]


def limit(options, clock, peak):
    """Print and return the seconds of the limit; peak: GFLOP/s of sgemm."""
    flop, size = step_work(options.network, options.batch, options.kernels)
    rate = copy_rate(clock, options.runs)
    seconds = flop / peak / 1e9 + size / rate
    print(f"\nlimit of a training step: {flop / 1e9:.1f} GFLOP at sgemm's rate {flop / peak / 1e6:.1f} ms, "
          f"{size / 1e9:.2f} GB at {rate / 1e9:.0f} GB/s of copying {size / rate * 1e3:.1f} ms, together {seconds * 1e3:.1f} ms")
    return seconds
