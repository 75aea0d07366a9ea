"""Mistakes in the order and the state of training steps: invented by a stranger to the cases of kit 2.0.

A comment says which inputs show the mistake, where few do.
"""

from dataclasses import replace

import numpy as np

from refpcm.golden.reference import chosen, networks
from refpcm.spec.engine import Engine
from refpcm.spec.layers import Add, BatchNorm, Conv2d, PadShortcut, ReLU
from refpcm.spec.training import clipping
from refpcm.spec.training import step as steps
from refpcm.spec.training.weight_noise import layer_parts
from tests.golden.mutants.replacing import replaced

TRAINED, NOISY, LEARN, LOSS_AND_GRADIENTS = networks.trained, networks._noisy, networks.learn, steps.loss_and_gradients
NETWORK = chosen.network


def largest(weights, names):
    return max(float(np.abs(weights[name]).max()) for name in names)


def w_max_before_clipping():
    kept = {}

    def trained(inputs, parameters, make_engine, rules, weight_noise):
        kept.clear()

        def clip_parameters(network, weights, alpha):
            kept.update({names[0]: largest(weights, names) for _, names in layer_parts(network, weights)})
            rules.clip_parameters(network, weights, alpha)
        return TRAINED(inputs, parameters, make_engine, replace(rules, clip_parameters=clip_parameters), weight_noise)

    def noisy(net, weights, eta, inputs, step, weight_noise):
        used = dict(weights)
        for _, names in layer_parts(net, weights):
            w_max = kept.get(names[0], largest(weights, names))
            for name in names:
                used[name] = weight_noise(weights[name], w_max, eta, inputs[f"z.{step}.{name}"])
        return used
    return [(networks, "trained", trained), (networks, "_noisy", noisy)]


def remembering_noisy(kept):
    """`_noisy` that leaves what it made in `kept`."""
    def noisy(*arguments):
        used = NOISY(*arguments)
        kept.update(used)
        return used
    return [(networks, "_noisy", noisy)]


def clipped_by_noisy():
    kept = {}

    def trained(inputs, parameters, make_engine, rules, weight_noise):
        kept.clear()

        def clip_parameters(network, weights, alpha):
            for _, names in layer_parts(network, weights):
                bound = clipping.clip_bound([(kept or weights)[name] for name in names], alpha)
                for name in names:
                    weights[name][...] = clipping.clip(weights[name], bound)
        return TRAINED(inputs, parameters, make_engine, replace(rules, clip_parameters=clip_parameters), weight_noise)
    return [(networks, "trained", trained)] + remembering_noisy(kept)


def decay_of_noisy():
    kept = {}

    def trained(inputs, parameters, make_engine, rules, weight_noise):
        kept.clear()

        def update(weights, gradients, velocity, decayed, lr, momentum, nesterov, weight_decay):
            moved = {name: value + weights[name].dtype.type(weight_decay) * (kept.get(name, weights[name]) - weights[name])
                     if name in decayed else value for name, value in gradients.items()}
            rules.update(weights, moved, velocity, decayed, lr, momentum, nesterov, weight_decay)
        return TRAINED(inputs, parameters, make_engine, replace(rules, update=update), weight_noise)
    return [(networks, "trained", trained)] + remembering_noisy(kept)


def no_gradient_at_bound():
    kept = {}

    def trained(inputs, parameters, make_engine, rules, weight_noise):
        kept.clear()

        def clip_parameters(network, weights, alpha):
            for _, names in layer_parts(network, weights):
                bound = clipping.clip_bound([weights[name] for name in names], alpha)
                kept.update({name: np.abs(weights[name]) >= bound for name in names})
            rules.clip_parameters(network, weights, alpha)

        def update(weights, gradients, *rest):
            masked = {name: np.where(kept[name], 0, value).astype(value.dtype) if name in kept else value
                      for name, value in gradients.items()}
            rules.update(weights, masked, *rest)
        changed = replace(rules, clip_parameters=clip_parameters, update=update)
        return TRAINED(inputs, parameters, make_engine, changed, weight_noise)
    return [(networks, "trained", trained)]


def statistics_of_clean(config, engine, parameters, velocity, decayed, clean, *rest):
    again = Engine(engine.network)
    again.forward(clean, engine._tape.values["image"], training=True)
    engine.statistics = again.statistics
    return LEARN(config, engine, parameters, velocity, decayed, clean, *rest)


def gradient_through_w_max(config, engine, clean, used, *rest):
    loss, gradients = LOSS_AND_GRADIENTS(config, engine, clean, used, *rest)
    if used is clean:
        return loss, gradients
    gradients = dict(gradients)
    for _, names in layer_parts(engine.network, clean):
        w_max = largest(clean, names)
        if not w_max:
            continue
        slope = sum(float((gradients[name] * (used[name] - clean[name])).sum(dtype=np.float64)) for name in names) / w_max
        owner = max(names, key=lambda name: np.abs(clean[name]).max())
        place = np.unravel_index(np.abs(clean[owner]).argmax(), clean[owner].shape)
        gradients[owner] = gradients[owner].copy()
        gradients[owner][place] += slope * np.sign(clean[owner][place])
    return loss, gradients


def linear_through_noisy(config, engine, clean, used, *rest):
    name = f"{engine.network.layers[-1].name}.weight"
    return LOSS_AND_GRADIENTS(config, engine, {**clean, name: used[name]}, used, *rest)


def noise_in_matrix_order(net, weights, eta, inputs, step, weight_noise):
    turned = dict(inputs)
    for _, names in layer_parts(net, weights):
        name = f"z.{step}.{names[0]}"
        z = inputs[name]
        turned[name] = np.ascontiguousarray(z.reshape(-1, len(z)).T).reshape(z.shape)
    return NOISY(net, weights, eta, turned, step, weight_noise)


ZERO_VELOCITIES = networks.zero_velocities


def velocities_by_shape(parameters):
    found, by_shape = {}, {}
    for name, value in ZERO_VELOCITIES(parameters).items():
        found[name] = by_shape.setdefault(value.shape, value)
    return found


def looking_ahead():
    kept = {}

    def zero_velocities(parameters):
        kept["velocity"] = ZERO_VELOCITIES(parameters)
        return kept["velocity"]

    def trained(inputs, parameters, make_engine, rules, weight_noise):
        if parameters.get("rule", "nesterov") != "nesterov":
            return TRAINED(inputs, parameters, make_engine, rules, weight_noise)
        reach = parameters["lr"] * parameters["momentum"]

        def ahead(weights):
            return {**weights, **{name: weights[name] - weights[name].dtype.type(reach) * v
                                  for name, v in kept["velocity"].items()}}

        class Ahead(Engine):
            def forward(self, weights, *rest, **named):
                return super().forward(ahead(weights), *rest, **named)

            def backward(self, weights, dlogits):
                return super().backward(ahead(weights), dlogits)

        def update(weights, gradients, velocity, decayed, lr, momentum, nesterov, weight_decay):
            rules.update(weights, gradients, velocity, decayed, lr, momentum, False, weight_decay)
        return TRAINED(inputs, parameters, Ahead, replace(rules, update=update), weight_noise)
    return [(networks, "trained", trained), (networks, "zero_velocities", zero_velocities)]


def unrectified_shortcuts(inputs, parameters):
    net, weights = NETWORK(inputs, parameters)
    layers = {layer.name: layer for layer in net.layers}
    for add in [layer for layer in net.layers if isinstance(layer, Add)]:
        reader, source = add, add.inputs[1]
        while isinstance(layers[source], (BatchNorm, Conv2d, PadShortcut)):
            reader, source = layers[source], layers[source].inputs[0]
        if not isinstance(layers[source], ReLU):
            continue
        source = layers[source].inputs[0]
        new = (add.inputs[0], source) if reader is add else (source,)
        layers[reader.name] = replace(reader, inputs=new)
    return replace(net, layers=tuple(layers[layer.name] for layer in net.layers)), weights


MUTANTS = [
    # clipping, eta above 0, from the second step on
    ("steps-noise-w-max-before-clipping", "W_max of the noise is taken between update and clipping",
     w_max_before_clipping()),
    # clipping, eta above 0
    ("steps-clip-sigma-of-noisy", "sigma of clipping is that of the weights with noise",
     clipped_by_noisy()),
    # eta above 0
    ("steps-decay-of-noisy", "the weights with noise decay: d = dL/dw + weight_decay w_noisy",
     decay_of_noisy()),
    # clipping, from the second step on (clamp within what is differentiated)
    ("steps-no-gradient-at-bound", "weights that were clipped get no gradient in the next step",
     no_gradient_at_bound()),
    # eta above 0
    ("steps-statistics-of-clean", "running statistics of a pass without noise",
     replaced(networks, "learn", statistics_of_clean)),
    # eta above 0 (noise without `detach`)
    ("steps-gradient-through-w-max", "the gradient passes through W_max of the noise to the largest weight",
     replaced(steps, "loss_and_gradients", gradient_through_w_max)),
    # eta above 0, backward clean
    ("steps-linear-through-noisy", "backward clean: the linear layer is passed through its noisy weights",
     replaced(steps, "loss_and_gradients", linear_through_noisy)),
    # eta above 0, layers of more than one output and more than one row
    ("steps-noise-in-matrix-order", "z of the weights is taken in the order of the crossbar matrix (R, K)",
     replaced(networks, "_noisy", noise_in_matrix_order)),
    # momentum above 0
    ("steps-velocity-by-shape", "parameters of one shape share their velocity",
     replaced(networks, "zero_velocities", velocities_by_shape)),
    # rule nesterov, from the second step on
    ("steps-nesterov-looks-ahead", "gradient at w - lr momentum v, w moves by the new velocity",
     looking_ahead()),
    ("shortcut-before-relu", "the shortcut leaves the main path before its ReLU",
     replaced(chosen, "network", unrectified_shortcuts)),
]
