"""What L4 and L5 share: inputs for a whole network, and tolerances that grow with the depth of a tensor."""

from math import prod, sqrt

from refpcm.golden.case import PRECISION, Tolerance, made
from refpcm.spec.resnet import Conv2d, Linear, parameter_shapes

C = 1.0  # rounding errors of a layer behave like a random walk of sqrt(fan-in) steps; seen: a twentieth of this


def parameter_inputs(network, dtype, seed):
    """Inputs for all parameters: He-scaled weights, batch norms near 1, 0, 0, 1. Input number = recipe layer."""
    inputs = []
    for number, (name, shape) in enumerate(parameter_shapes(network).items()):
        part = name.rsplit(".", 1)[1]
        if len(shape) > 1:
            scale, offset = sqrt((2 if len(shape) == 4 else 1) / prod(shape[1:])), 0.0
        else:
            scale, offset = 0.1, 0.5 if part == "weight" else 1.0 if part == "running_var" else 0.0
        inputs.append(made(name, shape, dtype, seed, number, scale=scale, offset=offset))
    return inputs


def tensor_tolerances(network, dtype, growth=1.0):
    """{tensor name: Tolerance} with value C u sqrt(largest fan-in) depth growth.

    depth: the number of weight layers that the tensor has passed, itself included.
    """
    depth, found = {"image": 0}, {}
    fans = [prod((layer.in_channels, layer.kernel, layer.kernel)) if isinstance(layer, Conv2d) else layer.in_features
            for layer in network.layers if isinstance(layer, (Conv2d, Linear))]
    for layer in network.layers:
        depth[layer.name] = max(depth[name] for name in layer.inputs) + isinstance(layer, (Conv2d, Linear))
        value = C * PRECISION[dtype] * sqrt(max(fans)) * depth[layer.name] * growth
        found[layer.name] = Tolerance("probe", value, f"{C:g} u sqrt({max(fans)}) x {depth[layer.name]} weight layers"
                                      + (f" x {growth:g}" if growth != 1 else ""))
    return found
