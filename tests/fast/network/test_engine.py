"""The engine against refpcm.spec.network in float64.

Whole gradients are compared with every ReLU held open (a large batch-norm bias): a single activation that rounds to
the other side of zero changes them by a per cent, in any implementation. The ReLU's mask has its own tests.
"""

import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import numba
import numpy as np
import pytest
from numba.core.codegen import get_host_cpu_features

from refpcm.fast.kernels import emit
from refpcm.fast.network.engine import Engine
from refpcm.spec import network as reference
from refpcm.spec import resnet
from tests.fast.test_compilation import REGISTERS
from tests.threads import on_threads

HOST = get_host_cpu_features().split(",")
FORMS = pytest.mark.parametrize("form", ["direct", "winograd"])


def make(architecture="tiny-resnet8", bias=0.1, seed=0, **changes):
    """Network and float32 parameters with every batch norm different from the identity."""
    network = replace(resnet.build(architecture), **changes)
    rng = np.random.default_rng(seed)
    parameters = resnet.initial_parameters(network, lambda index, count: rng.standard_normal(count))
    for layer in network.layers:
        if isinstance(layer, resnet.BatchNorm):
            shape = layer.channels
            parameters[f"{layer.name}.weight"] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
            parameters[f"{layer.name}.bias"] = (bias + 0.1 * rng.standard_normal(shape)).astype(np.float32)
            parameters[f"{layer.name}.running_mean"] = rng.standard_normal(shape).astype(np.float32)
            parameters[f"{layer.name}.running_var"] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
    return network, parameters


def batch(network, n, size=None, seed=1):
    rng = np.random.default_rng(seed)
    channels, height, width = network.input_shape
    images = rng.standard_normal((n, channels, size or height, size or width)).astype(np.float32)
    return images, rng.standard_normal((n, network.classes)).astype(np.float32) / n


def exact(parameters):
    return {name: value.astype(np.float64) for name, value in parameters.items()}


def relative(got, wanted):
    return np.abs(got - wanted).max() / np.abs(wanted).max()


def assert_same(a, b):
    assert list(a) == list(b)
    assert all(np.array_equal(a[name], b[name]) for name in a)


CASES = [("tiny-resnet8", 20, 16), ("tiny-resnet8", 1, 32), ("cifar-resnet20", 3, 16), ("joshi2020-resnet32", 2, 32),
         ("imagenet-resnet18", 3, 64), ("cifar-resnet20-behind", 3, 16), ("cifar-resnet-8x1-11x2-64x1-behind", 2, 16),
         ("cifar-resnet-16x3-32x3-64x3-projection", 2, 16)]


@pytest.mark.parametrize("architecture, n, size", CASES)
def test_training_step_equals_the_specification(architecture, n, size):
    network, parameters = make(architecture, bias=8)
    images, dlogits = batch(network, n, size)
    engine = Engine(network)
    logits = engine.forward(parameters, images, training=True)
    gradients = engine.backward(parameters, dlogits)
    wanted, tape = reference.forward(network, exact(parameters), images.astype(np.float64), training=True)
    wanted_gradients = reference.backward(network, exact(parameters), tape, dlogits.astype(np.float64))
    assert logits.dtype == np.float32 and relative(logits, wanted) < 2e-5
    assert set(engine.statistics) == set(tape.statistics)
    for name, statistics in tape.statistics.items():
        for got, value in zip(engine.statistics[name], statistics):
            np.testing.assert_allclose(got, value, rtol=1e-4, atol=1e-5)
    assert set(gradients) == set(wanted_gradients)
    errors = {name: relative(gradients[name], wanted_gradients[name]) for name in gradients
              if np.abs(wanted_gradients[name]).max() > 1e-9}
    assert all(error < 1e-3 for error in errors.values()), errors
    assert np.median(list(errors.values())) < 1e-4


@FORMS
@pytest.mark.parametrize("architecture, n, size", CASES[1:3])
def test_a_training_step_with_frozen_statistics_equals_the_specification(architecture, n, size, form):
    network, parameters = make(architecture, bias=8)
    images, dlogits = batch(network, n, size)
    engine = Engine(network, form)
    logits = engine.forward(parameters, images, training=True, frozen=True)
    gradients = engine.backward(parameters, dlogits)
    wanted, tape = reference.forward(network, exact(parameters), images.astype(np.float64))
    wanted_gradients = reference.backward(network, exact(parameters), tape, dlogits.astype(np.float64))
    assert engine.statistics == {} and relative(logits, wanted) < 2e-5
    assert set(gradients) == set(wanted_gradients)
    assert all(relative(gradients[name], wanted) < 1e-4 for name, wanted in wanted_gradients.items())


@FORMS
@pytest.mark.parametrize("n", [1, 5, 16, 33])
def test_inference_equals_the_specification(form, n):
    network, parameters = make()
    images, _ = batch(network, n)
    wanted, _ = reference.forward(network, exact(parameters), images.astype(np.float64))
    assert relative(Engine(network, form).forward(parameters, images), wanted) < 1e-5


def test_logits_of_an_image_do_not_depend_on_its_neighbours():
    network, parameters = make()
    images, _ = batch(network, 150)
    engine = Engine(network)
    together = engine.forward(parameters, images)
    np.testing.assert_array_equal(engine.forward(parameters, images[131:140]), together[131:140])


def test_all_kernels_agree():
    network, parameters = make(bias=8)
    images, dlogits = batch(network, 18, 16)
    engines = [Engine(network, form) for form in ("direct", "winograd")]
    logits = [engine.forward(parameters, images, training=True) for engine in engines]
    gradients = [engine.backward(parameters, dlogits) for engine in engines]
    assert all(relative(other, logits[0]) < 1e-5 for other in logits[1:])
    for other in gradients[1:]:
        assert all(relative(other[name], gradients[0][name]) < 1e-3 for name in other)


@pytest.mark.parametrize("n", [40, 64])  # groups that two threads cannot have equally many of, and that they can
@pytest.mark.parametrize("architecture", ["tiny-resnet8", "cifar-resnet-16x3-32x3-64x3-projection"])
@FORMS
def test_passes_are_bitwise_the_same_for_one_and_two_threads_and_every_time(form, architecture, n):
    network, parameters = make(architecture)
    images, dlogits = batch(network, n, 16)
    other = {**parameters, "fc.bias": parameters["fc.bias"] + 1}
    engine = Engine(network, form)

    def passes():
        engine.forward(parameters, images[:7])  # inference between the steps must not matter
        logits = engine.forward(parameters, images, training=True)
        return {"logits": logits, **engine.backward(parameters, dlogits), "inference": engine.forward(parameters, images),
                "variant": engine.forward_each([parameters, other], images)[1]}
    results = on_threads((1, 2, 2, 1), passes)
    for result in results[1:]:
        assert_same(results[0], result)


def step_against_the_specification():
    """Largest relative errors of logits and of gradients of one training step."""
    network, parameters = make(bias=8)
    images, dlogits = batch(network, 20, 16)
    engine = Engine(network)
    logits, gradients = engine.forward(parameters, images, training=True), engine.backward(parameters, dlogits)
    wanted, tape = reference.forward(network, exact(parameters), images.astype(np.float64), training=True)
    twin = reference.backward(network, exact(parameters), tape, dlogits.astype(np.float64))
    return relative(logits, wanted), np.max([relative(gradients[name], twin[name]) for name in twin
                                             if np.abs(twin[name]).max() > 1e-9])  # not max, which drops NaN


@pytest.mark.skipif("+avx512f" not in HOST,
                    reason="where there is no AVX-512, test_training_step_equals_the_specification is this test")
def test_a_training_step_is_right_on_a_cpu_without_avx512():
    code = (f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r})\n"
            "from test_engine import step_against_the_specification\n"
            "print(*step_against_the_specification())\n" + REGISTERS)
    features = "+avx2,+fma,+avx,+sse4.2,+popcnt,+bmi,+bmi2"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            env={**os.environ, "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": features})
    assert result.returncode == 0, result.stderr
    logits, gradients = map(float, result.stdout.split())
    assert logits < 2e-5 and gradients < 1e-3


@pytest.mark.parametrize("kernel_width", [1, 3, 7])
def test_gradients_of_weights_have_the_same_bits_whatever_the_width_of_a_register(monkeypatch, kernel_width):
    """The tile as made for AVX-512 (which LLVM splits where there is none) and for AVX2."""
    rng, pixels = np.random.default_rng(0), 9
    x = rng.standard_normal((emit.in_tile(kernel_width), pixels + kernel_width, 16), np.float32)
    dy = rng.standard_normal((emit.OUT_TILE, pixels, 16), np.float32)
    found = []
    for lanes in (16, 8):
        monkeypatch.setattr(emit, "native_lanes", lambda context: lanes)
        tile, sums = emit.weight_gradient_tile(kernel_width, 1), np.zeros(emit.tile_sums(kernel_width), np.float32)

        @numba.njit
        def run(x, dy, sums):
            tile(x.ctypes.data, dy.ctypes.data, sums.ctypes.data, 1, dy.shape[1], 64 * x.shape[1], 0, 64 * dy.shape[1], 0)
        run(x, dy, sums)
        found.append(sums[:emit.OUT_TILE * len(x) * kernel_width])
    wanted = [np.einsum("wl,wl", dy[k].astype(float), x[c, j:j + pixels]) for k in range(emit.OUT_TILE)
              for c in range(len(x)) for j in range(kernel_width)]
    assert found[0].tobytes() == found[1].tobytes()
    np.testing.assert_allclose(found[0], wanted, rtol=1e-4, atol=1e-4)


def test_changing_batch_sizes_leave_no_trace():
    network, parameters = make()
    images, dlogits = batch(network, 40)
    engine = Engine(network)

    def step(n):
        return {"logits": engine.forward(parameters, images[:n], training=True),
                **engine.backward(parameters, dlogits[:n])}
    first = step(37)
    step(40), step(3), step(33)
    assert_same(step(37), first)


def test_buffers_are_reused():
    network, parameters = make()
    images, dlogits = batch(network, 32)
    engine = Engine(network)

    def allocated():
        tracemalloc.start()
        engine.forward(parameters, images, training=True), engine.backward(parameters, dlogits)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak
    first, *later = (allocated() for _ in range(4))
    assert max(later) < first / 10, (first, later)


def test_backward_may_use_other_weights_than_forward():
    network, noisy = make(bias=8)
    clean = {name: value * np.float32(0.9) if value.ndim == 4 else value for name, value in noisy.items()}
    images, dlogits = batch(network, 4, 16)
    engine = Engine(network)
    engine.forward(noisy, images, training=True)
    gradients = engine.backward(clean, dlogits)
    _, tape = reference.forward(network, exact(noisy), images.astype(np.float64), training=True)
    wanted = reference.backward(network, exact(clean), tape, dlogits.astype(np.float64))
    assert max(relative(gradients[name], wanted[name]) for name in gradients) < 1e-3


def test_read_only_and_strided_arrays_are_accepted():
    network, parameters = make()
    images, _ = batch(network, 2)
    wanted = Engine(network).forward(parameters, images)
    for value in parameters.values():
        value.flags.writeable = False
    strided = np.repeat(images, 2, 0)[::2]
    strided.flags.writeable = False
    np.testing.assert_array_equal(Engine(network).forward(parameters, strided), wanted)


@FORMS
@pytest.mark.parametrize("count", [3, 16])
@pytest.mark.parametrize("architecture", ["tiny-resnet8", "imagenet-resnet18"])
def test_nan_reaches_the_logits(architecture, count, form):
    """From a weight those of every image, from a pixel those of its image."""
    network, parameters = make(architecture)
    images = batch(network, count, 32)[0]
    images[1, 0, 5, 5] = np.nan
    engine = Engine(network, form)
    assert np.array_equal(np.isnan(engine.forward(parameters, images)).all(1), np.arange(count) == 1)
    for name in ("conv1", "layer2.0.conv2", "layer3.0.downsample.0"):
        weight = parameters[f"{name}.weight"].copy()
        weight[0, 0, 0, 0] = np.nan
        logits = engine.forward({**parameters, f"{name}.weight": weight}, images)
        assert np.isnan(logits).all(), name


@FORMS
@pytest.mark.parametrize("count", [3, 16])
def test_weights_too_large_for_float32_give_no_finite_logits(count, form):
    network, parameters = make()
    huge = {name: value * np.float32(1e30) if "conv" in name else value for name, value in parameters.items()}
    for training in (False, True):
        assert np.isnan(Engine(network, form).forward(huge, batch(network, count)[0], training)).all()
