"""The distinct convolutions of a network, each as three calls of the engine's own code."""

import numpy as np

from refpcm import resnet
from refpcm.kernels.engine import Engine
from refpcm.kernels.finish import STATISTICS
from refpcm.kernels.plan import ConvStep


def convolutions(architecture, batch):
    """Yields (label, FLOP of one direction, {direction: call}) after one training step has filled the buffers."""
    network, rng = resnet.build(architecture), np.random.default_rng(0)
    parameters = resnet.initial_parameters(network, lambda index, count: rng.standard_normal(count))
    engine = Engine(network)
    engine.forward(parameters, rng.standard_normal((batch, *network.input_shape), np.float32), training=True)
    engine.backward(parameters, rng.standard_normal((batch, network.classes), np.float32))
    state, seen = engine._training, set()
    for step in engine._plan.steps:
        if not isinstance(step, ConvStep):
            continue
        layer, plane = step.conv, state.tensors[step.result].plane
        key = (layer.in_channels, layer.out_channels, plane.height, layer.kernel, layer.stride)
        if key in seen:
            continue
        seen.add(key)
        label = "{}->{}, {}x{}, {}/{}".format(layer.in_channels, layer.out_channels, plane.height, plane.width,
                                              layer.kernel, layer.stride)
        flops = 2 * batch * layer.in_channels * layer.out_channels * layer.kernel ** 2 * plane.height * plane.width
        yield label, flops, _calls(engine, state, step, parameters)


def _calls(engine, state, step, parameters):
    channels, gradient = step.conv.out_channels, state.take(state.tensors[step.result])
    ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    calls = {"forward": lambda: engine._convolve(step, state, parameters, ones, state.sums[step.result], STATISTICS, zeros)}
    if step.source != resnet.IMAGE:
        calls["input"] = lambda: _input_gradient(engine, state, step, parameters, gradient)
    calls["weights"] = lambda: engine._weight_gradient(step, state, gradient)
    return calls


def _input_gradient(engine, state, step, parameters, gradient):
    """With the ReLU and the batch norm's sums, as the last reader of the layer below."""
    engine._waiting, engine._pending = {step.source: 1}, {}
    engine._input_gradient(step, state, parameters, gradient)
    state.give(state.tensors[step.source], engine._pending.pop(step.source))
