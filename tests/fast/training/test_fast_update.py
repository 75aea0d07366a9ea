"""SGD, weight noise and clipping in one kernel call each: the same bits as their specifications."""

import numpy as np
import pytest

from refpcm.fast.training import update as fast_update
from refpcm.forms import find_forms
from refpcm.spec.resnet import build, initial_parameters
from refpcm.spec.training.clipping import clip_bound, clip_parameters
from refpcm.spec.training.sgd import decayed_names, update, zero_velocities
from refpcm.spec.training.weight_noise import layer_parts, noisy_parameters
from refpcm.spec.training.weight_noise_kinds import multiplicative_parameters
from tests.threads import on_threads

NETWORK = build("joshi2020-resnet32")


@pytest.fixture
def state():
    rng = np.random.default_rng(0)
    parameters = initial_parameters(NETWORK, lambda index, count: rng.standard_normal(count))
    velocity = {name: rng.standard_normal(v.shape, np.float32) for name, v in zero_velocities(parameters).items()}
    gradients = {name: rng.standard_normal(v.shape).astype(np.float32) for name, v in velocity.items()}
    return parameters, gradients, velocity


def copy(arrays):
    return {name: value.copy() for name, value in arrays.items()}


def assert_same_bits(a, b):
    assert list(a) == list(b)
    assert [name for name in a if a[name].tobytes() != b[name].tobytes()] == []


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("decayed", ["weights", "all"])
def test_sgd_has_the_bits_of_the_specification(state, nesterov, decayed):
    parameters, gradients, velocity = state
    arguments = decayed_names(parameters, decayed), 0.037, 0.9, nesterov, 5e-4
    wanted, wanted_velocity = copy(parameters), copy(velocity)
    for _ in range(3):
        update(wanted, gradients, wanted_velocity, *arguments)
        fast_update.update(parameters, gradients, velocity, *arguments)
    assert_same_bits(parameters, wanted)
    assert_same_bits(velocity, wanted_velocity)


def test_noise_has_the_bits_of_the_specification_and_leaves_the_clean_weights_alone(state):
    parameters, _, _ = state
    clean = copy(parameters)
    for seed, step in ((0, 0), (2 ** 32 - 1, 70_000)):
        wanted = noisy_parameters(NETWORK, parameters, 0.038, seed, step)
        assert_same_bits(fast_update.noisy_parameters(NETWORK, parameters, 0.038, seed, step), wanted)
        wanted = multiplicative_parameters(NETWORK, parameters, 0.1, seed, step)
        assert_same_bits(fast_update.multiplicative_parameters(NETWORK, parameters, 0.1, seed, step), wanted)
    assert_same_bits(parameters, clean)


@pytest.mark.parametrize("alpha", [0.5, 2.0, 2.5])
def test_clipping_has_the_bits_of_the_specification(state, alpha):
    parameters, _, _ = state
    wanted = copy(parameters)
    clip_parameters(NETWORK, wanted, alpha)
    fast_update.clip_parameters(NETWORK, parameters, alpha)
    assert_same_bits(parameters, wanted)


def moments(w):
    return np.array([w.sum(dtype=np.float64), np.square(w, dtype=np.float64).sum()])


def test_a_bound_that_the_order_of_additions_could_decide_comes_from_the_specification(monkeypatch):
    """Equal weights: sigma is rounding alone. Otherwise the specification is not asked."""
    asked = []
    monkeypatch.setattr(fast_update.clipping, "clip_bound",
                        lambda w, alpha: asked.append(alpha) or clip_bound(w, alpha))
    equal = np.full(1000, 0.1, np.float32)
    assert fast_update.bound([equal], moments(equal), 2.0) == np.float32(clip_bound([equal], 2.0))
    assert asked == [2.0]
    usual = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    assert fast_update.bound([usual], moments(usual), 2.0) == np.float32(clip_bound([usual], 2.0))
    assert asked == [2.0]


def test_what_is_not_a_number_is_treated_as_the_specification_does(state):
    parameters, _, _ = state
    parameters["conv1.weight"][0, 0, 0] = np.nan, -np.inf, np.inf
    wanted = noisy_parameters(NETWORK, parameters, 0.1, 0, 0)
    noisy = fast_update.noisy_parameters(NETWORK, parameters, 0.1, 0, 0)
    assert all(np.array_equal(noisy[name], wanted[name], equal_nan=True) for name in wanted)
    wanted = copy(parameters)
    with np.errstate(invalid="ignore"):
        clip_parameters(NETWORK, wanted, 2.0)
        fast_update.clip_parameters(NETWORK, parameters, 2.0)
    assert all(np.array_equal(parameters[name], wanted[name], equal_nan=True) for name in wanted)


def test_other_types_and_layouts_are_left_to_the_specification(state):
    parameters, gradients, velocity = state
    parameters = {name: np.asfortranarray(value, np.float64) for name, value in parameters.items()}
    velocity = {name: value.astype(np.float64) for name, value in velocity.items()}
    wanted, wanted_velocity = copy(parameters), copy(velocity)
    for rules, w, v in ((find_forms("numpy").rules, wanted, wanted_velocity), (fast_update, parameters, velocity)):
        rules.update(w, gradients, v, set(), 0.1, 0.9, True, 0.0)
        rules.clip_parameters(NETWORK, w, 2.0)
    assert_same_bits(parameters, wanted)
    assert_same_bits(fast_update.noisy_parameters(NETWORK, parameters, 0.1, 1, 2),
                     noisy_parameters(NETWORK, wanted, 0.1, 1, 2))
    assert_same_bits(fast_update.multiplicative_parameters(NETWORK, parameters, 0.1, 1, 2),
                     multiplicative_parameters(NETWORK, wanted, 0.1, 1, 2))


def test_the_number_of_threads_has_no_say(state):
    def updated():
        parameters, gradients, velocity = (copy(part) for part in state)
        fast_update.update(parameters, gradients, velocity, set(), 0.1, 0.9, True, 0.0)
        fast_update.clip_parameters(NETWORK, parameters, 2.0)
        return {**parameters, **fast_update.noisy_parameters(NETWORK, parameters, 0.1, 0, 3)}
    assert_same_bits(*on_threads((1, 2), updated))


def test_every_crossbar_tensor_has_its_own_stretch_of_the_layers_random_numbers(state):
    """The linear layer's biases follow its weights."""
    parameters, _, _ = state
    names = [names for _, names in layer_parts(NETWORK, parameters)]
    assert names[-1] == ["fc.weight", "fc.bias"] and all(len(layer) == 1 for layer in names[:-1])
    same = {**parameters, "fc.weight": np.ones_like(parameters["fc.weight"]), "fc.bias": np.ones(10, np.float32)}
    noisy = fast_update.noisy_parameters(NETWORK, same, 0.1, 0, 0)
    assert len(np.unique(np.concatenate([noisy["fc.weight"].ravel(), noisy["fc.bias"]]))) > 560
