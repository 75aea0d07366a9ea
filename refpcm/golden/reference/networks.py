"""L4 network and L5 training: whole networks and all that lies between; parameters are named as in `refpcm.resnet`."""

import numpy as np

from refpcm import network, nn
from refpcm.golden.reference import chosen
from refpcm.training import clipping, sgd, weight_noise as noise


def network_forward(inputs, parameters):
    """image (N, C, H, W) and the network's parameters -> {layer name: its output}, the logits last (I-1).

    batch_norm "batch" or "running": the statistics it normalises with.
    """
    net, weights = chosen.network(inputs, parameters)
    _, tape = network.forward(net, weights, inputs["image"], parameters["batch_norm"] == "batch")
    return {name: value for name, value in tape.values.items() if name != "image"}


def train_steps(inputs, parameters):
    """images (steps, N, C, H, W), labels (steps, N), the network's parameters, z.<step>.<name> standard normal.

    Plain (eta 0) or noise-aware SGD -> loss (steps,), gradient.<step>.<name> of the watched parameters, after.<name>
    of all. backward "noisy" or "clean": the weights it goes through (I-2). alpha: of the clipping, 0 for none (I-3).
    """
    net, weights = chosen.network(inputs, parameters)
    velocity, out, losses = sgd.zero_velocities(weights), {}, []
    for step, (images, labels) in enumerate(zip(inputs["images"], inputs["labels"])):
        used = _noisy(net, weights, parameters["eta"], inputs, step) if parameters["eta"] else weights
        logits, tape = network.forward(net, used, images, training=True)
        loss, dlogits = nn.cross_entropy(logits, labels, parameters["smoothing"])
        gradients = network.backward(net, used if parameters["backward"] == "noisy" else weights, tape, dlogits)
        losses.append(loss)
        for name in parameters["watched"].split():
            out[f"gradient.{step}.{name}"] = gradients[name]
        for name, gradient in gradients.items():
            sgd.sgd_step(weights[name], gradient, velocity[name], parameters["lr"], parameters["momentum"], True,
                         parameters["weight_decay"])
        if parameters["alpha"]:
            clipping.clip_parameters(net, weights, parameters["alpha"])
        for name, (mean, var) in tape.statistics.items():
            for part, batch in (("running_mean", mean), ("running_var", var)):
                weights[f"{name}.{part}"] = nn.update_running(weights[f"{name}.{part}"], batch)
    return {"loss": np.array(losses, inputs["images"].dtype), **out,
            **{f"after.{name}": value for name, value in weights.items()}}


def _noisy(net, weights, eta, inputs, step):
    """The weights of one step's forward pass: every crossbar layer with noise, its W_max over biases too (I-1)."""
    used = dict(weights)
    for _, names in noise.layer_parts(net, weights):
        w_max = max(float(np.abs(weights[name]).max()) for name in names)
        for name in names:
            used[name] = noise.weight_noise(weights[name], w_max, eta, inputs[f"z.{step}.{name}"])
    return used
