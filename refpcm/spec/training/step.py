"""One step of training: forward with noise, loss, backward, update, clipping, running statistics.

Joshi et al. 2020, Methods C and D. N images a step; an engine is `refpcm.spec.engine.Engine` or another with its methods.
"""

import math

from refpcm.errors import RefpcmError
from refpcm.spec.nn import cross_entropy, running_statistics, update_running
from refpcm.spec.training.image_noise import image_noise
from refpcm.spec.training.quantisation import quantised_parameters
from refpcm.spec.training.rules import SPECIFICATION
from refpcm.spec.training.weight_noise import layers_with_noise
from refpcm.spec.training.weight_noise_kinds import programmed_parameters

DIVERGED = 100.0  # a loss this many times that of guessing means that the run is lost


def training_step(config, engine, parameters, velocity, decayed, images, labels, lr, step, rules=SPECIFICATION):
    """Train on normalised images (N, C, H, W) and labels (N,). Return the loss and the number of images right. E-78.

    parameters and velocity, {name: array}, change in place. decayed: names that weight decay acts on; lr: the learning
    rate; step: the number of the step, which addresses its noise. A batch in parts (`batch_parts`) is passed part by
    part, as memory allows, and learned from once; batch norm takes each part for a batch of its own. With quantised
    weights the gradient is taken at these and changes those of full precision. Raises RefpcmError, with nothing changed,
    for a loss beyond hope.
    """
    clean = quantised_parameters(engine.network, parameters, config.weight_precision)
    passes = noisy_forward(config, engine, clean, images, step, rules)
    return learn(config, engine, parameters, velocity, decayed, clean, passes, labels, lr, step, rules)[:2]


def noisy_forward(config, engine, clean, images, step, rules=SPECIFICATION):
    """Yield (slice of the batch, its logits, parameters used) in training mode with the noise of `step`.

    One slice, or `batch_parts` of them: all parts see the same weight noise. clean: the parameters without noise.
    """
    used = noisy_weights(config, engine.network, clean, step, rules)
    noise = image_noise(config, engine.network, step, rules.generator)
    size = len(images) // config.batch_parts
    for begin in range(0, len(images), size):
        part = slice(begin, begin + size)
        yield part, engine.forward(used, images[part], training=True, noise=noise, frozen=config.batch_norm == "frozen"), used


def noisy_weights(config, network, parameters, step, rules=SPECIFICATION):
    """Return the parameters with the noise that `config` wants on the weights in a step, or as they are."""
    if not config.weight_noise:
        return parameters
    noisy = _noisy_weights(config, network, parameters, step, rules)
    if config.noise_layers == "all":
        return noisy
    with_noise = layers_with_noise(network, config.noise_layers)
    return {name: value if name.rpartition(".")[0] in with_noise else parameters[name] for name, value in noisy.items()}


def _noisy_weights(config, network, parameters, step, rules):
    """Return the parameters with weight noise of the wanted kind on every layer."""
    arguments = network, parameters, config.weight_noise, config.seed, step
    if config.noise_kind == "additive":
        return rules.noisy_parameters(*arguments)
    if config.noise_kind == "multiplicative":
        return rules.multiplicative_parameters(*arguments)
    if config.noise_kind == "state-dependent":
        return programmed_parameters(*arguments, rules.generator)
    return parameters


def learn(config, engine, parameters, velocity, decayed, clean, passes, labels, lr, step, rules=SPECIFICATION):
    """Change parameters and velocity in place by a batch; return its loss, the number of images right, its gradients. E-88.

    passes: yields (slice of the batch, its logits, parameters used) of each part right after `engine` has passed it forward.
    Raises RefpcmError as `loss_and_gradients`, with nothing changed.
    """
    loss, right, gradients, statistics = 0.0, 0, {}, []
    for part, logits, used in passes:
        statistics.append(engine.statistics)
        of_part, found = loss_and_gradients(config, engine, clean, used, logits, labels[part], step)
        loss += of_part
        right += int((logits.argmax(1) == labels[part]).sum())
        gradients = {name: gradients[name] + value for name, value in found.items()} if gradients else found
    change(config, engine.network, parameters, velocity, decayed, gradients, statistics, lr, rules)
    return loss, right, gradients


def loss_and_gradients(config, engine, clean, used, logits, labels, step):
    """Return the loss and the gradients {name: array} of a part of a batch, both divided by the number of parts.

    The backward pass goes through the parameters `clean`, or through those of the forward pass, `used` (`backward`).
    Raises RefpcmError if the loss is not finite or far above that of guessing.
    """
    loss, dlogits = cross_entropy(logits, labels, config.label_smoothing)
    if not loss < DIVERGED * math.log(engine.network.classes):
        raise RefpcmError(f"the loss became {loss:.3g} at step {step + 1}: training has diverged; "
                          "begin anew with a smaller --learning-rate or a longer --warmup-epochs")
    gradients = engine.backward(used if config.backward == "noisy" else clean, dlogits / config.batch_parts)
    return loss / config.batch_parts, gradients


def change(config, network, parameters, velocity, decayed, gradients, statistics, lr, rules=SPECIFICATION):
    """Update and clip parameters and velocity in place, and update the running statistics of batch norm.

    statistics: [{batch norm: Statistics}] of the parts of the batch; each part counts as a batch of its own.
    """
    rules.update(parameters, gradients, velocity, decayed, lr, config.momentum, config.nesterov, config.weight_decay)
    if config.clip_sigma:
        rules.clip_parameters(network, parameters, config.clip_sigma)
    for norm, of_part in (item for part in statistics for item in part.items()):
        for name, batch in running_statistics(norm, of_part).items():
            parameters[name] = update_running(parameters[name], batch)
