"""The residual networks as data: a tuple of layers in the order the signal passes them.

Names of layers follow torchvision. Nothing here computes; `refpcm.spec.network` walks the list. Importing it costs no
NumPy, so that every command's --help can list the names.
"""

import re
from dataclasses import replace
from math import prod, sqrt
from numbers import Integral

from refpcm.errors import RefpcmError
from refpcm.spec.layers import (
    IMAGE,
    Add,
    BatchNorm,
    Conv2d,
    GlobalAveragePool,
    Linear,
    MaxPool,
    Network,
    PadShortcut,
    ReLU,
    channels_before,
    crossbar_layers,
    parameter_shapes,
    pcm_weight_count,
)


def _conv_bn(prefix_conv, prefix_bn, source, c_in, c_out, kernel, stride):
    return [Conv2d(prefix_conv, (source,), c_in, c_out, kernel, stride, kernel // 2),
            BatchNorm(prefix_bn, (prefix_conv,), c_out)]


def _basic_block(prefix, source, c_in, c_out, stride, shortcut):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, Fig. 2). Returns layers, name of the output.

    shortcut: "projection", a 1x1 convolution with batch norm; or option A, its new channels of zeros "around" the old
    ones, half of them before, or "behind" them.
    """
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
            before = channels_before(c_in, c_out) if shortcut == "around" else 0
            layers += [PadShortcut(skip, (source,), c_in, c_out, stride, before)]
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


CIFAR_STEM, IMAGENET_STEM = (3, 1, False), (7, 2, True)  # first convolution's kernel and stride; max pool
IMAGENET_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
CIFAR_DEPTHS = (20, 32, 44, 56, 110)


def joshi2020_resnet32():
    """The paper's network on CIFAR-10: interpretation I-1, exactly 361,722 weights on PCM."""
    network = _resnet("joshi2020-resnet32", (3, 32, 32), 10, (16, 28, 56), (5, 5, 5), "projection", CIFAR_STEM)
    assert pcm_weight_count(network) == 361_722
    return network


def cifar_resnet(depth, placement="around"):
    """He et al. 2016, section 4.2: 6n+2 layers, widths 16/32/64, option-A shortcuts.

    placement: of the new channels of zeros, "around" the old ones or "behind" them. Raises RefpcmError for another depth.
    """
    if not isinstance(depth, int) or depth < 8 or depth % 6 != 2:
        raise RefpcmError(f"a CIFAR ResNet has 6n + 2 layers, 8, 14, 20, 26, 32 and so on, not {depth!r}")
    n, suffix = (depth - 2) // 6, "" if placement == "around" else f"-{placement}"
    return _resnet(f"cifar-resnet{depth}{suffix}", (3, 32, 32), 10, (16, 32, 64), (n, n, n), placement, CIFAR_STEM)


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
    **{f"cifar-resnet{d}": (lambda d=d: cifar_resnet(d)) for d in CIFAR_DEPTHS},
    **{f"cifar-resnet{d}-behind": (lambda d=d: cifar_resnet(d, "behind")) for d in CIFAR_DEPTHS},
    **{f"imagenet-resnet{d}": (lambda d=d: imagenet_resnet(d)) for d in (18, 34)},
}
SPELLED_OUT = "STEM-resnet-WIDTHxBLOCKS-...-SHORTCUT, such as cifar-resnet-16x3-32x3-64x3-projection"
_SPELLED_OUT = re.compile(r"(cifar|imagenet)-resnet((?:-[1-9][0-9]{0,3}x[1-9][0-9]{0,2}){1,6})"
                          r"-(projection|around|behind)(?:-at([1-9][0-9]{0,3}))?")


def build(architecture, classes=None):
    """Network by name, its last layer resized to `classes` if given.

    A name is one of ARCHITECTURES, or spells the network out (docs/networks.md); one that spells out a network of
    ARCHITECTURES gives that one, under its short name. Raises RefpcmError for an unknown name, and for classes that are not
    a whole number of at least 1.
    """
    if isinstance(architecture, str) and architecture in ARCHITECTURES:
        return _with_classes(ARCHITECTURES[architecture](), classes)
    network = _spelled_out(architecture)
    for make in ARCHITECTURES.values():
        known = _with_classes(make(), network.classes)
        if (known.layers, known.input_shape) == (network.layers, network.input_shape):
            network = known
    return _with_classes(network, classes)


def _spelled_out(name):
    """The network that a name such as cifar-resnet-16x3-32x3-64x3-projection stands for."""
    found = _SPELLED_OUT.fullmatch(name) if isinstance(name, str) else None
    if not found:
        raise RefpcmError(f"unknown architecture {repr(name)[:100]}; known are: {', '.join(ARCHITECTURES)}, and "
                          f"{SPELLED_OUT}")
    stem, stages, shortcut, size = found.groups()
    widths, blocks = zip(*(map(int, stage.split("x")) for stage in stages[1:].split("-")))
    if shortcut != "projection" and list(widths) != sorted(widths):
        raise RefpcmError(f"{name}: option A ({shortcut}) cannot leave channels out; give widths that do not fall, or "
                          "choose projection")
    kind, usual, classes = (CIFAR_STEM, 32, 10) if stem == "cifar" else (IMAGENET_STEM, 224, 1000)
    side = int(size or usual)
    return _resnet(name, (3, side, side), classes, widths, blocks, shortcut, kind)


def _with_classes(network, classes):
    if classes is None:
        return network
    if not isinstance(classes, Integral) or isinstance(classes, bool) or classes < 1:
        raise RefpcmError(f"{network.architecture}: the number of classes must be whole and at least 1, not {classes!r}")
    return replace(network, layers=network.layers[:-1] + (replace(network.layers[-1], out_features=int(classes)),))


def other_placement(network):
    """The network with the zeros of option A around instead of behind the old channels, or behind instead of around.

    None if there is nothing to choose, since no shortcut of option A adds two channels or more.
    """
    name = network.architecture
    if not any(isinstance(layer, PadShortcut) and layer.in_channels + 1 < layer.out_channels for layer in network.layers):
        return None
    if "-behind" not in name:
        return build(name.replace("-around", "-behind") if "-around" in name else f"{name}-behind", network.classes)
    short = name.removesuffix("-behind")
    return build(short if short in ARCHITECTURES else name.replace("-behind", "-around"), network.classes)


def initial_parameters(network, normals, dtype="float32"):
    """He-normal initialisation (Methods C; He et al. 2015): weights N(0, 2 / inputs of an output); batch norm 1, 0, 0, 1.
    E-25.

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
