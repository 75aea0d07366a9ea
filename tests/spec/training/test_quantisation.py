"""Straight-through training: the levels, and which weights the gradient and the update see."""

import numpy as np
import pytest

from refpcm.forms import find_forms
from refpcm.spec import network as reference
from refpcm.spec.nn import cross_entropy
from refpcm.spec.resnet import build
from refpcm.spec.training.config import override, preset
from refpcm.spec.training.quantisation import QUANTISERS, four_bit, quantised_parameters, ternary
from refpcm.spec.training.weight_noise import layer_parts, noisy_parameters
from refpcm.training import loop
from tests.training.steps import one_step

NETWORK = build("tiny-resnet8")
PRECISIONS = pytest.mark.parametrize("precision", QUANTISERS)


def fresh(**changes):
    values = {"kernels": "numpy", "batch_size": 8, "clip_sigma": None, "weight_noise": 0.0, **changes}
    return loop.start(override(preset("demo"), values, "test"), 10, "data")


def batch():
    draw = np.random.default_rng(0)
    return draw.standard_normal((8, 3, 32, 32)).astype(np.float32), draw.integers(0, 10, 8)


def layers(parameters):
    """The weights of every crossbar layer, biases included, in one array each."""
    return [np.concatenate([parameters[name].ravel() for name in names])
            for _, names in layer_parts(NETWORK, parameters)]


def test_four_bits_are_the_nearest_of_fifteen_levels_and_halves_go_to_the_even_one():
    w = np.array([-7.0, 7.0, 0.4, 0.6, 0.5, 1.5, 2.5, -3.49, -0.5])
    assert four_bit(w).tolist() == [-7, 7, 0, 1, 0, 2, 2, -3, 0]
    levels = np.unique(four_bit(np.random.default_rng(1).uniform(-3, 3, 10_000)))
    assert len(levels) == 15 and np.allclose(np.diff(levels), levels[-1] / 7) and np.array_equal(levels, -levels[::-1])


def test_ternary_weights_are_the_published_rule():
    w = np.array([0.1, -0.2, 1.0, -2.0, 0.7])  # mean 0.8, threshold 0.56, mean beyond it 3.7 / 3
    assert np.allclose(ternary(w), np.array([0, 0, 1, -1, 1]) * 3.7 / 3, rtol=1e-15)


@pytest.mark.parametrize("distribution", ["standard_normal", "uniform"])
def test_no_other_threshold_and_scale_come_much_closer_to_the_weights_than_the_ternary_rule(distribution):
    """Li, Zhang, Liu 2016: squared distance, within 1 % of the best of all thresholds, each with its best scale."""
    draw = np.random.default_rng(1)
    w = draw.standard_normal(20_000) if distribution == "standard_normal" else draw.uniform(-1, 1, 20_000)
    distances = []
    for threshold in np.linspace(0.02, 0.95, 94) * np.abs(w).max():
        kept = np.abs(w) > threshold
        if kept.any():
            distances.append(np.sum((w - np.sign(w) * kept * np.abs(w[kept]).mean()) ** 2))
    assert np.sum((w - ternary(w)) ** 2) < 1.01 * min(distances)


@PRECISIONS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quantising_keeps_type_and_shape_is_odd_and_does_nothing_the_second_time(precision, dtype):
    quantise = QUANTISERS[precision]
    w = np.random.default_rng(1).standard_normal((4, 5, 3, 3)).astype(dtype)
    once = quantise(w)
    assert once.dtype == dtype and once.shape == w.shape
    assert np.array_equal(quantise(-w), -once)
    assert np.allclose(quantise(once), once, rtol=4 * np.finfo(dtype).eps, atol=0)
    assert not quantise(np.zeros(3, dtype)).any()


@pytest.mark.parametrize("precision, levels", [("4-bit", 15), ("ternary", 3)])
def test_every_crossbar_layer_is_quantised_with_one_scale_and_nothing_else_is(precision, levels):
    parameters = fresh().parameters
    parameters["fc.bias"] += np.linspace(-0.3, 0.3, 10, dtype=np.float32)
    before = {name: value.copy() for name, value in parameters.items()}
    quantised = quantised_parameters(NETWORK, parameters, precision)
    for w, full in zip(layers(quantised), layers(before)):
        assert 3 <= len(np.unique(w)) <= levels and np.array_equal(w, QUANTISERS[precision](full))
    crossbar = {name for _, names in layer_parts(NETWORK, parameters) for name in names}
    for name, value in parameters.items():
        assert np.array_equal(value, before[name])
        assert name in crossbar or quantised[name] is value
    assert quantised_parameters(NETWORK, parameters, "float") is parameters


@PRECISIONS
def test_the_gradient_at_the_quantised_weights_goes_straight_through_to_those_of_full_precision(precision):
    """One step by hand, with the specification, against the loop's."""
    state = fresh(weight_precision=precision, momentum=0.0, weight_decay=0.0)
    full = {name: value.copy() for name, value in state.parameters.items()}
    images, labels = batch()
    quantised = quantised_parameters(NETWORK, full, precision)
    logits, tape = reference.forward(NETWORK, quantised, images, training=True)
    gradients = reference.backward(NETWORK, quantised, tape, cross_entropy(logits, labels)[1])
    one_step(state, find_forms("numpy").make_engine(NETWORK), set(), images, labels, 0.5)
    for name, gradient in gradients.items():
        assert np.array_equal(state.parameters[name], full[name] - np.float32(0.5) * gradient), name


def test_noise_comes_on_top_of_the_quantised_weights():
    state = fresh(weight_precision="4-bit", weight_noise=0.1, backward="clean")
    full = {name: value.copy() for name, value in state.parameters.items()}
    seen = []

    class Spy:
        network, statistics = NETWORK, {}

        def forward(self, parameters, images, training, noise, frozen):
            seen.append(parameters)
            return np.zeros((8, 10), np.float32)

        def backward(self, parameters, dlogits):
            seen.append(parameters)
            return {}

    one_step(state, Spy(), set(), *batch(), 0.5)
    quantised = quantised_parameters(NETWORK, full, "4-bit")
    for got, wanted in zip(seen, (noisy_parameters(NETWORK, quantised, 0.1, 0, 0), quantised)):
        assert all(np.array_equal(got[name], wanted[name]) for name in wanted)


def test_steps_far_smaller_than_a_level_add_up():
    """What straight-through training is for: the full-precision weights remember them."""
    state = fresh(weight_precision="ternary", momentum=0.0)
    engine, first = find_forms("numpy").make_engine(NETWORK), quantised_parameters(NETWORK, state.parameters, "ternary")
    for _ in range(3):
        one_step(state, engine, set(), *batch(), 0.01)
        state.step += 1
    after = quantised_parameters(NETWORK, state.parameters, "ternary")
    moved = sum(np.count_nonzero(np.sign(a) != np.sign(b)) for a, b in zip(layers(after), layers(first)))
    assert 0 < moved < 0.2 * sum(w.size for w in layers(first))
