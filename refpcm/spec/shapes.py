"""The shape of every tensor of a network, from that of its images; a list of layers that do not fit together is refused."""

from refpcm.errors import RefpcmError
from refpcm.spec.layers import IMAGE, Add, BatchNorm, Conv2d, GlobalAveragePool, Linear, MaxPool, PadShortcut, ReLU
from refpcm.spec.nn.conv2d import output_size


def tensor_shapes(network, image_shape):
    """Return {tensor name: shape without the batch}, (C, H, W) or (D,), of images (C, H, W).

    Raises RefpcmError for a layer that reads what no layer before it writes or what does not fit it, whose name is taken,
    or whose tensor no layer reads, and for a last layer that is not linear.
    """
    shapes, read = {IMAGE: tuple(image_shape)}, set()
    for layer in network.layers:
        unknown = [name for name in layer.inputs if name not in shapes]
        if layer.name in shapes or unknown:
            why = f"reads {unknown[0]!r}, which is not written before it" if unknown else "has a name that is taken"
            raise RefpcmError(f"{network.architecture}: layer {layer.name!r} {why}")
        inputs = [shapes[name] for name in layer.inputs]
        if not _fits(layer, inputs):
            raise RefpcmError(f"{network.architecture}: {layer} does not fit what it reads, "
                              f"{', '.join(map(str, inputs)) or 'nothing'} (without the batch)")
        shapes[layer.name] = _shape(layer, inputs[0])
        read.update(layer.inputs)
    if not network.layers:
        raise RefpcmError(f"{network.architecture}: a network without layers")
    last = network.layers[-1]
    unread = [name for name in shapes if name not in read and name != last.name]
    if unread or not isinstance(last, Linear):
        raise RefpcmError(f"{network.architecture}: " + (f"no layer reads {unread[0]!r}" if unread else
                                                         f"the last layer, {last.name!r}, is not linear"))
    return shapes


def _fits(layer, inputs):
    """Whether a layer takes tensors of these shapes."""
    if isinstance(layer, Add):
        return len(inputs) == 2 and inputs[0] == inputs[1]
    if not _is_possible(layer):
        return False
    if len(inputs) != 1 or len(inputs[0]) != (1 if isinstance(layer, Linear) else 3):
        return isinstance(layer, ReLU) and len(inputs) == 1
    wanted = {Conv2d: "in_channels", PadShortcut: "in_channels", BatchNorm: "channels", Linear: "in_features"}.get(type(layer))
    return wanted is None or inputs[0][0] == getattr(layer, wanted)


def _is_possible(layer):
    """Whether a layer's own numbers describe one, whatever it reads."""
    if isinstance(layer, PadShortcut):
        return layer.stride >= 1 and 0 <= layer.before <= layer.out_channels - layer.in_channels
    if isinstance(layer, MaxPool):  # a window of padding alone has no largest value
        return layer.stride >= 1 and 0 <= layer.padding < layer.kernel
    if isinstance(layer, Conv2d):
        return layer.stride >= 1 and layer.kernel >= 1 and layer.padding >= 0
    return True


def _shape(layer, x):
    """The shape of what a layer writes when it reads x. Raises RefpcmError for a window that does not fit."""
    if isinstance(layer, Linear):
        return (layer.out_features,)
    if isinstance(layer, GlobalAveragePool):
        return x[:1]
    if isinstance(layer, PadShortcut):
        return (layer.out_channels, *(-(-size // layer.stride) for size in x[1:]))
    if isinstance(layer, (Conv2d, MaxPool)):
        channels = layer.out_channels if isinstance(layer, Conv2d) else x[0]
        return (channels, *(output_size(size, layer.kernel, layer.stride, layer.padding) for size in x[1:]))
    return x
