"""Training with frozen batch norm: the statistics stay, the gradient takes them for constants, all else is as ever."""

import dataclasses

import numpy as np
import pytest

from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.forms import find_forms
from refpcm.spec.resnet import build
from refpcm.spec.training.config import TrainingConfig
from refpcm.training import loop
from refpcm.training.outcome import outcome

CONFIG = TrainingConfig(epochs=2.0, batch_size=8, learning_rate=0.005, schedule="constant", weight_noise=0.038,
                        batch_norm="frozen", average_epochs=1.0)
NETWORK = build(CONFIG.architecture, 10)


@pytest.fixture(scope="module")
def data():
    """24 built-in images."""
    whole = load()
    return dataclasses.replace(whole, train_images=whole.train_images[:24], train_labels=whole.train_labels[:24])


def begun(config, data):
    """A state whose statistics are those of its images, as of a network that was trained."""
    state = loop.start(config, 10, "data")
    forms = find_forms("direct")
    engine, images = forms.make_engine(NETWORK), forms.normalised(data.train_images, data.mean, data.std)
    engine.forward(state.parameters, images, training=True)
    for name, (mean, var, _) in engine.statistics.items():
        state.parameters[f"{name}.running_mean"] = mean.astype(np.float32)
        state.parameters[f"{name}.running_var"] = var.astype(np.float32)
    return state


def run(state, data):
    losses = []
    loop.train(state, data, lambda state, total: False, lambda state, record: losses.append(record["train_loss"]))
    return losses


def test_the_specification_too_wants_a_training_pass_just_before_the_backward_pass(data):
    engine, state = find_forms("numpy").make_engine(NETWORK), loop.start(CONFIG, 10, "data")
    images = np.zeros((2, 3, 32, 32), np.float32)
    engine.forward(state.parameters, images, training=True)
    engine.forward(state.parameters, images)
    with pytest.raises(RefpcmError, match="just before it"):
        engine.backward(state.parameters, np.zeros((2, 10), np.float32))


@pytest.mark.parametrize("place", ["inputs", "pre-activations"])
def test_noise_on_activations_is_that_of_the_specification(place, data):
    losses = [run(begun(dataclasses.replace(CONFIG, kernels=kernels, noise_kind=place, epochs=1.0), data), data)
              for kernels in ("numpy", "direct")]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)


@pytest.fixture(scope="module")
def runs(data):
    """{kernels: (state at its end, its losses)}"""
    states = {kernels: begun(dataclasses.replace(CONFIG, kernels=kernels), data) for kernels in ("numpy", "direct")}
    return {kernels: (state, run(state, data)) for kernels, state in states.items()}


def statistics_of(parameters):
    return {name: value for name, value in parameters.items() if ".running_" in name}


@pytest.mark.parametrize("kernels", ["numpy", "direct"])
def test_the_statistics_stay_to_the_bit_in_the_steps_and_in_the_averaged_network(runs, data, kernels):
    state, before = runs[kernels][0], statistics_of(begun(CONFIG, data).parameters)
    averaged = outcome(state, find_forms(kernels).make_engine(NETWORK), data)
    for after in (state.parameters, averaged):
        assert all(np.array_equal(statistics_of(after)[name], value) for name, value in before.items())
    assert any(np.any(averaged[name] != state.parameters[name]) for name in state.velocity)  # it is a mean


def test_the_network_learns_and_the_fast_kernels_as_the_specification(runs):
    (exact, exact_losses), (fast, losses) = runs["numpy"], runs["direct"]
    assert losses[-1] < 0.97 * losses[0]
    np.testing.assert_allclose(losses, exact_losses, rtol=1e-3)
    start = loop.start(CONFIG, 10, "data").parameters
    for name in exact.velocity:
        change = exact.parameters[name] - start[name]
        assert np.linalg.norm(change - (fast.parameters[name] - start[name])) <= 0.02 * np.linalg.norm(change), name


def test_the_step_is_another_than_with_the_statistics_of_the_batch(runs, data):
    other = begun(dataclasses.replace(CONFIG, batch_norm="batch"), data)
    run(other, data)
    assert np.any(other.parameters["conv1.weight"] != runs["direct"][0].parameters["conv1.weight"])
