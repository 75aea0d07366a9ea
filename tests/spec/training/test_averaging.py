"""Averaged weights: what the mean is of, batch norm's statistics after it, checkpoints, and that it helps."""

import dataclasses

import numpy as np
import pytest

from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.files.checkpoints import load_checkpoint, save_checkpoint
from refpcm.forms import find_forms
from refpcm.spec import network as reference
from refpcm.spec.nn import cross_entropy, running_statistics
from refpcm.spec.resnet import build, crossbar_layers
from refpcm.spec.training.averaging import averaged_steps, empty_average, include
from refpcm.spec.training.config import TrainingConfig, override
from refpcm.spec.training.quantisation import quantised_parameters
from refpcm.spec.training.weight_noise import noisy_parameters
from refpcm.training import loop
from refpcm.training.outcome import outcome

CONFIG = TrainingConfig(epochs=4.0, batch_size=16, learning_rate=0.05, schedule="constant", average_epochs=1.5)
NETWORK = build(CONFIG.architecture, 10)
ENGINE = find_forms("direct").make_engine(NETWORK)
STEPS, PER_EPOCH = 24, 6  # of 96 images


@pytest.fixture(scope="module")
def data():
    """96 built-in images to train on, 40 to test."""
    whole = load()
    return dataclasses.replace(whole, train_images=whole.train_images[:96], train_labels=whole.train_labels[:96],
                               test_images=whole.test_images[:40], test_labels=whole.test_labels[:40])


def trained(data, config=CONFIG, stop_at=None, state=None):
    """The state at its end, or after step `stop_at`, and the learned parameters after every step."""
    state, after = state or loop.start(config, 10, "data"), []

    def watch(state, total):
        after.append({name: state.parameters[name].copy() for name in state.velocity})
        return state.step == stop_at

    loop.train(state, data, watch, lambda state, record: None)
    return state, after


def test_the_running_mean_is_the_mean():
    members = [{"w": np.float32(np.random.default_rng(k).normal(size=(3, 4)))} for k in range(50)]
    average = empty_average(members[0])
    for count, member in enumerate(members, 1):
        include(average, member, count)
    assert np.allclose(average["w"], np.mean([m["w"] for m in members], axis=0, dtype=float), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("epochs, wanted", [(0.0, 0), (0.5, 3), (2.0, 12), (4.0, 24), (9.0, 24)])
def test_as_many_of_the_last_steps_are_averaged_as_the_epochs_have(epochs, wanted):
    assert averaged_steps(dataclasses.replace(CONFIG, average_epochs=epochs), PER_EPOCH, STEPS) == wanted


def test_more_averaged_epochs_than_epochs_are_refused():
    with pytest.raises(RefpcmError, match="here: average_epochs = 9.0 must be at most the epochs of the run, 8"):
        override(TrainingConfig(), {"average_epochs": 9}, "here")


def test_a_run_ends_in_the_mean_of_its_last_weights_and_is_not_changed_by_it(data):
    state, after = trained(data)
    parameters = outcome(state, ENGINE, data)
    for name in state.velocity:
        mean = np.mean([weights[name] for weights in after[-9:]], axis=0, dtype=float)
        assert np.allclose(parameters[name], mean, rtol=1e-6, atol=1e-8), name
    plain, _ = trained(data, dataclasses.replace(CONFIG, average_epochs=0.0))
    assert all(np.array_equal(plain.parameters[name], value) for name, value in state.parameters.items())
    assert not plain.average


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_statistics_are_the_mean_over_the_last_epochs_batches(data, noise):
    """By the specification, from the definition: training mode on every batch, the weights of the outcome, the noise
    of the epoch's steps."""
    config = dataclasses.replace(CONFIG, weight_noise=noise, flip=False, crop_padding=0)
    state, _ = trained(data, config)
    parameters = outcome(state, ENGINE, data)
    order = loop.epoch_order(config, 3, 96)
    mean, std = (np.reshape(value, (3, 1, 1)) for value in (data.mean, data.std))
    sums = []
    for within in range(PER_EPOCH):
        images = (data.train_images[order[16 * within:16 * (within + 1)]] / 255.0 - mean) / std
        used = noisy_parameters(NETWORK, parameters, noise, 0, 18 + within) if noise else parameters
        sums.append(reference.forward(NETWORK, used, images.astype(np.float32), training=True)[1].statistics)
    for name in sums[0]:
        for running in running_statistics(name, sums[0][name]):
            wanted = np.mean([running_statistics(name, batch[name])[running] for batch in sums], axis=0)
            assert np.allclose(parameters[running], wanted, rtol=1e-4, atol=1e-5), running


@pytest.mark.slow
def test_the_mean_of_a_run_at_constant_learning_rate_fits_the_images_better_than_its_last_weights(data):
    """Mean loss over the training images, of eight runs. What single runs gain varies by 0.2: three are not enough.

    Slow, since it is about what averaging is good for; what it computes is held by the tests around it.
    """
    forms, losses = find_forms("direct"), []
    images = forms.normalised(data.train_images, data.mean, data.std)
    for seed in range(8):
        config = dataclasses.replace(CONFIG, epochs=12.0, learning_rate=0.3, average_epochs=4.0, flip=False,
                                     crop_padding=0, kernels="direct", seed=seed)
        state, _ = trained(data, config)
        engine = forms.make_engine(NETWORK)
        losses.append([cross_entropy(engine.forward(parameters, images), data.train_labels.astype(int))[0]
                       for parameters in (outcome(state, engine, data), state.parameters)])
    averaged, last = np.mean(losses, 0)
    assert averaged < last - 0.1, losses


@pytest.mark.parametrize("stop_at", [10, 15, 20])
def test_a_resumed_run_averages_the_same(data, tmp_path, stop_at):
    """Before the averaging begins, at its first step, and within it."""
    whole, _ = trained(data)
    save_checkpoint(tmp_path / "checkpoint", trained(data, stop_at=stop_at)[0])
    resumed, _ = trained(data, state=load_checkpoint(tmp_path / "checkpoint"))
    assert resumed.step == STEPS and len(resumed.average) == len(whole.velocity)
    assert all(np.array_equal(resumed.average[name], value) for name, value in whole.average.items())


def test_a_checkpoint_whose_mean_does_not_fit_is_refused(data, tmp_path):
    state, _ = trained(data)
    state.average.popitem()
    save_checkpoint(tmp_path / "checkpoint", state)
    with pytest.raises(RefpcmError, match="its averaged weights do not fit"):
        load_checkpoint(tmp_path / "checkpoint")


def test_quantised_networks_are_quantised_after_averaging(data):
    state, _ = trained(data, dataclasses.replace(CONFIG, weight_precision="ternary"))
    parameters = outcome(state, ENGINE, data)
    assert all(np.array_equal(value, parameters[name])
               for name, value in quantised_parameters(NETWORK, parameters, "ternary").items())
    for layer in crossbar_layers(NETWORK):
        assert len(np.unique(parameters[f"{layer.name}.weight"])) == 3
