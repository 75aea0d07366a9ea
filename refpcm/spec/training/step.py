"""One step of training: forward with noise, loss, backward, update, clipping, running statistics.

Joshi et al. 2020, Methods C and D. N images a step; an engine is `refpcm.spec.engine.Engine` or another with its methods.
"""

import math

from refpcm.errors import RefpcmError
from refpcm.spec.nn import cross_entropy, running_statistics, update_running
from refpcm.spec.training.activation_noise import activation_noise
from refpcm.spec.training.quantisation import quantised_parameters
from refpcm.spec.training.rules import SPECIFICATION
from refpcm.spec.training.weight_noise_kinds import programmed_parameters

DIVERGED = 100.0  # a loss this many times that of guessing means that the run is lost


def training_step(config, engine, parameters, velocity, decayed, images, labels, lr, step, rules=SPECIFICATION):
    """Train on normalised images (N, C, H, W) and labels (N,). Return the loss and the number of images right.

    parameters and velocity, {name: array}, change in place. decayed: names that weight decay acts on; lr: the learning
    rate; step: the number of the step, which addresses its noise. With quantised weights the gradient is taken at these
    and goes to those of full precision. Raises RefpcmError, with nothing changed, for a loss beyond hope.
    """
    clean = quantised_parameters(engine.network, parameters, config.weight_precision)
    logits, used = noisy_forward(config, engine, clean, images, step, rules)
    loss, _ = learn(config, engine, parameters, velocity, decayed, clean, used, logits, labels, lr, step, rules)
    return loss, int((logits.argmax(1) == labels).sum())


def noisy_forward(config, engine, clean, images, step, rules=SPECIFICATION):
    """Return the logits in training mode with the noise of `step`, and the parameters used; clean: those without noise."""
    used = noisy_weights(config, engine.network, clean, step, rules)
    noise = activation_noise(config, engine.network, step, rules.generator)
    return engine.forward(used, images, training=True, noise=noise, frozen=config.batch_norm == "frozen"), used


def noisy_weights(config, network, parameters, step, rules=SPECIFICATION):
    """Return the parameters with the noise that `config` wants on the weights in a step, or as they are."""
    if not config.weight_noise:
        return parameters
    arguments = network, parameters, config.weight_noise, config.seed, step
    if config.noise_kind == "additive":
        return rules.noisy_parameters(*arguments)
    if config.noise_kind == "multiplicative":
        return rules.multiplicative_parameters(*arguments)
    if config.noise_kind == "state-dependent":
        return programmed_parameters(*arguments, rules.generator)
    return parameters


def learn(config, engine, parameters, velocity, decayed, clean, used, logits, labels, lr, step, rules=SPECIFICATION):
    """Change parameters and velocity in place after a forward pass. Return the loss and the gradients {name: array}.

    The backward pass goes through the parameters `clean`, or through those of the forward pass, `used` (`backward`).
    Raises RefpcmError, with nothing changed, if the loss is not finite or far above that of guessing.
    """
    loss, dlogits = cross_entropy(logits, labels, config.label_smoothing)
    if not loss < DIVERGED * math.log(engine.network.classes):
        raise RefpcmError(f"the loss became {loss:.3g} at step {step + 1}: training has diverged; "
                          "begin anew with a smaller --learning-rate or a longer --warmup-epochs")
    gradients = engine.backward(used if config.backward == "noisy" else clean, dlogits)
    rules.update(parameters, gradients, velocity, decayed, lr, config.momentum, config.nesterov, config.weight_decay)
    if config.clip_sigma:
        rules.clip_parameters(engine.network, parameters, config.clip_sigma)
    for norm, statistics in engine.statistics.items():
        for name, batch in running_statistics(norm, statistics).items():
            parameters[name] = update_running(parameters[name], batch)
    return loss, gradients
