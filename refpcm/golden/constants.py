"""Constants that a case names instead of giving them: devices and networks, as plain data for the manifest.

Floating-point numbers are text in IEEE-754 hex, as everywhere in the manifest; None is "no bound".
"""

from dataclasses import fields

from refpcm.golden.small_network import network_named
from refpcm.spec.pcm.device import DEVICES
from refpcm.spec.pcm.device_data import device_to_dict

NAMED_DEVICES = ("joshi2020", "joshi2020-transfer", "hermes-1")
NAMED_NETWORKS = ("joshi2020-resnet32", "imagenet-resnet34", "tiny-resnet8", "chip-block",
                  "chip-identity")  # with their own classes


def device_entries():
    """Return {name: {field: value}} of the devices that cases name; a curve is a list of pieces.

    A piece is [form, coefficients, low, high, below], as FORMAT.md of the kit explains it.
    """
    return {name: _as_text(device_to_dict(DEVICES[name])) for name in NAMED_DEVICES}


def network_entries():
    """Return {name: {input_shape, layers}}; a layer is {name, kind, inputs, and the sizes of its kind}."""
    def layer_entry(layer):
        sizes = {f.name: getattr(layer, f.name) for f in fields(layer) if f.name not in ("name", "inputs")}
        return {"name": layer.name, "kind": type(layer).__name__, "inputs": list(layer.inputs), **sizes}
    return {name: {"input_shape": list(network.input_shape), "layers": [layer_entry(layer) for layer in network.layers]}
            for name, network in ((name, network_named(name)) for name in NAMED_NETWORKS)}


def _as_text(value):
    if isinstance(value, dict):
        return {name: _as_text(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_text(item) for item in value]
    return value.hex() if isinstance(value, float) else value
