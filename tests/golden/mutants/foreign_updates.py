"""Mistakes in update, statistics and loss of training steps, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import networks
from refpcm.spec import network, nn
from refpcm.spec.layers import Add
from refpcm.spec.training import sgd, step
from refpcm.spec.training.rules import Rules
from tests.golden.mutants.replacing import replaced

CHANGE, LOSS, UPDATE = step.change, step.loss_and_gradients, sgd.update


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
        UPDATE(
            parameters, gradients, velocity, {name for name in decayed if not wanted(name, parameters[name])}, *scalars
        )
    return _update(update)


def _total_norm(parameters, gradients, *rest):
    norm = np.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in gradients.values()))
    UPDATE(parameters, {name: (g / max(1.0, norm)).astype(g.dtype) for name, g in gradients.items()}, *rest)


def _centred(parameters, gradients, *rest):
    """Gradient centralisation, left in from another experiment."""
    UPDATE(
        parameters,
        {
            name: g - g.mean(tuple(range(1, g.ndim)), keepdims=True) if g.ndim > 1 else g
            for name, g in gradients.items()
        },
        *rest,
    )


# --- loss, running statistics, gradients

def _penalty(config, engine, clean, *rest):
    loss, gradients = LOSS(config, engine, clean, *rest)
    return loss + config.weight_decay / 2 * sum(
        float((w**2).sum()) for name, w in clean.items() if w.ndim > 1
    ), gradients


def _statistics_twice(config, net, parameters, velocity, decayed, gradients, statistics, *rest):
    CHANGE(config, net, parameters, velocity, decayed, gradients, 2 * statistics, *rest)


def _none_of_them(config, net, parameters, velocity, decayed, gradients, statistics, *rest):
    CHANGE(config, net, parameters, velocity, decayed, gradients, [], *rest)


def _add_backward(change):
    return replaced(
        network, "BACKWARD", {**network.BACKWARD, Add: lambda layer, dout, parameters, tape: (change(dout), {})}
    )


def _inputs(change):
    """Other inputs in both operations: change(inputs) -> inputs."""
    def changed(operation):
        return lambda inputs, parameters: operation({**inputs, **change(inputs)}, parameters)
    return replaced(reference, "train_steps", changed(reference.train_steps)) + replaced(
        reference, "sgd_training", changed(reference.sgd_training)
    )


MUTANTS = [
    ("steps-gradients-add", "gradients are not set to zero between steps", _gradients_add()),
    ("steps-velocity-fresh", "the velocity begins anew in each step", _update(_velocity_fresh)),
    ("steps-bias-rate-2", "biases learn twice as fast, as in Caffe", _update(_biases_twice)),
    ("steps-no-decay-of-biases", "biases do not decay", _no_decay_of(lambda name, w: name.endswith("bias"))),
    ("steps-total-norm-1", "gradients limited to a total norm of 1", _update(_total_norm)),
    ("steps-centred-gradients", "the mean of each filter's gradient is subtracted", _update(_centred)),
    ("steps-running-001", "momentum 0.01 of TensorFlow in the running statistics",
     replaced(step, "update_running", lambda running, batch: nn.update_running(running, batch, 0.01))),
    ("steps-running-twice", "two forward passes a step update twice", replaced(step, "change", _statistics_twice)),
    ("steps-running-frozen", "running statistics not updated", replaced(step, "change", _none_of_them)),
    ("steps-shortcut-no-gradient", "no gradient through the shortcut", _add_backward(lambda dout: (dout, 0 * dout))),
    ("steps-sum-halves", "the gradient is halved at the sum", _add_backward(lambda dout: (dout / 2, dout / 2))),
    ("steps-loss-penalty", "the penalty of the weights is in the loss", replaced(step, "loss_and_gradients", _penalty)),
    ("steps-labels-shifted", "labels of the next image",
     _inputs(lambda inputs: {"labels": np.roll(inputs["labels"], 1, 1)})),
    ("steps-first-batch", "the images of the first step in each",
     _inputs(lambda inputs: {"images": np.broadcast_to(inputs["images"][:1], inputs["images"].shape).copy()})),
]
