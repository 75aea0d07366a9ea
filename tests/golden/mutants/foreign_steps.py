"""Mistakes in training steps, invented without knowledge of the cases: noise, update, clipping, running statistics, loss."""

from dataclasses import replace

import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import networks
from refpcm.spec import network, nn
from refpcm.spec.layers import Add
from refpcm.spec.training import clipping, sgd, step
from refpcm.spec.training.rules import Rules
from refpcm.spec.training.weight_noise import layer_parts
from tests.golden.mutants.replacing import replaced

NOISY, LEARN, CHANGE, LOSS, UPDATE, CLIP = (
    networks._noisy, networks.learn, step.change, step.loss_and_gradients, sgd.update, clipping.clip_parameters)


def _rules(**functions):
    return replaced(networks, "SPECIFICATION", Rules(**functions))


def _update(change):
    """Another update: change(parameters, gradients, velocity, decayed, lr, momentum, nesterov, decay)."""
    return _rules(update=change)


def _gradients_add():
    """Gradients are never set to zero: those of earlier steps of this training are still there."""
    kept = {}

    def update(parameters, gradients, velocity, decayed, *scalars):
        if kept.get("velocity") is not velocity:
            kept.update(velocity=velocity, sums={})
        kept["sums"] = {name: kept["sums"].get(name, 0) + value for name, value in gradients.items()}
        UPDATE(parameters, kept["sums"], velocity, decayed, *scalars)
    return _update(update)


def _velocity_fresh(parameters, gradients, velocity, *rest):
    UPDATE(parameters, gradients, {name: np.zeros_like(v) for name, v in velocity.items()}, *rest)


def _biases_twice(parameters, gradients, velocity, decayed, lr, *rest):
    for name, gradient in gradients.items():
        UPDATE(parameters, {name: gradient}, velocity, decayed, 2 * lr if name.endswith("bias") else lr, *rest)


def _no_decay_of(wanted):
    def update(parameters, gradients, velocity, decayed, *scalars):
        UPDATE(parameters, gradients, velocity, {name for name in decayed if not wanted(name, parameters[name])}, *scalars)
    return _update(update)


def _total_norm(parameters, gradients, *rest):
    norm = np.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in gradients.values()))
    UPDATE(parameters, {name: (g / max(1.0, norm)).astype(g.dtype) for name, g in gradients.items()}, *rest)


def _centred(parameters, gradients, *rest):
    """Gradient centralisation, left in from another experiment."""
    UPDATE(parameters, {name: g - g.mean(tuple(range(1, g.ndim)), keepdims=True) if g.ndim > 1 else g
                        for name, g in gradients.items()}, *rest)


# --- noise: (network, weights, eta, inputs, step, weight_noise) -> weights used

def _noise(change):
    return replaced(networks, "_noisy", change)


def _kept_as_they_are(wanted):
    """Noise is left out where wanted(name, names of the crossbar layers' parameters in order)."""
    def noisy(net, weights, *rest):
        order = [name for _, names in layer_parts(net, weights) for name in names]
        return {name: weights[name] if wanted(name, order) else value for name, value in NOISY(net, weights, *rest).items()}
    return _noise(noisy)


def _of_step_0(net, weights, eta, inputs, number, noise):
    return NOISY(net, weights, eta, inputs, 0, noise)


def _with_w_max(choose):
    """Another W_max: choose(name, weights, {name: W_max of its layer}) -> a number."""
    def noisy(net, weights, eta, inputs, number, noise):
        w_max = {name: max(float(np.abs(weights[other]).max()) for other in names)
                 for _, names in layer_parts(net, weights) for name in names}
        return {**weights, **{name: noise(weights[name], choose(name, weights, w_max), eta, inputs[f"z.{number}.{name}"])
                              for name in w_max}}
    return _noise(noisy)


def _with_first_w_max():
    first = {}

    def choose(name, weights, w_max):
        if first.get("inputs") is not weights:  # one training changes one dict of weights
            first.update(inputs=weights, w_max=w_max)
        return first["w_max"][name]
    return _with_w_max(choose)


def _noise_stays(config, engine, parameters, velocity, decayed, clean, used, *rest):
    """The update starts from the weights of the forward pass."""
    parameters.update({name: value.copy() for name, value in used.items() if value is not parameters[name]})
    return LEARN(config, engine, parameters, velocity, decayed, clean, used, *rest)


# --- clipping

def _clip_at_step_0():
    seen = []

    def clip(net, parameters, alpha):
        if not any(each is parameters for each in seen):
            seen[:] = [parameters]
            CLIP(net, parameters, alpha)
    return _rules(clip_parameters=clip)


def _clip_with(bound):
    """Another bound: bound(name, names of its layer, parameters, network, alpha) -> a number or None for no clipping."""
    def clip(net, parameters, alpha):
        bounds = {name: bound(name, names, parameters, net, alpha) for _, names in layer_parts(net, parameters) for name in names}
        for name, value in bounds.items():
            if value is not None:
                parameters[name][...] = clipping.clip(parameters[name], value)
    return _rules(clip_parameters=clip)


def _of_network(name, names, parameters, net, alpha):
    return clipping.clip_bound([parameters[other] for _, each in layer_parts(net, parameters) for other in each], alpha)


def _norms_too(net, parameters, alpha):
    CLIP(net, parameters, alpha)
    for name, value in parameters.items():
        if value.ndim == 1 and name.endswith("weight"):
            value[...] = clipping.clip(value, clipping.clip_bound([value], alpha))


def _clipped_first(config, net, parameters, *rest):
    if config.clip_sigma:
        CLIP(net, parameters, config.clip_sigma)
    CHANGE(replace(config, clip_sigma=None), net, parameters, *rest)


# --- loss, running statistics, gradients

def _penalty(config, engine, clean, *rest):
    loss, gradients = LOSS(config, engine, clean, *rest)
    return loss + config.weight_decay / 2 * sum(float((w ** 2).sum()) for name, w in clean.items() if w.ndim > 1), gradients


def _statistics_twice(config, net, parameters, velocity, decayed, gradients, statistics, *rest):
    CHANGE(config, net, parameters, velocity, decayed, gradients, 2 * statistics, *rest)


def _none_of_them(config, net, parameters, velocity, decayed, gradients, statistics, *rest):
    CHANGE(config, net, parameters, velocity, decayed, gradients, [], *rest)


def _biased(norm, statistics):
    return {f"{norm}.running_mean": statistics.mean, f"{norm}.running_var": statistics.variance}


def _add_backward(change):
    return replaced(network, "BACKWARD", {**network.BACKWARD, Add: lambda layer, dout, parameters, tape: (change(dout), {})})


def _inputs(change):
    """Other inputs in both operations: change(inputs) -> inputs."""
    def changed(operation):
        return lambda inputs, parameters: operation({**inputs, **change(inputs)}, parameters)
    return (replaced(reference, "train_steps", changed(reference.train_steps))
            + replaced(reference, "sgd_training", changed(reference.sgd_training)))


MUTANTS = [
    ("steps-gradients-add", "gradients are not set to zero between steps", _gradients_add()),
    ("steps-velocity-fresh", "the velocity begins anew in each step", _update(_velocity_fresh)),
    ("steps-bias-rate-2", "biases learn twice as fast, as in Caffe", _update(_biases_twice)),
    ("steps-no-decay-of-norms", "one-dimensional parameters do not decay", _no_decay_of(lambda name, w: w.ndim == 1)),
    ("steps-no-decay-of-biases", "biases do not decay", _no_decay_of(lambda name, w: name.endswith("bias"))),
    ("steps-total-norm-1", "gradients limited to a total norm of 1", _update(_total_norm)),
    ("steps-centred-gradients", "the mean of each filter's gradient is subtracted", _update(_centred)),
    ("steps-noise-of-step-0", "the same noise in each step", _noise(_of_step_0)),
    ("steps-noise-w-max-0", "W_max of the first step", _with_first_w_max()),
    ("steps-noise-no-bias", "no noise on the biases", _kept_as_they_are(lambda name, order: name.endswith("bias"))),
    ("steps-noise-bias-own", "W_max of the biases alone for the biases",
     _with_w_max(lambda name, weights, w_max: float(np.abs(weights[name]).max()))),
    ("steps-noise-one-w-max", "W_max over all layers", _with_w_max(lambda name, weights, w_max: max(w_max.values()))),
    ("steps-noise-inner", "first and last layer without noise",
     _kept_as_they_are(lambda name, order: name.rpartition(".")[0] in {each.rpartition(".")[0] for each in (order[0], order[-1])})),
    ("steps-noise-3x3-only", "no noise on 1x1 convolutions and the linear layer", _noise(lambda net, weights, *rest: {
        name: value if value.ndim == 4 and value.shape[2] > 1 else weights[name] for name, value in NOISY(net, weights, *rest).items()})),
    ("steps-noise-stays", "the update starts from the noisy weights", replaced(networks, "learn", _noise_stays)),
    ("steps-clip-first", "clipping before the update", replaced(step, "change", _clipped_first)),
    ("steps-clip-once", "clipping in the first step only", _clip_at_step_0()),
    ("steps-clip-no-bias", "biases are not clipped", _clip_with(lambda name, names, parameters, net, alpha: None
     if name.endswith("bias") else clipping.clip_bound([parameters[each] for each in names], alpha))),
    ("steps-clip-bias-own", "sigma of the biases alone for the biases",
     _clip_with(lambda name, names, parameters, net, alpha: clipping.clip_bound([parameters[name]], alpha))),
    ("steps-clip-whole-network", "one sigma for the network", _clip_with(_of_network)),
    ("steps-clip-norms", "gammas are clipped, too", _rules(clip_parameters=_norms_too)),
    ("steps-running-001", "momentum 0.01 of TensorFlow in the running statistics", replaced(step, "update_running", lambda running, batch:
     nn.update_running(running, batch, 0.01))),
    ("steps-running-biased", "running variance from the biased one", replaced(step, "running_statistics", _biased)),
    ("steps-running-twice", "two forward passes a step update twice", replaced(step, "change", _statistics_twice)),
    ("steps-running-frozen", "running statistics not updated", replaced(step, "change", _none_of_them)),
    ("steps-shortcut-no-gradient", "no gradient through the shortcut", _add_backward(lambda dout: (dout, 0 * dout))),
    ("steps-sum-halves", "the gradient is halved at the sum", _add_backward(lambda dout: (dout / 2, dout / 2))),
    ("steps-loss-penalty", "the penalty of the weights is in the loss", replaced(step, "loss_and_gradients", _penalty)),
    ("steps-labels-shifted", "labels of the next image", _inputs(lambda inputs: {"labels": np.roll(inputs["labels"], 1, 1)})),
    ("steps-first-batch", "the images of the first step in each", _inputs(lambda inputs: {
        "images": np.broadcast_to(inputs["images"][:1], inputs["images"].shape).copy()})),
]
