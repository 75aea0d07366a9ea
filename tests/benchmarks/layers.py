"""The distinct convolutions of a network, each as calls of its three directions in the engine's own way."""

from functools import partial

import numpy as np

from refpcm.fast.kernels.convolution import (
    FORMS,
    convolve,
    input_gradient,
    input_gradient_packing,
    packing,
    weight_gradient_of,
)
from refpcm.fast.kernels.finish import GRADIENT, STATISTICS, finish
from refpcm.fast.kernels.layout import LANES, empty_lanes, groups, interior
from refpcm.fast.network.buffers import Scratch
from refpcm.fast.network.plan import ConvStep, make_plan, tensors_of
from refpcm.fast.threads import Chain, run_together
from refpcm.spec import resnet


def convolutions(architecture, batch, kernels):
    """Yield (label, FLOP of one direction, {direction: call})."""
    network, seen = resnet.build(architecture), set()
    plan = make_plan(network)
    tensors = tensors_of(plan, network, network.input_shape)
    for step in plan.steps:
        if not isinstance(step, ConvStep):
            continue
        layer, plane = step.conv, tensors[step.result].plane
        key = (layer.in_channels, layer.out_channels, plane.height, layer.kernel, layer.stride)
        if key not in seen:
            seen.add(key)
            label = "{}->{}, {}x{}, {}/{}".format(layer.in_channels, layer.out_channels, plane.height, plane.width,
                                                  layer.kernel, layer.stride)
            flops = 2 * batch * layer.in_channels * layer.out_channels * layer.kernel ** 2 * plane.height * plane.width
            yield label, flops, _calls(FORMS[kernels], layer, tensors[step.source].plane, plane, batch)


def _calls(form, layer, x_plane, plane, batch):
    rng, count = np.random.default_rng(0), groups(batch)

    def tensor(channels, of):
        made = empty_lanes(count, channels, of)
        inside = interior(made, of)
        inside[:] = rng.standard_normal(inside.shape, np.float32)
        return made
    c, k = layer.in_channels, layer.out_channels
    weight = rng.standard_normal((k, c, layer.kernel, layer.kernel), np.float32)
    x, dx, addend, activation = (tensor(c, x_plane) for _ in range(4))
    z, dz, scratch, last_lanes = tensor(k, plane), tensor(k, plane), Scratch(), batch - LANES * (count - 1)
    ones, statistics = np.ones(k, np.float32), finish(STATISTICS, np.zeros(k, np.float32), z)
    gradient = finish(GRADIENT, np.zeros(c, np.float32), dx, addend=addend, output=x, activation=activation)
    chain, memory = Chain(count), partial(scratch, "packed")

    def forward():
        packed = packing(form, memory, weight, ones, layer.stride, plane)
        run_together([packed.pack])
        sums = convolve(chain, packed, scratch, layer.stride, x, x_plane, layer.padding, z, plane, statistics, last_lanes)
        chain.run()
        return sums.sum(0)

    def of_input():
        packed = input_gradient_packing(form, memory, weight, layer.stride, x_plane)
        run_together([packed.pack])
        sums = input_gradient(chain, packed, scratch, layer.kernel, layer.stride, dz, plane, dx, x_plane, gradient,
                              last_lanes)
        chain.run()
        return sums.sum(0)

    def of_weights():
        collected = weight_gradient_of(chain, form, scratch, layer, x, x_plane, dz, plane)
        chain.run()
        return collected()
    return {"forward": forward, "weights": of_weights} if layer.kernel == 7 else {
        "forward": forward, "input": of_input, "weights": of_weights}
