"""Mistakes in the noise and the clipping of training steps, invented without knowledge of the cases."""

from dataclasses import replace

import numpy as np

from refpcm.golden.reference import networks
from refpcm.spec.training import clipping, step
from refpcm.spec.training.rules import Rules
from refpcm.spec.training.weight_noise import layer_parts
from tests.golden.mutants.replacing import replaced

NOISY, LEARN, CHANGE, CLIP = networks._noisy, networks.learn, step.change, clipping.clip_parameters


def _rules(**functions):
    return replaced(networks, "SPECIFICATION", Rules(**functions))


# --- noise: (network, weights, eta, inputs, step, weight_noise) -> weights used

def _noise(change):
    return replaced(networks, "_noisy", change)


def _kept_as_they_are(wanted):
    """Noise is left out where wanted(name, names of the crossbar layers' parameters in order)."""
    def noisy(net, weights, *rest):
        order = [name for _, names in layer_parts(net, weights) for name in names]
        return {
            name: weights[name] if wanted(name, order) else value for name, value in NOISY(net, weights, *rest).items()
        }
    return _noise(noisy)


def _with_w_max(choose):
    """Another W_max: choose(name, weights, {name: W_max of its layer}) -> a number."""
    def noisy(net, weights, eta, inputs, number, noise):
        w_max = {
            name: max(float(np.abs(weights[other]).max()) for other in names)
            for _, names in layer_parts(net, weights)
            for name in names
        }
        return {
            **weights,
            **{
                name: noise(weights[name], choose(name, weights, w_max), eta, inputs[f"z.{number}.{name}"])
                for name in w_max
            },
        }
    return _noise(noisy)


def _with_first_w_max():
    first = {}

    def choose(name, weights, w_max):
        if first.get("inputs") is not weights:  # one training changes one dict of weights
            first.update(inputs=weights, w_max=w_max)
        return first["w_max"][name]
    return _with_w_max(choose)


def _noise_stays(config, engine, parameters, velocity, decayed, clean, passes, *rest):
    """The update starts from the weights of the forward pass."""
    (_, _, used), = passes
    parameters.update({name: value.copy() for name, value in used.items() if value is not parameters[name]})
    return LEARN(config, engine, parameters, velocity, decayed, clean, passes, *rest)


# --- clipping

def _clip_at_step_0():
    seen = []

    def clip(net, parameters, alpha):
        if not any(each is parameters for each in seen):
            seen[:] = [parameters]
            CLIP(net, parameters, alpha)
    return _rules(clip_parameters=clip)


def _clip_with(bound):
    """Another bound: bound(name, names of its layer, parameters, network, alpha) -> a number, None: not clipped."""
    def clip(net, parameters, alpha):
        bounds = {
            name: bound(name, names, parameters, net, alpha)
            for _, names in layer_parts(net, parameters)
            for name in names
        }
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


MUTANTS = [
    ("steps-noise-w-max-0", "W_max of the first step", _with_first_w_max()),
    ("steps-noise-no-bias", "no noise on the biases", _kept_as_they_are(lambda name, order: name.endswith("bias"))),
    ("steps-noise-bias-own", "W_max of the biases alone for the biases",
     _with_w_max(lambda name, weights, w_max: float(np.abs(weights[name]).max()))),
    ("steps-noise-one-w-max", "W_max over all layers", _with_w_max(lambda name, weights, w_max: max(w_max.values()))),
    ("steps-noise-inner", "first and last layer without noise",
     _kept_as_they_are(
         lambda name, order: name.rpartition(".")[0] in {each.rpartition(".")[0] for each in (order[0], order[-1])}
     )),
    ("steps-noise-3x3-only", "no noise on 1x1 convolutions and the linear layer",
     _noise(
         lambda net, weights, *rest: {
             name: value if value.ndim == 4 and value.shape[2] > 1 else weights[name]
             for name, value in NOISY(net, weights, *rest).items()
         }
     )),
    ("steps-noise-stays", "the update starts from the noisy weights", replaced(networks, "learn", _noise_stays)),
    ("steps-clip-first", "clipping before the update", replaced(step, "change", _clipped_first)),
    ("steps-clip-once", "clipping in the first step only", _clip_at_step_0()),
    ("steps-clip-no-bias", "biases are not clipped",
     _clip_with(
         lambda name, names, parameters, net, alpha: (
             None if name.endswith("bias") else clipping.clip_bound([parameters[each] for each in names], alpha)
         )
     )),
    ("steps-clip-bias-own", "sigma of the biases alone for the biases",
     _clip_with(lambda name, names, parameters, net, alpha: clipping.clip_bound([parameters[name]], alpha))),
    ("steps-clip-whole-network", "one sigma for the network", _clip_with(_of_network)),
    ("steps-clip-norms", "gammas are clipped, too", _rules(clip_parameters=_norms_too)),
]
