"""The paper's other kinds of noise: what each is, where its gradient goes, and that its numbers have addresses."""

from math import pi, sqrt

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.forms import find_forms
from refpcm.spec import network as reference
from refpcm.spec import nn, random
from refpcm.spec.nn import cross_entropy
from refpcm.spec.pcm.chip import program
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.pcm.mapping import to_weights
from refpcm.spec.resnet import (
    IMAGE,
    Add,
    BatchNorm,
    Conv2d,
    GlobalAveragePool,
    Linear,
    Network,
    ReLU,
    build,
    initial_parameters,
)
from refpcm.spec.training.config import TrainingConfig, override, preset
from refpcm.spec.training.image_noise import image_noise
from refpcm.spec.training.step import noisy_weights
from refpcm.spec.training.weight_noise import layer_parts
from refpcm.spec.training.weight_noise_kinds import (
    multiplicative_noise,
    multiplicative_parameters,
    programmed_parameters,
    state_dependent_noise,
)
from refpcm.training import loop
from tests.spec.gradients import assert_numeric
from tests.training.steps import one_step

NETWORK = build("tiny-resnet8")
SIGMA_0, SIGMA_1 = 0.26348 / 25, (0.26348 + 1.9650 - 1.1731) / 25  # of the device at g = 0 and g = 1, over G_max
HALF_NORMAL_MEAN, HALF_NORMAL_VARIANCE = 1 / sqrt(2 * pi), 1 / 2 - 1 / (2 * pi)  # of max(z, 0)


def config(**changes):
    return override(preset("demo"), {"kernels": "numpy", "batch_size": 8, "clip_sigma": None, **changes}, "test")


def fresh(**changes):
    return loop.start(config(**changes), 10, "data")


def batch(seed=0, n=8):
    draw = np.random.default_rng(seed)
    return draw.standard_normal((n, 3, 32, 32)).astype(np.float32), draw.integers(0, 10, n)


# --- weights

def test_multiplicative_noise_is_the_formula_and_leaves_zeros_alone():
    w, z = np.array([0.5, -2.0, 0.0]), np.array([1.0, -1.0, 3.0])
    assert np.allclose(multiplicative_noise(w, 0.1, z), [0.55, -1.8, 0.0], rtol=1e-15)


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("sign", [1, -1])
def test_state_dependent_noise_of_the_largest_weight_is_that_of_two_devices(scale, sign):
    """G+ has the polynomial's sigma at g = 1, the idle G- is max(sigma(0) z, 0): half a normal distribution."""
    n = 200_000
    z = np.random.default_rng(1).standard_normal((2, n))
    change = state_dependent_noise(np.full(n, 3.0 * sign), 3.0, scale, z) / 3.0 - sign
    variance = SIGMA_1 ** 2 + SIGMA_0 ** 2 * HALF_NORMAL_VARIANCE
    assert change.mean() == pytest.approx(-sign * scale * SIGMA_0 * HALF_NORMAL_MEAN, abs=5 * SIGMA_1 / sqrt(n))
    assert change.std() == pytest.approx(scale * sqrt(variance), rel=5 / sqrt(2 * n))


def test_state_dependent_noise_of_a_zero_weight_is_that_of_two_idle_devices():
    n = 200_000
    noisy = state_dependent_noise(np.zeros(n), 3.0, 1.0, np.random.default_rng(1).standard_normal((2, n))) / 3.0
    assert abs(noisy.mean()) < 5 * SIGMA_0 / sqrt(n)
    assert noisy.std() == pytest.approx(SIGMA_0 * sqrt(2 * HALF_NORMAL_VARIANCE), rel=0.02)


def test_state_dependent_noise_of_scale_one_gives_the_weights_of_a_chip_right_after_programming():
    matrix = np.random.default_rng(1).standard_normal((30, 20))
    crossbar = program({"matrix": matrix}, JOSHI2020, 5, 6, dtype=np.float64).crossbars[0]
    z = random.normals(5, 6, random.Purpose.PROGRAMMING, 0, 0, 0, 2 * matrix.size).reshape(2, *matrix.shape)
    on_chip = to_weights(crossbar.g_prog_us, crossbar.w_max, JOSHI2020.g_max_us)
    assert np.array_equal(state_dependent_noise(matrix, crossbar.w_max, 1.0, z), on_chip)


def test_state_dependent_noise_of_scale_zero_is_none_and_of_an_all_zero_layer_is_zero():
    w = np.random.default_rng(1).standard_normal(50)
    z = np.random.default_rng(2).standard_normal((2, 50))
    assert np.allclose(state_dependent_noise(w, float(np.abs(w).max()), 0.0, z), w, rtol=1e-15)
    assert not state_dependent_noise(np.zeros(50), 0.0, 1.0, z).any()


@pytest.mark.parametrize("change", [multiplicative_parameters, programmed_parameters])
def test_noise_on_the_weights_is_fresh_each_step_and_on_every_crossbar_weight_alone(change):
    parameters = fresh().parameters
    parameters["fc.bias"] += 0.1
    first, again, next_step, other_seed = (change(NETWORK, parameters, 0.5, seed, step)
                                           for seed, step in ((0, 5), (0, 5), (0, 6), (1, 5)))
    crossbar = {name for _, names in layer_parts(NETWORK, parameters) for name in names}
    assert "fc.bias" in crossbar
    for name, value in parameters.items():
        if name in crossbar:
            assert first[name].dtype == np.float32 and first[name].shape == value.shape
            assert np.array_equal(first[name], again[name])
            for other in (value, next_step[name], other_seed[name]):
                assert np.mean(first[name] == other) < 0.01, name
        else:
            assert first[name] is value


def test_numbers_of_the_noise_on_weights_are_addressed_by_layer_step_and_weight():
    def of_the_last_layer(parameters):
        return np.concatenate([parameters["fc.weight"].ravel(), parameters["fc.bias"]])

    parameters, last = fresh().parameters, len(layer_parts(NETWORK, fresh().parameters)) - 1
    parameters["fc.bias"] += 0.1
    w = of_the_last_layer(parameters)
    z = random.normals(4, 0, random.Purpose.WEIGHT_NOISE, last, 9, 0, w.size, np.float32)
    noisy = multiplicative_parameters(NETWORK, parameters, 0.1, 4, 9)
    assert np.array_equal(of_the_last_layer(noisy), multiplicative_noise(w, 0.1, z))
    z = random.normals(4, 0, random.Purpose.PROGRAMMING_NOISE, last, 9, 0, 2 * w.size).reshape(2, -1)
    noisy = programmed_parameters(NETWORK, parameters, 0.7, 4, 9)
    assert np.array_equal(of_the_last_layer(noisy), state_dependent_noise(w, float(np.abs(w).max()), 0.7, z))


@pytest.mark.parametrize("kind", ["multiplicative", "state-dependent"])
@pytest.mark.parametrize("backward", ["noisy", "clean"])
def test_the_gradient_at_the_noisy_weights_goes_to_the_clean_ones_as_it_is(kind, backward):
    """I-2 and I-13: one step by hand, with the specification, against the loop's."""
    state = fresh(weight_noise=0.5, noise_kind=kind, backward=backward, momentum=0.0, weight_decay=0.0)
    clean = {name: value.copy() for name, value in state.parameters.items()}
    images, labels = batch()
    noisy = noisy_weights(state.config, NETWORK, clean, 0)
    logits, tape = reference.forward(NETWORK, noisy, images, training=True)
    dlogits = cross_entropy(logits, labels)[1]
    gradients = reference.backward(NETWORK, noisy if backward == "noisy" else clean, tape, dlogits)
    one_step(state, find_forms("numpy").make_engine(NETWORK), set(), images, labels, 0.5)
    for name, gradient in gradients.items():
        assert np.array_equal(state.parameters[name], clean[name] - np.float32(0.5) * gradient), name


# --- weights of each image (I-23)

def test_each_image_has_noise_of_its_own_on_all_weights_of_a_layer():
    state = fresh(weight_noise=0.1, noise_kind="additive-per-image", seed=7)
    state.parameters["fc.bias"] += 0.1
    images = batch(n=3)[0]
    values = reference.forward(NETWORK, state.parameters, images, True, image_noise(state.config, NETWORK, 11))[1].values

    def noisy(number, *names):
        parts = [state.parameters[name] for name in names]
        w_max, size = max(np.abs(part).max() for part in parts), sum(part.size for part in parts)
        for n in range(3):
            z = random.normals(7, 0, random.Purpose.WEIGHT_NOISE, number, 11, n * size, size, np.float32)
            yield [part + np.float32(0.1 * float(w_max)) * own.reshape(part.shape)
                   for part, own in zip(parts, np.split(z, [parts[0].size]))]

    for n, (w,) in enumerate([w[:1] for w in noisy(0, "conv1.weight")]):
        assert np.array_equal(values["conv1"][n], nn.conv2d_forward(images[n:n + 1], w, 1, 1)[0])
    for n, (w, bias) in enumerate(noisy(len(layer_parts(NETWORK, state.parameters)) - 1, "fc.weight", "fc.bias")):
        np.testing.assert_allclose(values["fc"][n], w @ values["avgpool"][n] + bias, rtol=1e-5)


def test_for_one_image_it_is_the_noise_of_a_mini_batch():
    parameters, images = fresh().parameters, batch(n=1)[0]
    each = image_noise(config(weight_noise=0.1, noise_kind="additive-per-image"), NETWORK, 4)
    shared = noisy_weights(config(weight_noise=0.1), NETWORK, parameters, 4)
    assert np.array_equal(reference.forward(NETWORK, parameters, images, True, each)[0],
                          reference.forward(NETWORK, shared, images, True)[0])


def test_the_inner_layers_alone_may_have_it():
    noise = image_noise(config(weight_noise=0.1, noise_kind="additive-per-image", noise_layers="inner"), NETWORK, 4)
    parameters, images = fresh().parameters, batch(n=2)[0]
    noisy, clean = (reference.forward(NETWORK, parameters, images, True, what)[1].values for what in (noise, None))
    assert np.array_equal(noisy["conv1"], clean["conv1"]) and not np.array_equal(noisy["layer1.0.conv1"], clean["layer1.0.conv1"])
    assert np.array_equal(noisy["fc"], nn.linear_forward(noisy["avgpool"], parameters["fc.weight"], parameters["fc.bias"]))


def test_its_gradient_is_that_of_the_noisy_outputs_through_the_clean_weights():
    state = fresh(weight_noise=0.1, noise_kind="additive-per-image", momentum=0.0, weight_decay=0.0)
    clean = {name: value.copy() for name, value in state.parameters.items()}
    images, labels = batch()
    logits, tape = reference.forward(NETWORK, clean, images, True, image_noise(state.config, NETWORK, 0))
    gradients = reference.backward(NETWORK, clean, tape, cross_entropy(logits, labels)[1])
    one_step(state, find_forms("numpy").make_engine(NETWORK), set(), images, labels, 0.5)
    for name, gradient in gradients.items():
        assert np.array_equal(state.parameters[name], clean[name] - np.float32(0.5) * gradient), name


# --- activations

def test_noise_on_a_tensor_is_the_formula():
    x, z = np.array([[1.0, -4.0], [0.0, 2.0]]), np.array([[1.0, 1.0], [-1.0, 0.5]])
    assert np.allclose(nn.add_noise(x, 0.1, z), [[1.4, -3.6], [-0.4, 2.2]], rtol=1e-15)
    assert not nn.add_noise(np.zeros(4, np.float32), 0.1, np.ones(4, np.float32)).any()


@pytest.mark.parametrize("kind", ["inputs", "pre-activations"])
def test_every_crossbar_layer_has_noise_of_eta_times_its_largest_magnitude_and_no_other_layer(kind):
    state, eta = fresh(weight_noise=0.05, noise_kind=kind), 0.05
    noise = image_noise(state.config, NETWORK, 3)
    images = batch()[0]
    tape = reference.forward(NETWORK, state.parameters, images, True, noise)[1]
    crossbars = [layer for layer in NETWORK.layers if isinstance(layer, (Conv2d, Linear))]
    for layer in NETWORK.layers:
        inputs = [tape.values[name] for name in layer.inputs]
        if layer not in crossbars:
            silent = reference.FORWARD[type(layer)](layer, inputs, state.parameters, reference.Tape(True))
            assert np.array_equal(tape.values[layer.name], silent), layer.name
            continue
        if kind == "inputs":
            clean, noisy = inputs[0], tape.noisy_inputs[layer.name]
        else:
            clean = reference.FORWARD[type(layer)](layer, inputs, state.parameters, reference.Tape(True))
            noisy = tape.values[layer.name]
        z = (noisy - clean).astype(np.float64) / (eta * np.abs(clean).max())
        assert abs(z.mean()) < 5 / sqrt(z.size) and abs(z.std() - 1) < 5 / sqrt(2 * z.size) + 1e-4, layer.name
        wanted = noise.normals(layer.name, clean.shape)
        assert np.allclose(z, wanted, atol=2e-4 / eta), layer.name
    assert set(tape.noisy_inputs) == ({layer.name for layer in crossbars} if kind == "inputs" else set())


@pytest.mark.parametrize("kind, purpose", [("inputs", 5), ("pre-activations", 6)])
def test_numbers_of_the_noise_on_activations_are_addressed_by_layer_step_image_and_element(kind, purpose):
    noise = image_noise(config(weight_noise=0.1, noise_kind=kind, seed=8), NETWORK, 11)
    z = noise.normals("layer1.0.conv2", (5, 16, 4, 4))
    assert noise.numbers["layer1.0.conv2"] == 2
    assert np.array_equal(z[3, 2, 1], random.normals(8, 0, purpose, 2, 11, ((3 * 16 + 2) * 4 + 1) * 4, 4, np.float32))


def test_without_strength_or_for_noise_on_weights_there_is_none_on_activations():
    assert image_noise(config(weight_noise=0.0, noise_kind="inputs"), NETWORK, 0) is None
    assert image_noise(config(weight_noise=0.1), NETWORK, 0) is None
    parameters = fresh().parameters
    for kind in ("inputs", "pre-activations"):
        assert noisy_weights(config(weight_noise=0.1, noise_kind=kind), NETWORK, parameters, 0) is parameters


def small():
    """A projection and a main path that read the same tensor, each with noise of its own."""
    layers = (Conv2d("conv1", (IMAGE,), 2, 2, 3, 1, 1), BatchNorm("bn1", ("conv1",), 2), ReLU("relu", ("bn1",)),
              Conv2d("conv2", ("relu",), 2, 4, 3, 2, 1), BatchNorm("bn2", ("conv2",), 4),
              Conv2d("down", ("relu",), 2, 4, 1, 2, 0), BatchNorm("skip", ("down",), 4),
              Add("add", ("bn2", "skip")), ReLU("relu2", ("add",)), GlobalAveragePool("avgpool", ("relu2",)),
              Linear("fc", ("avgpool",), 4, 3))
    return Network("small", layers, (2, 6, 6))


class Fixed:
    """Noise of given size, whatever the tensor's largest magnitude: what the gradient takes it for (I-12)."""
    eta = 0.3

    def __init__(self, place):
        self.place = place

    def normals(self, name, shape):
        return np.random.default_rng(len(name)).standard_normal(shape)


@pytest.mark.parametrize("place", ["inputs", "pre-activations"])
def test_every_gradient_of_a_network_with_noisy_activations_is_numeric(place, monkeypatch):
    monkeypatch.setattr(nn, "add_noise", lambda x, eta, z: x + eta * z)
    network, draw = small(), np.random.default_rng(3)
    parameters = {name: value + 0.1 for name, value in
                  initial_parameters(network, lambda index, count: draw.standard_normal(count), np.float64).items()}
    images, labels = draw.standard_normal((3, 2, 6, 6)), np.array([0, 2, 1])

    def loss():
        return nn.cross_entropy(reference.forward(network, parameters, images, True, Fixed(place))[0], labels)[0]

    logits, tape = reference.forward(network, parameters, images, True, Fixed(place))
    gradients = reference.backward(network, parameters, tape, nn.cross_entropy(logits, labels)[1])
    gradients[IMAGE], targets = tape.gradients[IMAGE], {**parameters, IMAGE: images}
    assert_numeric(gradients, targets, loss)


# --- configuration

@pytest.mark.parametrize("values, words", [
    ({"noise_kind": "gaussian"}, "noise_kind = 'gaussian' must be one of additive, additive-per-image, multiplicative"),
    ({"noise_kind": "additive-per-image", "backward": "noisy"}, "backward = 'noisy' must be clean where noise_kind is"),
    ({"noise_kind": "additive-per-image", "weight_noise": 0.1, "batch_parts": 2}, "batch_parts = 2 must be 1 where"),
    ({"noise_kind": "additive-per-image", "weight_noise": 1.5}, "weight_noise = 1.5 must be below 1"),
    ({"noise_kind": 3}, "noise_kind must be of type str"),
    ({"weight_precision": "8-bit"}, "weight_precision = '8-bit' must be one of float, 4-bit, ternary"),
    ({"weight_precision": 4}, "weight_precision must be of type str"),
    ({"noise_kind": "inputs", "weight_noise": -0.1}, "weight_noise"),
])
def test_a_bad_choice_is_refused_in_one_sentence(values, words):
    with pytest.raises(RefpcmError, match=f"here: {words}"):
        override(TrainingConfig(), values, "here")
