"""Noise of each image in the lane layout: the same numbers as the specification's, wherever an image's lane is."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast.network.engine import Engine
from refpcm.spec import network as reference
from refpcm.spec import resnet
from refpcm.spec.training.image_noise import ImageNoise
from tests.threads import on_threads

NETWORK = resnet.build("tiny-resnet8")
NUMBERS = {layer.name: number for number, layer in enumerate(resnet.crossbar_layers(NETWORK))}
PLACES = pytest.mark.parametrize("place", ["inputs", "pre-activations", "weights"])


def noise(place, step=0, eta=0.05):
    return ImageNoise(place, eta, NUMBERS, 0, step)


def make(n, bias=8.0):
    """Parameters whose ReLUs are held open (see test_engine.py), images, dL/dlogits."""
    draw = np.random.default_rng(0)
    parameters = resnet.initial_parameters(NETWORK, lambda index, count: draw.standard_normal(count))
    for layer in NETWORK.layers:
        if isinstance(layer, resnet.BatchNorm):
            parameters[f"{layer.name}.bias"] += np.float32(bias)
    images = draw.standard_normal((n, 3, 16, 16)).astype(np.float32)
    return parameters, images, draw.standard_normal((n, 10)).astype(np.float32) / n


def step(engine, parameters, images, dlogits, what):
    return {"logits": engine.forward(parameters, images, training=True, noise=what),
            **engine.backward(parameters, dlogits)}


def relative(got, wanted):
    return np.abs(got - wanted).max() / np.abs(wanted).max()


@PLACES
@pytest.mark.parametrize("form", ["direct", "winograd"])
@pytest.mark.parametrize("n", [5, 20])
def test_a_noisy_training_step_equals_the_specification(place, form, n):
    parameters, images, dlogits = make(n)
    engine = Engine(NETWORK, form)
    got = step(engine, parameters, images, dlogits, noise(place))
    exact = {name: value.astype(np.float64) for name, value in parameters.items()}
    logits, tape = reference.forward(NETWORK, exact, images.astype(np.float64), True, noise(place))
    wanted = {"logits": logits, **reference.backward(NETWORK, exact, tape, dlogits.astype(np.float64))}
    assert relative(got["logits"], logits) < 2e-5
    for name, statistics in tape.statistics.items():
        for value, exact_value in zip(engine.statistics[name], statistics):
            np.testing.assert_allclose(value, exact_value, rtol=1e-4, atol=1e-5)
    errors = {name: relative(got[name], wanted[name]) for name in wanted if np.abs(wanted[name]).max() > 1e-9}
    assert max(errors.values()) < 1e-3, max(errors, key=errors.get)


@PLACES
def test_a_noisy_step_is_bitwise_the_same_for_one_and_two_threads_and_every_time(place):
    case, engine = make(20, bias=0.1), Engine(NETWORK)
    results = on_threads((1, 2, 2, 1), lambda: step(engine, *case, noise(place)))
    for result in results[1:]:
        assert all(np.array_equal(result[name], results[0][name]) for name in result)


@PLACES
def test_noise_leaves_no_trace_in_the_steps_and_inferences_that_follow(place):
    case, engine = make(20, bias=0.1), Engine(NETWORK)
    silent, inferred = step(engine, *case, None), engine.forward(case[0], case[1])
    noisy = step(engine, *case, noise(place))
    assert not np.array_equal(noisy["logits"], silent["logits"])
    assert np.array_equal(engine.forward(case[0], case[1]), inferred)
    again = step(engine, *case, None)
    assert all(np.array_equal(again[name], silent[name]) for name in silent)


@PLACES
def test_every_step_has_noise_of_its_own(place):
    case, engine = make(5), Engine(NETWORK)
    first, second = (step(engine, *case, noise(place, number))["logits"] for number in (0, 1))
    assert not np.any(first == second)


@PLACES
def test_what_lies_in_lanes_without_an_image_does_not_set_the_size_of_the_noise(place):
    """16 + 4 images: the 12 free lanes of the second group hold what larger images left there."""
    parameters, images, dlogits = make(20)
    fresh = step(Engine(NETWORK), parameters, images, dlogits, noise(place))
    engine = Engine(NETWORK)
    step(engine, parameters, 100 * np.concatenate([images, images[:12]]), np.zeros((32, 10), np.float32), noise(place))
    after = step(engine, parameters, images, dlogits, noise(place))
    assert all(np.array_equal(after[name], fresh[name]) for name in fresh)


def test_noise_on_the_weights_of_each_image_reaches_over_every_edge():
    """Kernels of 7 x 7, 3 x 3 and 1 x 1 at strides 1 and 2."""
    network = resnet.build("imagenet-resnet-16x1-32x1-projection", 3)
    numbers = {layer.name: number for number, layer in enumerate(resnet.crossbar_layers(network))}
    draw = np.random.default_rng(0)
    parameters = resnet.initial_parameters(network, lambda index, count: draw.standard_normal(count))
    images = draw.standard_normal((2, 3, 64, 64)).astype(np.float32)
    what = ImageNoise("weights", 0.05, numbers, 0, 0)
    noisy, silent = (reference.forward(network, parameters, images, True, each)[0] for each in (what, None))
    assert relative(Engine(network).forward(parameters, images, True, what), noisy) < 1e-4 < relative(silent, noisy)


def test_noise_without_training_is_refused():
    parameters, images, _ = make(5)
    with pytest.raises(RefpcmError, match="training pass"):
        Engine(NETWORK).forward(parameters, images, noise=noise("inputs"))
