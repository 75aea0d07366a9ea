"""The training loop: a step, an epoch of them, and what is written on the way.

Every random number is addressed by (seed, epoch, image), every other decision by the step, so that the state
after step k is a function of the configuration and the data alone. `train` may stop after any step.
"""

import math
import time

import numpy as np

from refpcm import rng
from refpcm.errors import RefpcmError
from refpcm.nn import cross_entropy, update_running
from refpcm.resnet import build, initial_parameters
from refpcm.training.activation_noise import activation_noise
from refpcm.training.augmentation import no_moves, prepare
from refpcm.training.averaging import averaged_steps, empty_average, include
from refpcm.training.checkpoint import State
from refpcm.training.executor import make_engine, update_rules
from refpcm.training.quantisation import quantised_parameters
from refpcm.training.schedules import learning_rate
from refpcm.training.sgd import decayed_names, zero_velocities
from refpcm.training.sources import image_source
from refpcm.training.weight_noise_kinds import noisy_weights

DIVERGED = 100.0  # a loss this many times that of guessing means that the run is lost


def start(config, classes, data):
    """State before the first step. `data` is the identity of the training images."""
    network = build(config.architecture, classes)
    parameters = initial_parameters(
        network, lambda layer, count: rng.normals(config.seed, 0, rng.Purpose.INITIALISATION, layer, 0, 0, count))
    return State(config, classes, data, parameters, zero_velocities(parameters))


def steps_per_epoch(config, count):
    """Whole batches among `count` images. Raises RefpcmError if there is none."""
    if count < config.batch_size:
        raise RefpcmError(f"the batch size {config.batch_size} is larger than the {count} training images; "
                          "choose a smaller --batch-size")
    return count // config.batch_size


def total_steps(config, count):
    """Steps of a run on `count` images, at least one. Raises RefpcmError as `steps_per_epoch`."""
    return max(1, round(config.epochs * steps_per_epoch(config, count)))


def batch_numbers(order, batch_size, within):
    """Numbers of the images of batch `within` of an epoch in `order`; fewer, or none, beyond its last whole batch."""
    return order[within * batch_size:(within + 1) * batch_size]


def epoch_order(config, epoch, count):
    """The order of the `count` training images in `epoch`, int64."""
    return rng.permutation(config.seed, 0, rng.Purpose.SHUFFLING, 0, epoch, count)


def noisy_forward(config, engine, clean, images, step):
    """Training mode with the noise of `step` on `clean` parameters or activations -> logits, the parameters used."""
    rules = update_rules(config.kernels)
    used = noisy_weights(config, engine.network, clean, step, rules.noisy_parameters, rules.multiplicative_parameters)
    logits = engine.forward(used, images, training=True, noise=activation_noise(config, engine.network, step),
                            frozen=config.batch_norm == "frozen")
    return logits, used


def step(state, engine, decayed, images, labels, lr):
    """One step of SGD on normalised images (N, C, H, W) float32; changes state. -> loss, number of images right.

    With weight noise the gradient is taken at the noisy weights, the update goes to the clean ones; with quantised
    weights it is taken at these and goes to those of full precision.
    Raises RefpcmError, with the state unchanged, if the loss is not finite or beyond hope.
    """
    config, network, rules = state.config, engine.network, update_rules(state.config.kernels)
    clean = quantised_parameters(network, state.parameters, config.weight_precision)
    logits, used = noisy_forward(config, engine, clean, images, state.step)
    loss, dlogits = cross_entropy(logits, labels, config.label_smoothing)
    if not loss < DIVERGED * math.log(state.classes):
        raise RefpcmError(f"the loss became {loss:.3g} at step {state.step + 1}: training has diverged; "
                          "begin anew with a smaller --learning-rate or a longer --warmup-epochs")
    gradients = engine.backward(used if config.backward == "noisy" else clean, dlogits)
    rules.update(state.parameters, gradients, state.velocity, decayed, lr, config.momentum, config.nesterov,
                 config.weight_decay)
    if config.clip_sigma:
        rules.clip_parameters(network, state.parameters, config.clip_sigma)
    for name, (mean, var) in engine.statistics.items():
        for part, batch in (("running_mean", mean), ("running_var", var)):
            key = f"{name}.{part}"
            state.parameters[key] = update_running(state.parameters[key], batch)
    return loss, int((logits.argmax(1) == labels).sum())


def train(state, dataset, after_step, after_epoch):
    """Train `state` on dataset.train_images to the last step of its configuration, or until after_step says so.

    after_step(state, total) -> True to stop; after_epoch(state, record) gets a dict of the epoch's figures
    (the last epoch may be a part). Returns True when the run is complete.
    """
    config, source, labels = state.config, image_source(state.config, dataset), dataset.train_labels
    engine = make_engine(build(config.architecture, state.classes), config.kernels)
    decayed = decayed_names(state.parameters, config.decay)
    per_epoch, total = steps_per_epoch(config, len(source)), total_steps(config, len(source))
    averaged_from = total - averaged_steps(config, per_epoch, total)
    order, began = None, time.monotonic() - state.seconds
    epoch_began, epoch_first = time.monotonic(), state.step
    while state.step < total:
        epoch, within = divmod(state.step, per_epoch)
        if order is None or within == 0:
            order = epoch_order(config, epoch, len(source))
        numbers = batch_numbers(order, config.batch_size, within)
        batch = source.batch(numbers, epoch, batch_numbers(order, config.batch_size, within + 1))
        lr = learning_rate(config.schedule, config.learning_rate, state.step, total, config.warmup_epochs * per_epoch)
        loss, correct = step(state, engine, decayed, batch, labels[numbers].astype(np.int64), lr)
        state.step += 1
        if state.step > averaged_from:
            state.average = state.average or empty_average(state.velocity)
            include(state.average, state.parameters, state.step - averaged_from)
        state.loss_sum += loss
        state.correct += correct
        state.seconds = time.monotonic() - began
        if within + 1 == per_epoch or state.step == total:
            done = (within + 1) * config.batch_size
            now = time.monotonic()
            record = {"epoch": epoch + 1, "step": state.step, "learning_rate": lr,
                      "train_loss": state.loss_sum / (within + 1), "train_accuracy": state.correct / done,
                      "images_per_second": (state.step - epoch_first) * config.batch_size / (now - epoch_began),
                      "seconds": state.seconds}
            state.loss_sum, state.correct = 0.0, 0
            after_epoch(state, record)
            epoch_began, epoch_first = time.monotonic(), state.step
        if after_step(state, total):
            break
    return state.step >= total


def predict(engine, parameters, images, mean, std, batch_size=256):
    """Class of each image (N, C, H, W) uint8 -> int64 (N,), with the running statistics.

    Raises RefpcmError if an output of the network is not finite: the largest would be no answer.
    """
    classes = np.empty(len(images), np.int64)
    for begin in range(0, len(images), batch_size):
        part = images[begin:begin + batch_size]
        logits = engine.forward(parameters, prepare(part, no_moves(len(part)), 0, mean, std))
        if not np.isfinite(logits).all():
            raise RefpcmError("the network's outputs are not finite: weights or running statistics are too large "
                              "for its arithmetic, so no class can be told")
        classes[begin:begin + batch_size] = logits.argmax(1)
    return classes


def accuracy(engine, parameters, dataset):
    """Share of dataset.test_images that are right, and their number."""
    predicted = predict(engine, parameters, dataset.test_images, dataset.mean, dataset.std)
    correct = int((predicted == dataset.test_labels).sum())
    return correct / len(predicted), correct
