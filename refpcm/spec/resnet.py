"""The networks as data: a tuple of layers in the order the signal passes them.

A layer is named like the tensor it writes, reads the tensors named in `inputs`, and owns the parameters
`<name>.weight`, `<name>.bias`, `<name>.running_mean`, `<name>.running_var` that its kind has. Names follow
torchvision. Nothing here computes; `refpcm.spec.network` walks the list. Importing it costs no NumPy, so that every
command's --help can list the names.
"""

from dataclasses import dataclass, replace
from math import prod, sqrt

from refpcm.errors import RefpcmError


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


@dataclass(frozen=True)
class PadShortcut(Layer):
    """Option A of He et al. 2016, section 4.2: every stride-th pixel, missing channels filled with zeros.

    Half of the new channels come before the old ones and half after.
    """
    in_channels: int
    out_channels: int
    stride: int


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


def _conv_bn(prefix_conv, prefix_bn, source, c_in, c_out, kernel, stride):
    return [Conv2d(prefix_conv, (source,), c_in, c_out, kernel, stride, kernel // 2),
            BatchNorm(prefix_bn, (prefix_conv,), c_out)]


def _basic_block(prefix, source, c_in, c_out, stride, shortcut):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, Fig. 2). Returns layers, name of the output."""
    def name(part):
        return f"{prefix}.{part}"
    layers = _conv_bn(name("conv1"), name("bn1"), source, c_in, c_out, 3, stride)
    layers += [ReLU(name("relu1"), (name("bn1"),))]
    layers += _conv_bn(name("conv2"), name("bn2"), name("relu1"), c_out, c_out, 3, 1)
    skip = source
    if stride != 1 or c_in != c_out:
        if shortcut == "projection":
            layers += _conv_bn(name("downsample.0"), name("downsample.1"), source, c_in, c_out, 1, stride)
            skip = name("downsample.1")
        else:
            skip = name("shortcut")
            layers += [PadShortcut(skip, (source,), c_in, c_out, stride)]
    layers += [Add(name("add"), (name("bn2"), skip)), ReLU(name("relu2"), (name("add"),))]
    return layers, name("relu2")


def _resnet(architecture, input_shape, classes, widths, blocks, shortcut, stem):
    """Residual network of basic blocks: `blocks[i]` blocks of `widths[i]` channels in stage i."""
    kernel, stride, pool = stem
    layers = _conv_bn("conv1", "bn1", IMAGE, input_shape[0], widths[0], kernel, stride)
    layers += [ReLU("relu", ("bn1",))]
    source, c_in = "relu", widths[0]
    if pool:
        layers += [MaxPool("maxpool", (source,), 3, 2, 1)]
        source = "maxpool"
    for stage, (c_out, count) in enumerate(zip(widths, blocks)):
        for block in range(count):
            stride = 2 if stage > 0 and block == 0 else 1
            more, source = _basic_block(f"layer{stage + 1}.{block}", source, c_in, c_out, stride, shortcut)
            layers += more
            c_in = c_out
    layers += [GlobalAveragePool("avgpool", (source,)), Linear("fc", ("avgpool",), c_in, classes)]
    return Network(architecture, tuple(layers), tuple(input_shape))


CIFAR_STEM, IMAGENET_STEM = (3, 1, False), (7, 2, True)
IMAGENET_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


def joshi2020_resnet32():
    """The paper's network on CIFAR-10: interpretation I-1, exactly 361,722 weights on PCM."""
    network = _resnet("joshi2020-resnet32", (3, 32, 32), 10, (16, 28, 56), (5, 5, 5), "projection", CIFAR_STEM)
    assert pcm_weight_count(network) == 361_722
    return network


def cifar_resnet(depth):
    """He et al. 2016, section 4.2: 6n+2 layers, widths 16/32/64, option-A shortcuts.

    Raises RefpcmError for another depth.
    """
    if not isinstance(depth, int) or depth < 8 or depth % 6 != 2:
        raise RefpcmError(f"a CIFAR ResNet has 6n + 2 layers, 8, 14, 20, 26, 32 and so on, not {depth!r}")
    n = (depth - 2) // 6
    return _resnet(f"cifar-resnet{depth}", (3, 32, 32), 10, (16, 32, 64), (n, n, n), "pad", CIFAR_STEM)


def imagenet_resnet(depth):
    """ResNet-18/34 in torchvision's ImageNet form, 224x224. Raises RefpcmError for another depth."""
    if depth not in IMAGENET_BLOCKS:
        raise RefpcmError(f"an ImageNet ResNet of basic blocks has {' or '.join(map(str, IMAGENET_BLOCKS))} layers, "
                          f"not {depth!r}")
    blocks = IMAGENET_BLOCKS[depth]
    return _resnet(f"imagenet-resnet{depth}", (3, 224, 224), 1000, (64, 128, 256, 512), blocks,
                   "projection", IMAGENET_STEM)


def tiny_resnet8():
    """One block a stage, widths 16/28/56: the network of the one-minute demonstration."""
    return _resnet("tiny-resnet8", (3, 32, 32), 10, (16, 28, 56), (1, 1, 1), "projection", CIFAR_STEM)


ARCHITECTURES = {
    "tiny-resnet8": tiny_resnet8,
    "joshi2020-resnet32": joshi2020_resnet32,
    **{f"cifar-resnet{d}": (lambda d=d: cifar_resnet(d)) for d in (20, 32, 44, 56, 110)},
    **{f"imagenet-resnet{d}": (lambda d=d: imagenet_resnet(d)) for d in (18, 34)},
}


def build(architecture, classes=None):
    """Network by name, its last layer resized to `classes` if given. Raises RefpcmError for an unknown name."""
    if architecture not in ARCHITECTURES:
        raise RefpcmError(f"unknown architecture {architecture!r}; known are: {', '.join(ARCHITECTURES)}")
    network = ARCHITECTURES[architecture]()
    if classes is not None and classes != network.classes:
        head = replace(network.layers[-1], out_features=int(classes))
        network = replace(network, layers=network.layers[:-1] + (head,))
    return network


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


def crossbar_layers(network):
    """The layers whose weights sit on PCM: convolutions and the linear layer, in signal order."""
    return [layer for layer in network.layers if isinstance(layer, (Conv2d, Linear))]


def pcm_weight_count(network):
    """Number of weights on PCM; FC biases count (one more crossbar row, I-1)."""
    shapes = parameter_shapes(network)
    return sum(prod(shapes[f"{layer.name}.{part}"]) for layer in crossbar_layers(network)
               for part in ("weight", "bias") if f"{layer.name}.{part}" in shapes)


def initial_parameters(network, normals, dtype="float32"):
    """He-normal initialisation (Methods C; He et al. 2015): weights N(0, 2 / inputs of an output); batch norm 1, 0, 0, 1.

    `normals(index, count)` returns standard normals for the index-th crossbar layer.
    """
    import numpy as np
    parameters = {}
    kinds = {layer.name: layer for layer in network.layers}
    index = {layer.name: i for i, layer in enumerate(crossbar_layers(network))}
    for name, shape in parameter_shapes(network).items():
        owner, part = name.rsplit(".", 1)
        layer = kinds[owner]
        if part == "weight" and not isinstance(layer, BatchNorm):
            noise = normals(index[owner], prod(shape))
            parameters[name] = (np.asarray(noise, np.float64) * sqrt(2 / prod(shape[1:]))).reshape(shape).astype(dtype)
        else:
            parameters[name] = np.full(shape, part in ("weight", "running_var"), dtype)
    return parameters
