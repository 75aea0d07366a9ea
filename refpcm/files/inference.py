"""Which ResNet of basic blocks a checkpoint holds, read from the names and shapes of its tensors.

Names and shapes tell widths, blocks, the kind of shortcuts, the first convolution and the number of classes. They do not
tell where option A puts its zeros, nor the size of the images; what is usual is assumed.
"""

import re
from math import prod

from data_tools.foreign_text import shown
from refpcm.errors import RefpcmError
from refpcm.spec.resnet import build

MOST_NUMBERS = 2 ** 27  # in all tensors; a damaged file may claim any shape, with a view that repeats its elements
STEMS = {3: ("cifar", "3x3 first convolution without pooling"), 7: ("imagenet", "7x7 first convolution with pooling")}
_BLOCK = r"layer\d+\.\d+\."
_OTHERS = (  # a name that no ResNet of basic blocks has, and what it is a sign of
    (_BLOCK + r"conv3\.weight", "blocks of three convolutions, bottlenecks"),
    (_BLOCK + r"(se|se_\w+|senet|fc|fc\d|eca|ca|sa|cbam|attn|attention)\..+", "squeeze-and-excitation or another attention"),
    (_BLOCK + r"downsample\.2\..+", "shortcuts of more than a convolution and its batch norm, as ResNet-D"),
    (r"conv1\.\d+\..+", "several layers under the name conv1"),
    (rf"(conv1|{_BLOCK}(conv\d|downsample\.0))\.bias", "convolutions with biases"))


def infer_network(shapes, classes, size=None):
    """(Network, a sentence on what was read) from {name: shape}, by the names of `refpcm.spec.resnet.parameter_shapes`.

    size: height and width of the images; None: the usual of the first convolution, 32 or 224. Whether all tensors fit is
    for `check_parameters` to say. Raises RefpcmError with the reason if the tensors are those of another network.
    """
    other = other_network(shapes)
    if other:
        raise RefpcmError(f"it has {other}")
    for name in ("conv1.weight", "layer1.0.conv1.weight"):
        if len(shapes.get(name, ())) != 4:
            first = ", ".join(shown(name, 60) for name in list(shapes)[:3])
            raise RefpcmError(f"it has no convolution {name}; its first tensors are {first}")
    if classes is None:
        raise RefpcmError("it has no fc.bias with one number for each class")
    if sum(map(prod, shapes.values())) > MOST_NUMBERS:
        raise RefpcmError(f"its tensors claim more than {MOST_NUMBERS:,} numbers")
    _, channels, *kernel = shapes["conv1.weight"]
    if channels != 3 or kernel not in ([3, 3], [7, 7]):
        raise RefpcmError(f"its first convolution is {shown(shapes['conv1.weight'])}, neither 3x3 nor 7x7 of three colours")
    stem, about_stem = STEMS[kernel[0]]
    widths, blocks = _stages(shapes)
    projection = len(widths) == 1 or any(re.fullmatch(_BLOCK + r"downsample\.0\.weight", name) for name in shapes)
    network = build(f"{stem}-resnet" + "".join(f"-{width}x{count}" for width, count in zip(widths, blocks))
                    + ("-projection" if projection else "-around") + (f"-at{size}" if size else ""), classes)
    return network, (f"read from names and shapes: {about_stem}; stages of {_listed(blocks)} blocks with {_listed(widths)} "
                     f"channels; {'1x1 projections' if projection else 'option A'} as shortcuts; images of "
                     f"{network.input_shape[1]}x{network.input_shape[2]}: {network.architecture}")


def other_network(shapes):
    """What tells a network of another kind by its names and shapes, as words for an error; None if nothing does."""
    for pattern, what in _OTHERS:
        name = next((name for name in shapes if re.fullmatch(pattern, name)), None)
        if name:
            return f"{what} ({shown(name, 60)})"
    sign = next(_signs_of_pre_activation(shapes), None)
    return sign and f"batch norm before its convolutions, pre-activation ({shown(sign)})"


def _signs_of_pre_activation(shapes):
    if "layer1.0.bn1.weight" in shapes and not any(name.startswith("bn1.") for name in shapes):
        yield "there is none behind conv1"
    for name, shape in shapes.items():
        found = re.fullmatch(rf"({_BLOCK})conv1\.weight", name)
        normed = shapes.get(f"{found[1]}bn1.weight") if found else None
        if len(shape) == 4 and normed == (shape[1],) != (shape[0],):
            yield f"{found[1]}bn1 has the channels that conv1 reads"
        if re.fullmatch(_BLOCK + r"downsample\.0\.weight", name) and name.replace(".0.weight", ".1.weight") not in shapes:
            yield f"there is none behind {name.removesuffix('.weight')}"


def _stages(shapes):
    """Channels and number of blocks of each stage, by the first convolution of its blocks."""
    widths, blocks = [], []
    while len(shapes.get(f"layer{len(widths) + 1}.0.conv1.weight", ())) == 4:
        stage, count = f"layer{len(widths) + 1}", 1
        while f"{stage}.{count}.conv1.weight" in shapes:
            count += 1
        widths.append(shapes[f"{stage}.0.conv1.weight"][0])
        blocks.append(count)
    return widths, blocks


def _listed(numbers):
    return ", ".join(map(str, numbers))
