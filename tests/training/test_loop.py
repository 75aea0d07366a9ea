"""The loop hands every number of the configuration on: steps against the operators, order, warm-up, held-out images."""

import dataclasses

import numpy as np
import pytest

from refpcm.datasets import load
from refpcm.forms import find_forms
from refpcm.spec import network as reference
from refpcm.spec import random
from refpcm.spec.nn import cross_entropy
from refpcm.spec.resnet import build
from refpcm.spec.training.config import TrainingConfig
from refpcm.spec.training.schedules import learning_rate
from refpcm.spec.training.sgd import decayed_names, sgd_step, zero_velocities
from refpcm.spec.training.step import training_step
from refpcm.training import loop
from refpcm.training.run import hold_back
from refpcm.training.sources import ArraySource
from tests.training.steps import one_step

CONFIG = TrainingConfig(batch_size=4, kernels="numpy", momentum=0.7, nesterov=False, weight_decay=0.01, decay="weights",
                        label_smoothing=0.2)


@pytest.fixture(scope="module")
def data():
    """96 built-in images."""
    whole = load()
    return dataclasses.replace(whole, train_images=whole.train_images[:96], train_labels=whole.train_labels[:96])


@pytest.mark.parametrize("changes", [{}, {"nesterov": True}, {"decay": "all"}])
def test_two_steps_are_smoothed_loss_gradient_and_sgd(changes):
    config = dataclasses.replace(CONFIG, **changes)
    state, net = loop.start(config, 10, "data"), build(config.architecture, 10)
    engine, decayed = find_forms("numpy").make_engine(net), decayed_names(state.parameters, config.decay)
    images = np.random.default_rng(1).normal(size=(2, 4, *net.input_shape)).astype(np.float32)
    labels = np.array([[3, 1, 4, 1], [5, 9, 2, 6]])
    weights = {name: value.copy() for name, value in state.parameters.items()}
    velocity = zero_velocities(weights)
    for batch, classes in zip(images, labels):
        logits, tape = reference.forward(net, weights, batch, training=True)
        _, dlogits = cross_entropy(logits, classes, 0.2)
        for name, gradient in reference.backward(net, weights, tape, dlogits).items():
            sgd_step(weights[name], gradient, velocity[name], 0.05, 0.7, config.nesterov,
                     0.01 if config.decay == "all" or name in decayed else 0.0)
        one_step(state, engine, decayed, batch, classes, 0.05)
    assert all(np.allclose(state.parameters[name], weights[name], rtol=1e-5, atol=1e-7) for name in velocity)
    assert any(name not in decayed for name in velocity) == (config.decay == "weights")


def test_every_epoch_has_its_own_order_and_its_own_augmentation(data, monkeypatch):
    """Batches of 20 among 96 images: the last 16 of an order are left out."""
    asked = []

    def recorded(source, numbers, epoch, following=()):
        asked.append((numbers.tolist(), epoch))
        return source.moved(source.images[numbers], numbers, epoch)

    monkeypatch.setattr(ArraySource, "batch", recorded)
    config = dataclasses.replace(CONFIG, batch_size=20, kernels="direct", epochs=2.0, seed=7)
    loop.train(loop.start(config, 10, "data"), data, lambda state, total: False, lambda state, record: None)
    orders = [random.permutation(7, 0, random.Purpose.SHUFFLING, 0, epoch, 96) for epoch in (0, 1)]
    assert asked == [(orders[epoch][first:first + 20].tolist(), epoch) for epoch in (0, 1) for first in (0, 20, 40, 60)]


def test_the_record_of_an_epoch_has_the_mean_loss_and_the_share_right_of_its_steps(data, monkeypatch):
    """Six steps of 16 images an epoch; the last epoch is half a one."""
    results, records = [], []

    def recorded(*arguments):
        results.append(training_step(*arguments))
        return results[-1]

    monkeypatch.setattr(loop, "training_step", recorded)
    config = dataclasses.replace(CONFIG, batch_size=16, kernels="direct", epochs=1.5)
    loop.train(loop.start(config, 10, "data"), data, lambda state, total: False,
               lambda state, record: records.append((record["train_loss"], record["train_accuracy"])))
    losses, right = np.transpose(results)
    assert records == [pytest.approx((losses[steps].mean(), right[steps].mean() / 16)) for steps in (slice(6), slice(6, 9))]


def test_the_schedule_is_followed_with_its_warm_up(data):
    config = dataclasses.replace(CONFIG, batch_size=16, kernels="direct", epochs=3.0, schedule="cosine",
                                 learning_rate=0.1, warmup_epochs=1.5)
    found = []
    loop.train(loop.start(config, 10, "data"), data, lambda state, total: False,
               lambda state, record: found.append(record["learning_rate"]))
    assert found == [learning_rate("cosine", 0.1, step, 18, 9.0) for step in (5, 11, 17)]
    assert found[0] < learning_rate("cosine", 0.1, 5, 18, 0.0)


def test_a_part_of_a_schedule_ends_within_it():
    """Begin and length in steps are rounded, each for itself."""
    config = dataclasses.replace(CONFIG, epochs=0.5, schedule="step", schedule_epochs=1.0, schedule_start=0.5)
    rates = [loop.rate_at(config, step, 3, 2) for step in (0, 1)]
    assert rates == [learning_rate("step", config.learning_rate, 2, 3, 0.0)] * 2


def test_held_back_images_are_validated_with_and_not_trained_on(data):
    training, validation = hold_back(data, 20)
    assert len(training.train_images) == 76 and len(validation.test_images) == 20
    both = np.concatenate([training.train_images, validation.test_images])
    assert sorted(image.tobytes() for image in both) == sorted(image.tobytes() for image in data.train_images)
    assert sorted([*training.train_labels, *validation.test_labels]) == sorted(data.train_labels)
    rows = {image.tobytes(): label for image, label in zip(data.train_images, data.train_labels)}
    assert all(rows[image.tobytes()] == label for image, label in zip(validation.test_images, validation.test_labels))
