"""Noise-aware training: what the noise is, where the gradient is taken, and what clipping leaves."""

import numpy as np
import pytest

from refpcm.forms import find_forms
from refpcm.spec import network as reference
from refpcm.spec import random
from refpcm.spec.nn import cross_entropy
from refpcm.spec.resnet import build, crossbar_layers
from refpcm.spec.training.clipping import clip, clip_bound, clip_parameters
from refpcm.spec.training.config import override, preset
from refpcm.spec.training.sgd import decayed_names
from refpcm.spec.training.step import noisy_weights
from refpcm.spec.training.weight_noise import layer_parts, noisy_parameters, weight_noise
from refpcm.training import loop
from tests.training.steps import one_step

NETWORK = build("tiny-resnet8")


def fresh(**changes):
    choices = {"kernels": "numpy", "batch_size": 8, "clip_sigma": None, **changes}
    return loop.start(override(preset("demo"), choices, "test"), 10, "data")


def batch(seed=0):
    draw = np.random.default_rng(seed)
    return draw.standard_normal((8, 3, 32, 32)).astype(np.float32), draw.integers(0, 10, 8)


def test_additive_noise_is_the_formula():
    w, z = np.array([0.5, -2.0, 1.0]), np.array([1.0, -1.0, 0.5])
    assert np.allclose(weight_noise(w, 2.0, 0.05, z), [0.6, -2.1, 1.05], rtol=1e-15)


def test_every_crossbar_weight_is_noisy_with_eta_w_max_and_nothing_else():
    """Standard deviation of 361,722 draws: 1 % off would be 8 standard errors."""
    network, eta = build("joshi2020-resnet32"), 0.038
    state = loop.start(override(preset("joshi2020-cifar10"), {}, "test"), 10, "data")
    noisy = noisy_parameters(network, state.parameters, eta, 3, 7)
    z = []
    for _, names in layer_parts(network, state.parameters):
        w_max = max(np.abs(state.parameters[name]).max() for name in names)
        z += [((noisy[name] - state.parameters[name]) / (eta * w_max)).ravel() for name in names]
    z = np.concatenate(z)
    assert len(z) == 361_722
    assert abs(z.mean()) < 5 / np.sqrt(len(z)) and abs(z.std() - 1) < 5 / np.sqrt(2 * len(z))
    crossbar = {name for _, names in layer_parts(network, state.parameters) for name in names}
    assert crossbar == {f"{layer.name}.weight" for layer in crossbar_layers(network)} | {"fc.bias"}
    assert all(noisy[name] is value for name, value in state.parameters.items() if name not in crossbar)


def test_noise_is_fresh_for_every_step_and_addressed_by_the_weight():
    state = fresh()
    first, again, next_step, other_seed = (noisy_parameters(NETWORK, state.parameters, 0.1, seed, step)["conv1.weight"]
                                           for seed, step in ((0, 5), (0, 5), (0, 6), (1, 5)))
    assert np.array_equal(first, again)
    assert not np.any(first == next_step) and not np.any(first == other_seed)
    w = state.parameters["conv1.weight"]
    z = random.normals(0, 0, random.Purpose.WEIGHT_NOISE, 0, 5, 0, w.size, np.float32).reshape(w.shape)
    assert np.array_equal(first, weight_noise(w, float(np.abs(w).max()), 0.1, z))


@pytest.mark.parametrize("backward", ["noisy", "clean"])
def test_the_update_goes_to_the_clean_weights_with_the_gradient_of_the_noisy_forward(backward):
    """I-2: one step by hand, with the specification, against the loop's."""
    state = fresh(weight_noise=0.1, backward=backward, momentum=0.0, weight_decay=0.0)
    clean = {name: value.copy() for name, value in state.parameters.items()}
    images, labels = batch()
    noisy = noisy_parameters(NETWORK, clean, 0.1, 0, 0)
    logits, tape = reference.forward(NETWORK, noisy, images, training=True)
    dlogits = cross_entropy(logits, labels)[1]
    gradients = reference.backward(NETWORK, noisy if backward == "noisy" else clean, tape, dlogits)
    one_step(state, find_forms("numpy").make_engine(NETWORK), decayed_names(clean, "weights"), images, labels, 0.5)
    for name, gradient in gradients.items():
        assert np.array_equal(state.parameters[name], clean[name] - np.float32(0.5) * gradient), name


def test_the_two_readings_of_the_backward_pass_differ():
    updated = []
    for backward in ("noisy", "clean"):
        state = fresh(weight_noise=0.1, backward=backward)
        one_step(state, find_forms("numpy").make_engine(NETWORK), set(), *batch(), 0.5)
        updated.append(state.parameters)
    assert not np.array_equal(updated[0]["conv1.weight"], updated[1]["conv1.weight"])
    assert np.array_equal(updated[0]["fc.weight"], updated[1]["fc.weight"])  # its gradient needs no weights


def test_clipping_bounds_each_layer_at_alpha_population_sigmas():
    w = np.array([0.0, 0.0, 0.0, 4.0])  # population sigma sqrt(3)
    assert clip_bound([w], 2.0) == pytest.approx(2 * 3 ** 0.5, rel=1e-15)
    assert clip(w, 3.0).tolist() == [0, 0, 0, 3] and clip(-w, 3.0).tolist() == [0, 0, 0, -3]
    state = fresh()
    before = {name: value.copy() for name, value in state.parameters.items()}
    clip_parameters(NETWORK, state.parameters, 1.5)
    for _, names in layer_parts(NETWORK, before):
        bound = clip_bound([before[name] for name in names], 1.5)
        assert max(np.abs(state.parameters[name]).max() for name in names) == np.float32(bound)
        for name in names:
            inside = np.abs(before[name]) <= np.float32(bound)
            assert np.array_equal(state.parameters[name][inside], before[name][inside])
    assert np.array_equal(state.parameters["bn1.weight"], before["bn1.weight"])


def test_a_step_with_clipping_leaves_no_weight_beyond_the_bound():
    state = fresh(weight_noise=0.038, clip_sigma=2.0)
    one_step(state, find_forms("numpy").make_engine(NETWORK), set(), *batch(), 0.5)
    w = state.parameters["layer1.0.conv1.weight"]
    assert np.abs(w).max() < 2.3 * w.std()  # sigma itself shrinks a little by clipping


@pytest.mark.parametrize("kind", ["additive", "multiplicative", "state-dependent"])
def test_noise_on_inner_layers_is_the_same_noise_without_the_first_and_the_last_layer(kind):
    """The paper's second ImageNet result: first and last layer are digital, in training, too."""
    state = fresh(weight_noise=0.1, noise_kind=kind)
    inner = override(state.config, {"noise_layers": "inner"}, "test")
    every, some = (noisy_weights(config, NETWORK, state.parameters, 3) for config in (state.config, inner))
    for name, value in state.parameters.items():
        digital = name in ("conv1.weight", "fc.weight", "fc.bias")
        assert np.array_equal(some[name], value if digital else every[name]), name
    assert not np.array_equal(every["fc.weight"], some["fc.weight"])
