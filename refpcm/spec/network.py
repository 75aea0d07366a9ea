"""Forward and backward through a network, layer by layer: the specification of `refpcm.fast.network.engine`.

Two tables say what each kind of layer does; two loops walk the list. Every intermediate keeps its name, so
any run can be dumped and compared with the golden tensors.
"""

from dataclasses import dataclass, field

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec import nn
from refpcm.spec.resnet import (
    IMAGE,
    Add,
    BatchNorm,
    Conv2d,
    GlobalAveragePool,
    Linear,
    MaxPool,
    PadShortcut,
    ReLU,
    parameter_shapes,
)
from refpcm.spec.shapes import tensor_shapes


@dataclass
class Tape:
    """What a forward pass leaves behind.

    values: {tensor name: array}, the input under "image", the logits under the last layer's name.
    statistics: {batch-norm name: Statistics of the batch}, of a training pass.
    cache: {layer name: what its backward needs beyond values}.
    gradients: {tensor name: dL/dtensor}, filled by the backward pass.
    noise: see `forward`; noisy_inputs: {crossbar layer: what it read}, where the noise is on the inputs.
    """
    training: bool
    values: dict = field(default_factory=dict)
    statistics: dict = field(default_factory=dict)
    cache: dict = field(default_factory=dict)
    gradients: dict = field(default_factory=dict)
    noise: object = None
    noisy_inputs: dict = field(default_factory=dict)


def forward(network, parameters, images, training=False, noise=None):
    """images (N, C, H, W), already normalised -> logits (N, classes), Tape. E-26.

    training: batch norm uses the statistics of the batch (and reports them on the tape; the caller updates
    the running ones). noise: None, or like training.image_noise.ImageNoise, what is added to the inputs or
    pre-activations of every crossbar layer (I-12), or to its weights for each image (I-23).
    Raises RefpcmError for images or parameters of the wrong shape.
    """
    check(network, parameters, images)
    tape = Tape(training, {IMAGE: images}, noise=noise)
    for layer in network.layers:
        inputs = [tape.values[name] for name in layer.inputs]
        tape.values[layer.name] = FORWARD[type(layer)](layer, inputs, parameters, tape)
    return tape.values[network.layers[-1].name], tape


def backward(network, parameters, tape, dlogits):
    """dL/dlogits (N, classes) -> {parameter name: gradient}; those of the tensors are left in tape.gradients. E-26.

    `parameters` may hold other weights than the forward pass had (interpretation I-2).
    """
    gradients, dvalues = {}, {network.layers[-1].name: dlogits}
    for layer in reversed(network.layers):
        parts, owned = BACKWARD[type(layer)](layer, dvalues[layer.name], parameters, tape)
        for name, dinput in zip(layer.inputs, parts):
            dvalues[name] = dvalues[name] + dinput if name in dvalues else dinput
        gradients.update({f"{layer.name}.{part}": value for part, value in owned.items()})
    tape.gradients = dvalues
    return gradients


def check(network, parameters, images):
    """Raises RefpcmError unless the layers fit together, and images and every parameter have the shapes they want."""
    if images.ndim != 4 or images.shape[1] != network.input_shape[0]:
        raise RefpcmError(f"{network.architecture} wants images (N, {network.input_shape[0]}, H, W), "
                          f"got {images.shape}")
    wrong = [f"{name} (wanted {shape}, got {np.shape(parameters[name]) if name in parameters else 'nothing'})"
             for name, shape in parameter_shapes(network).items()
             if name not in parameters or parameters[name].shape != shape]
    if wrong:
        raise RefpcmError(f"parameters do not fit {network.architecture}: {', '.join(wrong)}")
    tensor_shapes(network, images.shape[1:])


# --- what each kind of layer does: (layer, inputs, parameters, tape) -> output

def _crossbar_input(layer, x, tape):
    """What the layer reads: x, or x with noise, which the backward pass then finds on the tape."""
    if tape.noise is None or tape.noise.place != "inputs":
        return x
    tape.noisy_inputs[layer.name] = nn.add_noise(x, tape.noise.eta, tape.noise.normals(layer.name, x.shape))
    return tape.noisy_inputs[layer.name]


def _crossbar_output(layer, z, tape):
    """The pre-activations z, with noise if that is where it belongs."""
    if tape.noise is None or tape.noise.place != "pre-activations":
        return z
    return nn.add_noise(z, tape.noise.eta, tape.noise.normals(layer.name, z.shape))


def _crossbar_product(layer, x, weights, tape, product):
    """product(x, *weights), image by image where each has noise of its own on the weights, a list of arrays."""
    if tape.noise is None or tape.noise.place != "weights" or layer.name not in tape.noise.numbers:
        return product(x, *weights)
    noisy = tape.noise.weights_of_images(layer.name, weights, len(x))
    return np.concatenate([product(x[n:n + 1], *own) for n, own in enumerate(noisy)])


def _conv_forward(layer, inputs, parameters, tape):
    def product(x, w):
        return nn.conv2d_forward(x, w, layer.stride, layer.padding)

    x = _crossbar_input(layer, inputs[0], tape)
    return _crossbar_output(layer, _crossbar_product(layer, x, [parameters[f"{layer.name}.weight"]], tape, product), tape)


def _batch_norm_forward(layer, inputs, parameters, tape):
    gamma, beta = parameters[f"{layer.name}.weight"], parameters[f"{layer.name}.bias"]
    if not tape.training:
        running = parameters[f"{layer.name}.running_mean"], parameters[f"{layer.name}.running_var"]
        return nn.batch_norm_inference(inputs[0], gamma, beta, *running)
    out, tape.statistics[layer.name], tape.cache[layer.name] = nn.batch_norm_training(inputs[0], gamma, beta)
    return out


def _max_pool_forward(layer, inputs, parameters, tape):
    out, tape.cache[layer.name] = nn.max_pool_forward(inputs[0], layer.kernel, layer.stride, layer.padding)
    return out


def _linear_forward(layer, inputs, parameters, tape):
    x = _crossbar_input(layer, inputs[0], tape)
    weights = [parameters[f"{layer.name}.{part}"] for part in ("weight", "bias")]
    return _crossbar_output(layer, _crossbar_product(layer, x, weights, tape, nn.linear_forward), tape)


FORWARD = {
    Conv2d: _conv_forward,
    BatchNorm: _batch_norm_forward,
    ReLU: lambda layer, inputs, parameters, tape: nn.relu_forward(inputs[0]),
    Add: lambda layer, inputs, parameters, tape: nn.add_forward(*inputs),
    PadShortcut: lambda layer, inputs, parameters, tape:
        nn.pad_shortcut_forward(inputs[0], layer.out_channels, layer.stride, layer.before),
    MaxPool: _max_pool_forward,
    GlobalAveragePool: lambda layer, inputs, parameters, tape: nn.global_average_pool_forward(inputs[0]),
    Linear: _linear_forward,
}


# --- (layer, dout, parameters, tape) -> (gradient of each input), {parameter: gradient}

def _read(layer, tape):
    return tape.noisy_inputs.get(layer.name, tape.values[layer.inputs[0]])


def _conv_backward(layer, dout, parameters, tape):
    dx, dw = nn.conv2d_backward(dout, _read(layer, tape), parameters[f"{layer.name}.weight"], layer.stride,
                                layer.padding)
    return (dx,), {"weight": dw}


def _batch_norm_backward(layer, dout, parameters, tape):
    gamma = parameters[f"{layer.name}.weight"]
    if tape.training:
        dx, dgamma, dbeta = nn.batch_norm_backward(dout, gamma, tape.cache[layer.name])
    else:
        running = parameters[f"{layer.name}.running_mean"], parameters[f"{layer.name}.running_var"]
        dx, dgamma, dbeta = nn.batch_norm_inference_backward(dout, tape.values[layer.inputs[0]], gamma, *running)
    return (dx,), {"weight": dgamma, "bias": dbeta}


def _linear_backward(layer, dout, parameters, tape):
    dx, dw, dbias = nn.linear_backward(dout, _read(layer, tape), parameters[f"{layer.name}.weight"])
    return (dx,), {"weight": dw, "bias": dbias}


def _shape(layer, tape):
    return tape.values[layer.inputs[0]].shape


BACKWARD = {
    Conv2d: _conv_backward,
    BatchNorm: _batch_norm_backward,
    ReLU: lambda layer, dout, parameters, tape: ((nn.relu_backward(dout, tape.values[layer.name]),), {}),
    Add: lambda layer, dout, parameters, tape: (nn.add_backward(dout), {}),
    PadShortcut: lambda layer, dout, parameters, tape:
        ((nn.pad_shortcut_backward(dout, _shape(layer, tape), layer.stride, layer.before),), {}),
    MaxPool: lambda layer, dout, parameters, tape:
        ((nn.max_pool_backward(dout, tape.cache[layer.name], _shape(layer, tape), layer.kernel, layer.stride,
                               layer.padding),), {}),
    GlobalAveragePool: lambda layer, dout, parameters, tape:
        ((nn.global_average_pool_backward(dout, _shape(layer, tape)),), {}),
    Linear: _linear_backward,
}
