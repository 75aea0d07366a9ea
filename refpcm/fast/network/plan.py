"""From a network's list of layers to the steps that the engine runs.

Recognised groups become one step: convolution + batch norm, with the ReLU, or with the residual add and its ReLU,
that follow. Steps are ordered by their last layer, so that going backward the main path of a block comes after its
shortcut, and its convolution can finish the sum of both.
"""

from dataclasses import dataclass

from refpcm.errors import RefpcmError
from refpcm.fast.kernels.convolution import SHAPES
from refpcm.fast.kernels.layout import Plane
from refpcm.spec.resnet import IMAGE, Add, BatchNorm, Conv2d, GlobalAveragePool, Linear, MaxPool, PadShortcut, ReLU
from refpcm.spec.shapes import tensor_shapes

ADDED, FIRST, ONLY = "added", "first", "only"


@dataclass(frozen=True)
class Tensor:
    """Shape of a step's result, without the batch."""
    channels: int
    plane: Plane


@dataclass(frozen=True)
class Step:
    """Reads tensors, writes the tensor `result`, stands for `layers` layers of the list.

    gradient_parts: how it hands on gradients (`backward`), for each tensor that it reads, in this order: ADDED to what has
    arrived, taken as the FIRST part, or as the ONLY one.
    """
    result: str
    source: str

    layers = 1
    own = ()  # those of its layers that have parameters
    gradient_part = ONLY

    @property
    def gradient_parts(self):
        return ((self.source, self.gradient_part),)

    @property
    def reads(self):
        return (self.source,)


@dataclass(frozen=True)
class ConvStep(Step):
    """result = relu(norm(conv(source)) + skip); without skip, and without ReLU, where those are None and False."""
    conv: Conv2d
    norm: BatchNorm
    skip: str
    relu: bool

    @property
    def layers(self):
        return 2 + (self.skip is not None) + self.relu

    @property
    def own(self):
        return self.conv, self.norm

    @property
    def reads(self):
        return (self.source, self.skip) if self.skip else (self.source,)

    @property
    def gradient_parts(self):
        return (*([(self.skip, FIRST)] if self.skip else []), (self.source, ADDED))


@dataclass(frozen=True)
class PadStep(Step):
    """Option-A shortcut."""
    layer: PadShortcut

    gradient_part = FIRST


@dataclass(frozen=True)
class MaxPoolStep(Step):
    """Max pool."""
    layer: MaxPool

    @property
    def window(self):
        """Kernel, stride, padding."""
        return self.layer.kernel, self.layer.stride, self.layer.padding


@dataclass(frozen=True)
class HeadStep(Step):
    """Global average pool and linear layer; the last step."""
    linear: Linear

    layers = 2

    @property
    def own(self):
        return (self.linear,)


@dataclass(frozen=True)
class Plan:
    """What the engine runs for a network: `steps` in order, and who reads and writes which tensor."""
    steps: tuple
    readers: dict  # tensor name -> number of steps that read it
    producers: dict  # tensor name -> step

    @property
    def convolutions(self):
        return [step for step in self.steps if isinstance(step, ConvStep)]

    def has_relu(self, name):
        """Whether a tensor comes out of a ReLU; the images do not."""
        producer = self.producers.get(name)
        return isinstance(producer, ConvStep) and producer.relu


def make_plan(network):
    """Plan of a network (refpcm.spec.layers). Raises RefpcmError for layers in an arrangement without a fast form."""
    readers, position = {}, {layer.name: i for i, layer in enumerate(network.layers)}
    for layer in network.layers:
        for name in layer.inputs:
            readers.setdefault(name, []).append(layer)
    steps = []
    for layer in network.layers:
        if isinstance(layer, Conv2d):
            steps.append(_conv_step(network, layer, readers))
        elif isinstance(layer, PadShortcut):
            steps.append(PadStep(layer.name, layer.inputs[0], layer))
        elif isinstance(layer, MaxPool):
            steps.append(MaxPoolStep(layer.name, layer.inputs[0], layer))
        elif isinstance(layer, GlobalAveragePool):
            linear = _only_reader(readers, layer, Linear) or _refuse(network, layer, "no linear layer behind it")
            steps.append(HeadStep(linear.name, layer.inputs[0], linear))
    if sum(step.layers for step in steps) != len(network.layers):
        _refuse(network, network.layers[-1], "layers before it belong to no group that the kernels know")
    steps.sort(key=lambda step: position[step.result])
    counts = {}
    for step in steps:
        for name in step.reads:
            counts[name] = counts.get(name, 0) + 1
    plan = Plan(tuple(steps), counts, {step.result: step for step in steps})
    _check_gradients(network, plan)
    seven = [step for step in plan.convolutions if step.conv.padding > 1]
    if seven and any(step.skip == IMAGE for step in plan.convolutions):  # its halo is wider than that of the sum
        _refuse(network, seven[0].conv, "kernel 7 where the images are a skip")
    return plan


def _check_gradients(network, plan):
    """Raises RefpcmError where parts of a tensor's gradient come in an order that `backward` does not take.

    Only convolutions add to what has arrived, and only they, and steps that are the only reader, go through a ReLU.
    """
    parts = {}
    for step in reversed(plan.steps):
        for name, part in step.gradient_parts:
            parts.setdefault(name, []).append(part)
    for name, found in parts.items():
        if name == IMAGE or found == [ONLY]:
            continue
        if ONLY in found or FIRST in found[1:] or (found[-1] == FIRST and plan.has_relu(name)):
            layer = next(layer for layer in network.layers if layer.name == name)
            _refuse(network, layer, "its readers' gradients come in an order that the kernels do not take")


def _conv_step(network, layer, readers):
    """The convolution's group."""
    if (layer.kernel, layer.stride) not in SHAPES or layer.padding != layer.kernel // 2:
        _refuse(network, layer, f"kernel {layer.kernel}, stride {layer.stride}, padding {layer.padding}")
    if layer.kernel == 7 and layer.inputs[0] != IMAGE:
        _refuse(network, layer, "kernel 7 that is not the first layer")
    norm = _only_reader(readers, layer, BatchNorm) or _refuse(network, layer, "no batch norm behind it")
    add = _only_reader(readers, norm, Add)
    if add is not None and add.inputs[0] == norm.name:
        relu = _only_reader(readers, add, ReLU) or _refuse(network, add, "no ReLU behind it")
        return ConvStep(relu.name, layer.inputs[0], layer, norm, add.inputs[1], True)
    relu = _only_reader(readers, norm, ReLU)
    if add is None and relu is None:
        _refuse(network, norm, "neither ReLU nor add behind it")
    return ConvStep((relu or norm).name, layer.inputs[0], layer, norm, None, relu is not None)


def _only_reader(readers, layer, kind):
    found = readers.get(layer.name, [])
    return found[0] if len(found) == 1 and isinstance(found[0], kind) else None


def _refuse(network, layer, why):
    raise RefpcmError(f"{network.architecture}: the fast kernels have no form for layer {layer.name!r} ({why}); "
                      "use refpcm.spec.network instead")


def tensors_of(plan, network, image_shape):
    """{tensor name: Tensor} of the images (C, H, W) and of what the steps write. Raises as `spec.shapes.tensor_shapes`."""
    shapes = tensor_shapes(network, image_shape)
    halo = max([1] + [step.conv.padding for step in plan.convolutions])
    names = [IMAGE, *(step.result for step in plan.steps if not isinstance(step, HeadStep))]
    return {name: Tensor(shapes[name][0], Plane(*shapes[name][1:], halo if name == IMAGE else 1)) for name in names}
