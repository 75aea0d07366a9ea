"""What the parameters of a case choose: an address of random numbers, a device, a network."""

from dataclasses import replace

from refpcm.files.devices import find_device
from refpcm.golden.small_network import network_named
from refpcm.spec.pcm.curve import logarithm, polynomial, power
from refpcm.spec.pcm.device import Device
from refpcm.spec.resnet import parameter_shapes


def address(parameters):
    """(seed, chip, purpose, layer, draw, start, count), as the functions of `refpcm.spec.random` take them."""
    return tuple(parameters[name] for name in ("seed", "chip", "purpose", "layer", "draw", "start", "count"))


def device(parameters):
    """The device parameter set a case names, with the interpretations it chooses (I-5, I-6, I-7).

    The device "constants" is given by its numbers, among the parameters.
    """
    names = ("reset_device", "read_noise_from", "stuck_fraction")
    choices = {name: parameters[name] for name in names if name in parameters}
    if parameters["device"] == "constants":
        return _device_of(parameters, choices)
    return replace(find_device(parameters["device"]), **choices)


def _device_of(parameters, choices):
    def numbers(*names):
        return [parameters[name] for name in names]

    def clipped(curve):
        return (logarithm(*numbers(*(f"{curve}_{part}" for part in ("slope", "offset", "low", "high")))),)
    return Device("constants", *numbers("g_max_us", "t0_s", "t_read_s"),
                  (polynomial(*numbers(*(f"sigma_c{exponent}_us" for exponent in range(4)))),), clipped("nu_mean"),
                  clipped("nu_sigma"), (power(*numbers("q_factor", "q_exponent", "q_high")),), "the case", **choices)


def network(inputs, parameters):
    """The network a case names, and {name: a copy of the input} for every parameter of that network."""
    net = network_named(parameters["architecture"], parameters["classes"])
    return net, {name: inputs[name].copy() for name in parameter_shapes(net)}
