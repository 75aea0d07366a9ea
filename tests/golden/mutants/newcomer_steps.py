"""Mistakes in training steps: invented without knowledge of the cases.

Of PyTorch users, C++ and Verilog engineers, and physicists with MATLAB or Julia, when kit 2.1 was a draft. A comment says
which inputs show a mistake, where few do.
"""

from dataclasses import replace

import numpy as np

from refpcm.golden.reference import chosen, networks
from refpcm.spec import network, nn
from refpcm.spec.engine import Engine
from refpcm.spec.training import clipping, sgd
from refpcm.spec.training import step as steps
from refpcm.spec.training import weight_noise as noise
from tests.golden.mutants.replacing import changed_inputs, replaced

SGD_STEP, CLIP_BOUND, CROSS_ENTROPY = sgd.sgd_step, clipping.clip_bound, nn.cross_entropy


class EvalEngine(Engine):
    def forward(self, parameters, images, training=False, noise=None, frozen=False):
        return super().forward(parameters, images, training, noise, True)


def step_aliasing(w, gradient, velocity, lr, momentum, nesterov, weight_decay):
    first = nesterov and not velocity.any()
    SGD_STEP(w, gradient, velocity, lr, momentum, nesterov, weight_decay)
    if first:
        velocity *= w.dtype.type(1 + momentum)


LEARN = networks.learn


def learn_decay_in_gradient(config, engine, parameters, velocity, decayed, *more):
    before = {name: value.copy() for name, value in parameters.items()}
    loss, right, gradients = LEARN(config, engine, parameters, velocity, decayed, *more)
    return loss, right, {name: g + g.dtype.type(config.weight_decay) * before[name] for name, g in gradients.items()}


LOSS_AND_GRADIENTS = steps.loss_and_gradients


def gradients_in_half(*arguments):
    loss, gradients = LOSS_AND_GRADIENTS(*arguments)
    return loss, {name: g.astype(np.float16).astype(g.dtype) for name, g in gradients.items()}


class TwoDevices(Engine):
    def forward(self, parameters, images, training=False, noise=None, frozen=False):
        if not training or len(images) < 2:
            return super().forward(parameters, images, training, noise, frozen)
        self.halves = []
        for part in np.array_split(images, 2):
            logits = super().forward(parameters, part, training, noise, frozen)
            self.halves.append((logits, self._tape))
        self.statistics = self.halves[0][1].statistics
        return np.concatenate([logits for logits, _ in self.halves])

    def backward(self, parameters, dlogits):
        if len(dlogits) < 2:
            return super().backward(parameters, dlogits)
        found = [network.backward(self.network, parameters, tape, part)
                 for (_, tape), part in zip(self.halves, np.array_split(dlogits, 2))]
        return {name: found[0][name] + found[1][name] for name in found[0]}


def clip_at_the_start(inputs, parameters):
    if parameters["alpha"]:
        net, weights = chosen.network(inputs, parameters)
        clipping.clip_parameters(net, weights, parameters["alpha"])
        inputs.update(weights)


def learn_during_backward(config, engine, parameters, velocity, decayed, clean, passes, labels, lr, step, rules):
    (_, logits, used), = passes
    loss, dlogits = steps.cross_entropy(logits, labels, config.label_smoothing)
    through = dict(used if config.backward == "noisy" else clean)
    tape, gradients, dvalues = engine._tape, {}, {engine.network.layers[-1].name: dlogits}
    for layer in reversed(engine.network.layers):
        backward = network.BACKWARD[type(layer)]
        _, owned = backward(layer, dvalues[layer.name], through, tape)
        owned = {f"{layer.name}.{part}": value for part, value in owned.items()}
        before = {name: parameters[name].copy() for name in owned}
        rules.update(parameters, owned, velocity, decayed, lr, config.momentum, config.nesterov, config.weight_decay)
        for name in owned:
            if through[name] is not parameters[name]:
                through[name] = through[name] + (parameters[name] - before[name])
        gradients.update(owned)
        for name, dinput in zip(layer.inputs, backward(layer, dvalues[layer.name], through, tape)[0]):
            dvalues[name] = dvalues[name] + dinput if name in dvalues else dinput
    steps.change(config, engine.network, parameters, velocity, decayed, {}, [engine.statistics], lr, rules)
    return loss, None, gradients


def backward_first_stays(net, parameters, tape, dlogits):
    gradients, dvalues = {}, {net.layers[-1].name: dlogits}
    for layer in reversed(net.layers):
        parts, owned = network.BACKWARD[type(layer)](layer, dvalues[layer.name], parameters, tape)
        for name, dinput in zip(layer.inputs, parts):
            dvalues.setdefault(name, dinput)
        gradients.update({f"{layer.name}.{part}": value for part, value in owned.items()})
    return gradients


TRAINED = networks.trained


def trained_with_first_bounds(inputs, parameters, make_engine, rules, weight_noise):
    net, weights = chosen.network(inputs, parameters)
    bounds = {name: CLIP_BOUND([weights[n] for n in names], parameters["alpha"] or 1.0)
              for _, names in noise.layer_parts(net, weights) for name in names}

    def clip_parameters(net, weights, alpha):
        for name, bound in bounds.items():
            weights[name][...] = clipping.clip(weights[name], bound)
    return TRAINED(inputs, parameters, make_engine, replace(rules, clip_parameters=clip_parameters), weight_noise)


NOISY = networks._noisy


def noisy_one_on(net, weights, eta, inputs, step, weight_noise):
    return NOISY(net, weights, eta, inputs, (step + 1) % len(inputs["images"]), weight_noise)


def learn_loss_after(config, engine, parameters, velocity, decayed, clean, passes, labels, *more):
    images = engine._tape.values["image"]
    _, right, gradients = LEARN(config, engine, parameters, velocity, decayed, clean, passes, labels, *more)
    after = network.forward(engine.network, parameters, images, True)[0]
    return CROSS_ENTROPY(after, labels, config.label_smoothing)[0], right, gradients


MUTANTS = [
    ("steps-in-eval-mode", "model.train() is forgotten: batch norm normalises with the running statistics, as constants",
     replaced(networks, "Engine", EvalEngine)),
    # only Nesterov's form
    ("steps-velocity-is-the-gradient", "the first velocity is the gradient's own array, not a copy, and the addition of "
       "momentum v in place changes both",
     replaced(sgd, "sgd_step", step_aliasing)),
    # only with weight decay
    ("steps-gradient-holds-decay", "weight decay is added to .grad in place: the gradient reported after the step has it",
     replaced(networks, "learn", learn_decay_in_gradient)),
    ("steps-gradients-in-half-precision", "gradients are in half precision, without a scaler of the loss",
     replaced(steps, "loss_and_gradients", gradients_in_half)),
    ("steps-data-parallel", "DataParallel on two devices: batch norm sees half of the batch, the first half is what runs",
     replaced(networks, "Engine", TwoDevices)),
    # only with clipping, and weights that it changes
    ("steps-clip-at-the-start", "the network that training starts from is clipped, too, before the first step",
     changed_inputs("train_steps", clip_at_the_start) + changed_inputs("sgd_training", clip_at_the_start)),
    ("steps-updated-during-backward", "a layer is updated in place as soon as its gradient is there: dx goes through the new "
       "weights",
     replaced(networks, "learn", learn_during_backward)),
    ("steps-first-gradient-stays", "where two gradients meet, that of the main path is not added: the buffer is full",
     replaced(network, "backward", backward_first_stays)),
    # only with clipping
    ("steps-clip-bounds-precomputed", "the bounds of clipping are computed once, of the weights at the start",
     replaced(networks, "trained", trained_with_first_bounds)),
    # only with noise and more than one step
    ("steps-noise-counted-from-one", "step k takes the noise of step k + 1, the last that of the first",
     replaced(networks, "_noisy", noisy_one_on)),
    ("steps-loss-after-update", "the loss reported is that of the batch after the update",
     replaced(networks, "learn", learn_loss_after)),
]
