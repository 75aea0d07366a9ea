"""What the parameters of a case choose: an address of random numbers, a device, a network."""

from dataclasses import replace

from refpcm.files.devices import find_device
from refpcm.spec.resnet import build, parameter_shapes


def address(parameters):
    """(seed, chip, purpose, layer, draw, start, count), as the functions of `refpcm.spec.random` take them."""
    return tuple(parameters[name] for name in ("seed", "chip", "purpose", "layer", "draw", "start", "count"))


def device(parameters):
    """The device parameter set a case names, with the interpretations it chooses (I-5, I-6, I-7)."""
    names = ("reset_device", "read_noise_from", "stuck_fraction")
    choices = {name: parameters[name] for name in names if name in parameters}
    return replace(find_device(parameters["device"]), **choices)


def network(inputs, parameters):
    """The network a case names, and {name: a copy of the input} for every parameter of that network."""
    net = build(parameters["architecture"], parameters["classes"])
    return net, {name: inputs[name].copy() for name in parameter_shapes(net)}
