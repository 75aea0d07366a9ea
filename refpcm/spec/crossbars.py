"""Where a network meets a chip: parameters to crossbar matrices and back.

A convolution (C_out, C_in, k, k) is the matrix (C_in k k, C_out): the row order of its inputs is channel, kernel row,
kernel column. A linear layer (out, in) with bias is (in + 1, out); the bias is one more row, driven by 1 (I-1).
"""

from math import prod

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.pcm.chip import program
from refpcm.spec.resnet import Linear, crossbar_layers, parameter_shapes

ON_CHIP = ("all", "inner")  # "inner": first and last layer stay digital, as in the paper's ImageNet result


def analog_layers(network, on_chip="all"):
    """[(number among the crossbar layers, layer)] of the layers that sit on the chip.

    Raises RefpcmError for an unknown on_chip.
    """
    if on_chip not in ON_CHIP:
        raise RefpcmError(f"layers on the chip: {on_chip!r} is unknown; known are {', '.join(ON_CHIP)}")
    numbered = list(enumerate(crossbar_layers(network)))
    return numbered if on_chip == "all" else numbered[1:-1]


def to_matrices(network, parameters, on_chip="all"):
    """{layer name: matrix (R, K)} in signal order. E-55. Raises RefpcmError for parameters that lack one of a layer."""
    matrices = {}
    for _, layer in analog_layers(network, on_chip):
        _check_parameters(network, layer, parameters)
        weight = parameters[f"{layer.name}.weight"]
        matrix = weight.reshape(len(weight), -1).T
        if isinstance(layer, Linear):
            matrix = np.concatenate([matrix, parameters[f"{layer.name}.bias"][None]])
        matrices[layer.name] = np.ascontiguousarray(matrix)
    return matrices


def _check_parameters(network, layer, parameters):
    """Raises RefpcmError unless the weights of a crossbar layer, and its biases if it is linear, are there."""
    for name in (f"{layer.name}.weight", *([f"{layer.name}.bias"] if isinstance(layer, Linear) else [])):
        if name not in parameters:
            raise RefpcmError(f"parameters of {network.architecture}: {name!r} is missing")


def check_matrices(network, matrices):
    """Raises RefpcmError unless every name in `matrices` is a crossbar layer and every shape (R, K) is that layer's."""
    shapes, wanted = parameter_shapes(network), {}
    for _, layer in analog_layers(network):
        columns, *inputs = shapes[f"{layer.name}.weight"]
        wanted[layer.name] = prod(inputs) + isinstance(layer, Linear), columns
    for name, matrix in matrices.items():
        if name not in wanted:
            raise RefpcmError(f"matrices: {network.architecture} has no crossbar layer {name!r}; it has "
                              f"{', '.join(wanted)}")
        if np.shape(matrix) != wanted[name]:
            raise RefpcmError(f"matrices: layer {name!r} of {network.architecture} takes (rows, columns) = "
                              f"{wanted[name]}, not {np.shape(matrix)}; see refpcm.spec.crossbars.to_matrices")


def with_matrices(network, parameters, matrices):
    """Parameters in which the layers named in `matrices` have these weights; all others are the same arrays. E-55.

    matrices: {layer name: (R, K)}. Raises RefpcmError for layers that the network lacks, for other shapes and
    for parameters that lack one of a layer.
    """
    check_matrices(network, matrices)
    changed = dict(parameters)
    for _, layer in analog_layers(network):
        if layer.name in matrices:
            _check_parameters(network, layer, parameters)
            matrix = matrices[layer.name]
            if isinstance(layer, Linear):
                matrix, changed[f"{layer.name}.bias"] = matrix[:-1], matrix[-1].copy()
            shape = parameters[f"{layer.name}.weight"].shape
            changed[f"{layer.name}.weight"] = np.ascontiguousarray(matrix.T.reshape(shape))
    return changed


def program_network(network, parameters, device, seed, chip, on_chip="all", program=program):
    """Return a new Chip with the network's matrices; program: that of `refpcm.spec.pcm.chip` or `refpcm.fast.chip`.

    Raises RefpcmError as `program`.
    """
    numbers = {layer.name: number for number, layer in analog_layers(network, on_chip)}
    return program(to_matrices(network, parameters, on_chip), device, seed, chip, numbers)
