"""Small batches: the same bits as in a large batch, fresh parameters every time, and the frozen form."""

import os
import platform
import subprocess
import sys

import numba
import numpy as np
import pytest
from test_engine import batch, exact, make, relative

from refpcm import network as reference
from refpcm.errors import RefpcmError
from refpcm.kernels.engine import Engine
from refpcm.kernels.small_batch import SmallBatch

AVX2 = "+avx2,+fma,+avx,+sse4.2,+popcnt,+bmi,+bmi2"
CASES = [("joshi2020-resnet32", 32), ("cifar-resnet20", 17), ("imagenet-resnet18", 64), ("tiny-resnet8", 9)]


@pytest.mark.parametrize("architecture, size", CASES)
def test_images_of_a_small_batch_have_the_bits_they_have_in_a_full_group(architecture, size):
    network, parameters = make(architecture)
    images, _ = batch(network, 16, size)
    engine = Engine(network)
    together = engine.forward(parameters, images)
    assert engine._small is None  # 16 images fill the lanes of the other layout
    for part in (slice(0, 1), slice(3, 6), slice(1, 16)):
        np.testing.assert_array_equal(engine.forward(parameters, images[part]), together[part])
    assert engine._small is not None
    wanted, _ = reference.forward(network, exact(parameters), images[:1].astype(np.float64))
    assert relative(together[:1], wanted) < 1e-5


def test_what_leaves_lanes_empty_at_the_end_of_a_batch_is_computed_apart():
    network, parameters = make()
    images, _ = batch(network, 35)
    engine, sizes = Engine(network), []
    infer = engine._infer
    engine._infer = lambda parameters, images: sizes.append(len(images)) or infer(parameters, images)
    logits = engine.forward(parameters, images)
    assert sizes == [32]
    np.testing.assert_array_equal(logits[-3:], engine.forward(parameters, images[-3:]))
    engine.forward(parameters, batch(network, 130)[0])
    assert sizes == [32, 128]


def test_parameters_changed_in_place_count_at_the_next_call():
    network, parameters = make()
    images, _ = batch(network, 2)
    engine = Engine(network)
    before = engine.forward(parameters, images)
    for name in ("layer2.0.conv2.weight", "bn1.running_var", "fc.bias"):
        parameters[name] += np.float32(0.5)
        after = engine.forward(parameters, images)
        assert not np.array_equal(after, before)
        np.testing.assert_array_equal(after, Engine(network).forward(parameters, images))
        before = after


def test_prepared_is_forward_with_the_parameters_as_they_were():
    network, parameters = make()
    images, _ = batch(network, 40)
    engine = Engine(network)
    infer = engine.prepared(parameters)
    wanted = engine.forward(parameters, images)
    for value in parameters.values():
        value += 1
    engine.forward(parameters, images[:3])
    for n in (1, 3, 16, 40):
        np.testing.assert_array_equal(infer(images[:n]), wanted[:n])
    small, _ = batch(network, 2, 20)
    assert infer(small).shape == (2, 10)
    np.testing.assert_array_equal(infer(images[:1]), wanted[:1])


@pytest.mark.parametrize("kernels", ["plain", "winograd"])
def test_prepared_serves_the_other_kernels(kernels):
    network, parameters = make()
    images, _ = batch(network, 18)
    engine = Engine(network, kernels)
    infer = engine.prepared(parameters)
    for n in (2, 18):
        np.testing.assert_array_equal(infer(images[:n]), engine.forward(parameters, images[:n]))
    assert (engine._small is None) == (kernels == "plain")


def test_a_batch_of_sixteen_or_more_is_all_winograd():
    network, parameters = make()
    images, _ = batch(network, 20)
    engine = Engine(network, "winograd")
    np.testing.assert_array_equal(engine.forward(parameters, images)[16:],
                                  engine.forward(parameters, np.roll(images, 4, 0))[:4])
    assert engine._small is None


def test_subclasses_with_convolutions_of_their_own_keep_them():
    class Other(Engine):
        pass
    network, parameters = make()
    engine = Other(network)
    engine.forward(parameters, batch(network, 1)[0])
    assert engine._small is None


@pytest.mark.parametrize("n", [1, 7])
def test_the_number_of_threads_has_no_say(n, monkeypatch):
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("NUMBA_NUM_THREADS is 1")
    monkeypatch.setattr("refpcm.kernels.small_batch.WORTH_THREADS", 0)
    network, parameters = make("imagenet-resnet18")
    images, _ = batch(network, n, 48)
    before, results = numba.get_num_threads(), []
    for threads in (1, 2, 1):
        numba.set_num_threads(threads)
        results.append(Engine(network).forward(parameters, images))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(results[1], results[0])
    np.testing.assert_array_equal(results[2], results[0])


def test_large_values_of_one_batch_leave_no_trace_in_the_next():
    """Buffers are shared by tensors and kept from call to call, borders and unused lanes included."""
    network, parameters = make("cifar-resnet20")
    images, _ = batch(network, 15, 11)
    small = SmallBatch(Engine(network)._plan, images.shape[1:])
    small.load(parameters)
    wanted = small(images[:2])
    small(images * np.float32(1e30))
    np.testing.assert_array_equal(small(images[:2]), wanted)


@pytest.mark.parametrize("images, word", [(np.zeros((0, 3, 32, 32), np.float32), "empty"),
                                          (np.zeros((1, 4, 32, 32), np.float32), "images"),
                                          (np.zeros((3, 32, 32), np.float32), "images")])
def test_mistakes_are_named(images, word):
    network, parameters = make()
    with pytest.raises(RefpcmError, match=word):
        Engine(network).prepared(parameters)(images)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names an x86 CPU")
def test_avx2_gives_the_same_bits():
    """Every sum takes its products in one order, with one rounding each, whatever the width of a register."""
    code = ("import sys; sys.path.insert(0, {folder!r})\n"
            "from test_engine import make, batch\n"
            "from refpcm.kernels.engine import Engine\n"
            "network, parameters = make('imagenet-resnet18')\n"
            "print(Engine(network).forward(parameters, batch(network, 2, 40)[0]).tobytes().hex())")
    network, parameters = make("imagenet-resnet18")
    wanted = Engine(network).forward(parameters, batch(network, 2, 40)[0]).tobytes().hex()
    result = subprocess.run([sys.executable, "-c", code.format(folder=os.path.dirname(__file__))], capture_output=True,
                            text=True, env={**os.environ, "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": AVX2})
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == wanted
