"""L4 network and L5 training: whole networks and all that lies between.

Parameters are named as in `refpcm.spec.resnet`.
"""

import numpy as np

from refpcm.golden.reference import chosen
from refpcm.spec import network
from refpcm.spec.engine import Engine
from refpcm.spec.training import weight_noise as noise
from refpcm.spec.training.config import TrainingConfig
from refpcm.spec.training.rules import SPECIFICATION
from refpcm.spec.training.sgd import decayed_names, zero_velocities
from refpcm.spec.training.step import learn


def network_forward(inputs, parameters):
    """image (N, C, H, W) and the network's parameters -> {layer name: its output}, the logits last (I-1).

    batch_norm "batch" or "running": the statistics it normalises with.
    """
    net, weights = chosen.network(inputs, parameters)
    _, tape = network.forward(net, weights, inputs["image"], parameters["batch_norm"] == "batch")
    return {name: value for name, value in tape.values.items() if name != "image"}


def train_steps(inputs, parameters):
    """images (steps, N, C, H, W), labels (steps, N), the network's parameters, z.<step>.<name> standard normal.

    Plain (eta 0) or noise-aware SGD with Nesterov's momentum -> loss (steps,), gradient.<step>.<name> of the watched
    parameters, after.<name> of all. backward "noisy" or "clean": the weights it goes through (I-2). alpha: of the
    clipping, 0 for none (I-3), of one sigma over the weights and biases of the linear layer, after the update.
    Weight decay acts on all parameters; running statistics take 0.1 of each batch's, with the unbiased variance.
    """
    return losses_first(trained(inputs, parameters, Engine, SPECIFICATION, noise.weight_noise))


def sgd_training(inputs, parameters):
    """As `train_steps`, with rule "nesterov" or "plain" -> every tensor in the order of the signal.

    Of each step: loss.<step>, gradient.<step>.<name> of the loss alone, without weight decay, in the reverse order of the
    watched ones, then updated.<step>.<name>, the parameter (or running statistic) after the step, of the watched ones;
    after.<name> of all.
    """
    return trained(inputs, parameters, Engine, SPECIFICATION, noise.weight_noise)


def losses_first(found):
    """Return what `train_steps` answers of what `sgd_training` does: the losses of all steps are one tensor."""
    losses = [value for name, value in found.items() if name.startswith("loss.")]
    return {"loss": np.array(losses), **{name: value for name, value in found.items() if not name.startswith("loss.")}}


def trained(inputs, parameters, make_engine, rules, weight_noise):
    """Return what `sgd_training` answers, with other forms of engine, rules and weight_noise(w, w_max, eta, z)."""
    net, weights = chosen.network(inputs, parameters)
    config = TrainingConfig(momentum=parameters["momentum"], nesterov=parameters.get("rule", "nesterov") == "nesterov",
                            weight_decay=parameters["weight_decay"], label_smoothing=parameters["smoothing"],
                            backward=parameters["backward"], clip_sigma=parameters["alpha"] or None)
    engine, velocity, decayed = make_engine(net), zero_velocities(weights), decayed_names(weights, "all")
    watched, dtype, out = parameters["watched"].split(), inputs["images"].dtype, {}
    for step, (images, labels) in enumerate(zip(inputs["images"], inputs["labels"])):
        used = _noisy(net, weights, parameters["eta"], inputs, step, weight_noise) if parameters["eta"] else weights
        logits = engine.forward(used, images, training=True)
        loss, _, gradients = learn(config, engine, weights, velocity, decayed, weights, [(slice(None), logits, used)], labels,
                                   parameters["lr"], step, rules)
        out[f"loss.{step}"] = np.array(loss, dtype)
        out.update({f"gradient.{step}.{name}": gradients[name] for name in reversed(watched) if name in gradients})
        out.update({f"updated.{step}.{name}": weights[name].copy() for name in watched})
    return {**out, **{f"after.{name}": value for name, value in weights.items()}}


def _noisy(net, weights, eta, inputs, step, weight_noise):
    """The weights of one step's forward pass: every crossbar layer with noise, its W_max over biases too (I-1)."""
    used = dict(weights)
    for _, names in noise.layer_parts(net, weights):
        w_max = max(float(np.abs(weights[name]).max()) for name in names)
        for name in names:
            used[name] = weight_noise(weights[name], w_max, eta, inputs[f"z.{step}.{name}"])
    return used
