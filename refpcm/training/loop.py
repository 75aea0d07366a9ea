"""The training loop: a step, an epoch of them, and what is written on the way.

Every random number has an address: of order and augmentation (seed, epoch, image), of noise (seed, layer, step, element).
So the state after step k is a function of the configuration and the data alone. `train` may stop after any step.
"""

import time

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.files.checkpoints import State
from refpcm.forms import find_forms
from refpcm.spec import random
from refpcm.spec.resnet import build, initial_parameters
from refpcm.spec.training.averaging import averaged_steps, empty_average, include
from refpcm.spec.training.schedules import learning_rate
from refpcm.spec.training.sgd import decayed_names, zero_velocities
from refpcm.spec.training.step import training_step
from refpcm.training.sources import image_source


def start(config, classes, data):
    """State before the first step. `data` is the identity of the training images."""
    network = build(config.architecture, classes)
    generator = find_forms(config.kernels).random
    parameters = initial_parameters(
        network, lambda layer, count: generator.normals(config.seed, 0, random.Purpose.INITIALISATION, layer, 0, 0, count))
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


def rate_at(config, step, per_epoch, total):
    """The learning rate of a step: of the run's schedule, or of a longer one that the run is a part of."""
    begin, length = round(config.schedule_start * per_epoch), round(config.schedule_epochs * per_epoch) or total
    at = min(begin + step, length - 1)  # begin and total are rounded, each for itself
    return learning_rate(config.schedule, config.learning_rate, at, length, config.warmup_epochs * per_epoch)


def batch_numbers(order, batch_size, within):
    """Numbers of the images of batch `within` of an epoch in `order`; fewer, or none, beyond its last whole batch."""
    return order[within * batch_size:(within + 1) * batch_size]


def epoch_order(config, epoch, count):
    """The order of the `count` training images in `epoch`, int64."""
    return find_forms(config.kernels).random.permutation(config.seed, 0, random.Purpose.SHUFFLING, 0, epoch, count)


def train(state, dataset, after_step, after_epoch):
    """Train `state` on dataset.train_images to the last step of its configuration, or until after_step says so.

    after_step(state, total) -> True to stop; after_epoch(state, record) gets a dict of the epoch's figures
    (the last epoch may be a part). Returns True when the run is complete.
    """
    config, source, labels = state.config, image_source(state.config, dataset), dataset.train_labels
    forms = find_forms(config.kernels)
    engine = forms.make_engine(build(config.architecture, state.classes))
    decayed = decayed_names(state.parameters, config.decay)
    per_epoch, total = steps_per_epoch(config, len(source)), total_steps(config, len(source))
    averaged_from = total - averaged_steps(config, per_epoch, total)
    order, began = None, time.perf_counter() - state.seconds
    epoch_began, epoch_first = time.perf_counter(), state.step
    while state.step < total:
        epoch, within = divmod(state.step, per_epoch)
        if order is None or within == 0:
            order = epoch_order(config, epoch, len(source))
        numbers = batch_numbers(order, config.batch_size, within)
        batch = source.batch(numbers, epoch, batch_numbers(order, config.batch_size, within + 1))
        lr = rate_at(config, state.step, per_epoch, total)
        loss, correct = training_step(config, engine, state.parameters, state.velocity, decayed, batch,
                                      labels[numbers].astype(np.int64), lr, state.step, forms.rules)
        state.step += 1
        if state.step > averaged_from:
            state.average = state.average or empty_average(state.velocity)
            include(state.average, state.parameters, state.step - averaged_from)
        state.loss_sum += loss
        state.correct += correct
        state.seconds = time.perf_counter() - began
        if within + 1 == per_epoch or state.step == total:
            done = (within + 1) * config.batch_size
            now = time.perf_counter()
            record = {"epoch": epoch + 1, "step": state.step, "learning_rate": lr,
                      "train_loss": state.loss_sum / (within + 1), "train_accuracy": state.correct / done,
                      "images_per_second": (state.step - epoch_first) * config.batch_size / (now - epoch_began),
                      "seconds": state.seconds}
            state.loss_sum, state.correct = 0.0, 0
            after_epoch(state, record)
            epoch_began, epoch_first = time.perf_counter(), state.step
        if after_step(state, total):
            break
    return state.step >= total
