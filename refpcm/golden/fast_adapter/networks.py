"""L4 network and L5 training: the operators in the order of the layers, and the engine with the fast rules."""

from refpcm.fast import nn
from refpcm.fast.network.engine import Engine
from refpcm.fast.training import update
from refpcm.golden.fast_adapter.precision import float32_only
from refpcm.golden.fast_adapter.training import noisy
from refpcm.golden.reference import chosen
from refpcm.golden.reference.networks import losses_first, trained
from refpcm.spec.resnet import IMAGE, Add, BatchNorm, Conv2d, GlobalAveragePool, Linear, MaxPool, PadShortcut, ReLU
from refpcm.spec.training.rules import Rules

OPERATORS = {  # kind of layer: function (layer, inputs, its parameters by part, statistics of the batch?) -> output
    Conv2d: lambda layer, x, p, batch: nn.conv2d_forward(*x, p["weight"], layer.stride, layer.padding),
    BatchNorm: lambda layer, x, p, batch:
        nn.batch_norm_training(*x, p["weight"], p["bias"])[0] if batch
        else nn.batch_norm_inference(*x, p["weight"], p["bias"], p["running_mean"], p["running_var"]),
    ReLU: lambda layer, x, p, batch: nn.relu_forward(*x),
    Add: lambda layer, x, p, batch: nn.add_forward(*x),
    PadShortcut: lambda layer, x, p, batch: nn.pad_shortcut_forward(*x, layer.out_channels, layer.stride, layer.before),
    MaxPool: lambda layer, x, p, batch: nn.max_pool_forward(*x, layer.kernel, layer.stride, layer.padding)[0],
    GlobalAveragePool: lambda layer, x, p, batch: nn.global_average_pool_forward(*x),
    Linear: lambda layer, x, p, batch: nn.linear_forward(*x, p["weight"], p["bias"]),
}


def own_parameters(layer, weights):
    """Return the parameters of a layer by part: weight, bias, running_mean, running_var, as far as it has them."""
    return {part: weights[f"{layer.name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
            if f"{layer.name}.{part}" in weights}


@float32_only
def network_forward(inputs, parameters):
    """Return every tensor from its operator; the logits from the engine, which joins the operators into steps."""
    network, weights = chosen.network(inputs, parameters)
    batch, values = parameters["batch_norm"] == "batch", {IMAGE: inputs["image"]}
    for layer in network.layers:
        own = own_parameters(layer, weights)
        tensors = [values[name] for name in layer.inputs]
        values[layer.name] = OPERATORS[type(layer)](layer, tensors, own, batch)
    values[network.layers[-1].name] = Engine(network).forward(weights, inputs["image"], training=batch)
    return {layer.name: values[layer.name] for layer in network.layers}


@float32_only
def sgd_training(inputs, parameters):
    """Return what the training step of every run gives with the fast engine and the fast rules."""
    rules = Rules(update=update.update, clip_parameters=update.clip_parameters)
    return trained(inputs, parameters, Engine, rules, noisy)


def train_steps(inputs, parameters):
    """Return the same as version 1 of the kit asks for it."""
    return losses_first(sgd_training(inputs, parameters))
