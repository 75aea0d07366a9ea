"""The kinds of layers and what a network of them is, as data, and which parameters it has.

A layer is named like the tensor it writes, reads the tensors named in `inputs`, and owns the parameters
`<name>.weight`, `<name>.bias`, `<name>.running_mean`, `<name>.running_var` that its kind has. Nothing here computes;
`refpcm.spec.network` walks the list.
"""

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Layer:
    """Writes the tensor `name`, reads the tensors `inputs`."""
    name: str
    inputs: tuple


@dataclass(frozen=True)
class Conv2d(Layer):
    """Convolution without bias: weight (C_out, C_in, k, k)."""
    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    padding: int


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch norm over (N, H, W): weight, bias, running_mean, running_var of shape (C,)."""
    channels: int


@dataclass(frozen=True)
class ReLU(Layer):
    """max(x, 0) of one input of any shape."""


@dataclass(frozen=True)
class Add(Layer):
    """Sum of two inputs of the same shape: main path, shortcut."""


def channels_before(c_in, c_out):
    """Channels of zeros before the c_in old ones, of c_out in all: half of the new, rounded down. E-17."""
    return (c_out - c_in) // 2


@dataclass(frozen=True)
class PadShortcut(Layer):
    """Option A of He et al. 2016, section 4.2: every stride-th pixel, missing channels filled with zeros.

    before: number of channels of zeros before the old ones; the rest come behind them.
    """
    in_channels: int
    out_channels: int
    stride: int
    before: int


@dataclass(frozen=True)
class MaxPool(Layer):
    """Largest of every kernel x kernel window: (N, C, H, W) -> (N, C, H_out, W_out), padding not counted."""
    kernel: int
    stride: int
    padding: int


@dataclass(frozen=True)
class GlobalAveragePool(Layer):
    """(N, C, H, W) -> (N, C)."""


@dataclass(frozen=True)
class Linear(Layer):
    """weight (out_features, in_features), bias (out_features,)."""
    in_features: int
    out_features: int


@dataclass(frozen=True)
class Network:
    """A list of layers, the linear layer that writes the logits last."""
    architecture: str
    layers: tuple
    input_shape: tuple  # (C, H, W)

    @property
    def classes(self):
        """Number of logits."""
        return self.layers[-1].out_features


IMAGE = "image"  # name of the input tensor


def parameter_shapes(network):
    """Ordered {name: shape} of everything a network file stores: weights, biases, running statistics."""
    shapes = {}
    for layer in network.layers:
        if isinstance(layer, Conv2d):
            shapes[f"{layer.name}.weight"] = (layer.out_channels, layer.in_channels, layer.kernel, layer.kernel)
        elif isinstance(layer, BatchNorm):
            for part in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"{layer.name}.{part}"] = (layer.channels,)
        elif isinstance(layer, Linear):
            shapes[f"{layer.name}.weight"] = (layer.out_features, layer.in_features)
            shapes[f"{layer.name}.bias"] = (layer.out_features,)
    return shapes


def learned(names):
    """Return those names of parameters that training changes by gradients: all but the running statistics."""
    return [name for name in names if not name.endswith(("running_mean", "running_var"))]


def crossbar_layers(network):
    """The layers whose weights sit on PCM: convolutions and the linear layer, in signal order."""
    return [layer for layer in network.layers if isinstance(layer, (Conv2d, Linear))]


def pcm_weight_count(network):
    """Number of weights on PCM; FC biases count (one more crossbar row, I-1)."""
    shapes = parameter_shapes(network)
    return sum(prod(shapes[f"{layer.name}.{part}"]) for layer in crossbar_layers(network)
               for part in ("weight", "bias") if f"{layer.name}.{part}" in shapes)
