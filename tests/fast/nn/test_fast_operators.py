"""refpcm.fast.nn against refpcm.spec.nn in float64, for less and for more than one group of 16 images."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast import nn
from refpcm.spec import nn as specification

ROUNDING = 2.0 ** -24


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def assert_close(found, expected, terms=1):
    """Within 16 roundings of the largest value, for sums of so many terms."""
    assert found.dtype == np.float32 and found.shape == expected.shape
    assert np.abs(found - expected).max() <= 16 * ROUNDING * np.sqrt(terms) * max(np.abs(expected).max(), 1)


def wide(*arrays):
    return [a.astype(np.float64) for a in arrays]


@pytest.mark.parametrize("n", [3, 20])
@pytest.mark.parametrize("kernel, stride, channels", [(3, 1, 3), (3, 1, 16), (3, 2, 8), (1, 1, 4), (1, 2, 5)])
def test_convolutions_and_their_gradients(kernel, stride, channels, n):
    x, w, padding = random(n, channels, 8, 6), random(5, channels, kernel, kernel, seed=1), kernel // 2
    out = nn.conv2d_forward(x, w, stride, padding)
    assert_close(out, specification.conv2d_forward(*wide(x, w), stride, padding), terms=9 * channels)
    dout = random(*out.shape, seed=2)
    dx, dw = nn.conv2d_backward(dout, x, w, stride, padding)
    expected = specification.conv2d_backward(*wide(dout, x, w), stride, padding)
    assert_close(dx, expected[0], terms=45)
    assert_close(dw, expected[1], terms=48 * n)


def test_the_stem_of_imagenet_goes_forward_only():
    x, w = random(2, 3, 13, 14), random(4, 3, 7, 7, seed=1)
    assert_close(nn.conv2d_forward(x, w, 2, 3), specification.conv2d_forward(*wide(x, w), 2, 3), terms=147)
    with pytest.raises(RefpcmError, match="7x7"):
        nn.conv2d_backward(random(2, 4, 7, 7), x, w, 2, 3)


@pytest.mark.parametrize("n, offset", [(3, 0), (20, 0), (3, 1e3)])
def test_batch_norm_in_training_and_its_gradients(n, offset):
    x, gamma, beta, dout = random(n, 4, 5, 3) + np.float32(offset), *random(2, 4, seed=1), random(n, 4, 5, 3, seed=2)
    out, statistics, cache = nn.batch_norm_training(x, gamma, beta)
    expected, expected_statistics, expected_cache = specification.batch_norm_training(*wide(x, gamma, beta))
    assert_close(out, expected, terms=max(4, offset ** 2))  # the mean is subtracted as float32
    for found, wanted in zip(statistics, expected_statistics):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)
    found = nn.batch_norm_backward(dout, gamma, cache)
    for gradient, wanted in zip(found, specification.batch_norm_backward(*wide(dout, gamma), expected_cache)):
        assert_close(gradient, wanted, terms=max(15 * n, offset ** 2))


def test_batch_norm_with_running_statistics():
    arrays = random(3, 4, 5, 3), *random(3, 4, seed=1), np.abs(random(4, seed=2)) + np.float32(0.5)
    assert_close(nn.batch_norm_inference(*arrays), specification.batch_norm_inference(*wide(*arrays)), terms=4)


@pytest.mark.parametrize("shape", [(3, 4, 5, 3), (20, 2, 3, 3), (5, 7), (3, 4, 5)])
def test_relu_of_any_shape_is_exact(shape):
    x, dout = np.round(random(*shape)), random(*shape, seed=1)
    out = nn.relu_forward(x)
    assert np.array_equal(out, specification.relu_forward(x))
    assert np.array_equal(nn.relu_backward(dout, out), specification.relu_backward(dout, out))


def test_addition_is_exact():
    a, b = random(20, 2, 3, 5), random(20, 2, 3, 5, seed=1)
    assert np.array_equal(nn.add_forward(a, b), a + b)


@pytest.mark.parametrize("n", [3, 20])
def test_max_pool_takes_the_first_of_equal_maxima(n):
    x = np.round(random(n, 3, 7, 8)) - 2
    (out, cache), (wanted, argmax) = nn.max_pool_forward(x, 3, 2, 1), specification.max_pool_forward(x, 3, 2, 1)
    assert np.array_equal(out, wanted)
    dout = random(*out.shape, seed=1)
    assert_close(nn.max_pool_backward(dout, cache, x.shape, 3, 2, 1),
                 specification.max_pool_backward(*wide(dout), argmax, x.shape, 3, 2, 1), terms=4)


@pytest.mark.parametrize("n", [3, 20])
def test_global_average_pool(n):
    x, dout = random(n, 3, 6, 5), random(n, 3, seed=1)
    assert_close(nn.global_average_pool_forward(x), specification.global_average_pool_forward(*wide(x)), terms=30)
    assert_close(nn.global_average_pool_backward(dout, x.shape),
                 specification.global_average_pool_backward(*wide(dout), x.shape))


@pytest.mark.parametrize("n, before", [(3, None), (20, None), (3, 0), (3, 5)])
def test_the_shortcut_is_exact(n, before):
    x = random(n, 3, 7, 6)
    out = nn.pad_shortcut_forward(x, 8, 2, before)
    assert np.array_equal(out, specification.pad_shortcut_forward(x, 8, 2, before))
    dout = random(*out.shape, seed=1)
    assert np.array_equal(nn.pad_shortcut_backward(dout, x.shape, 2, before),
                          specification.pad_shortcut_backward(dout, x.shape, 2, before))


def test_the_linear_layer_and_its_gradients():
    x, w, bias, dout = random(5, 37), random(4, 37, seed=1), random(4, seed=2), random(5, 4, seed=3)
    assert_close(nn.linear_forward(x, w, bias), specification.linear_forward(*wide(x, w, bias)), terms=37)
    for found, wanted in zip(nn.linear_backward(dout, x, w), specification.linear_backward(*wide(dout, x, w))):
        assert_close(found, wanted, terms=5)


@pytest.mark.parametrize("call", [lambda x: nn.relu_forward(x), lambda x: nn.global_average_pool_forward(x),
                                  lambda x: nn.conv2d_forward(x, x[:, :, :3, :3], 1, 1)])
def test_float64_is_refused_with_a_remedy(call):
    with pytest.raises(RefpcmError, match="use refpcm.spec.nn"):
        call(random(2, 2, 6, 6).astype(np.float64))


ONES = np.ones(3, np.float32)
MISFITS = {
    "linear": lambda nn: nn.linear_forward(random(2, 16), random(3, 32), ONES),
    "addition": lambda nn: nn.add_forward(random(2, 3, 4, 4), random(2, 3, 1, 1)),
    "addition of other channels": lambda nn: nn.add_forward(random(2, 3, 4, 4), random(2, 1, 4, 4)),
    "batch norm without channels": lambda nn: nn.batch_norm_training(random(2, 0, 4, 4), ONES[:0], ONES[:0]),
    "batch norm": lambda nn: nn.batch_norm_inference(random(2, 3, 4, 4), ONES[:1], ONES, ONES, ONES),
    "batch norm in training": lambda nn: nn.batch_norm_training(random(2, 3, 4, 4), ONES, ONES[:1]),
}


@pytest.mark.parametrize("forms", [nn, specification], ids=["fast", "specification"])
@pytest.mark.parametrize("case", MISFITS)
def test_arrays_that_do_not_fit_are_refused_by_both_forms(case, forms):
    with pytest.raises(RefpcmError, match="want"):
        MISFITS[case](forms)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (17, 3, 4, 4)])
def test_an_addition_takes_arrays_of_any_one_shape(shape):
    a, b = random(*shape), random(*shape)
    assert np.array_equal(nn.add_forward(a, b), specification.add_forward(a, b))


def test_gradients_that_do_not_fit_are_refused():
    _, _, cache = nn.batch_norm_training(random(2, 3, 4, 4), ONES, ONES)
    for call in (lambda: nn.linear_backward(random(2, 4), random(2, 16), random(3, 16)),
                 lambda: nn.relu_backward(random(2, 3), random(2, 4)),
                 lambda: nn.linear_backward(random(2, 3), random(2, 16), random(16)),
                 lambda: nn.batch_norm_backward(random(2, 4, 4, 4), ONES, cache),
                 lambda: nn.batch_norm_backward(random(3, 3, 4, 4), ONES, cache),
                 lambda: nn.batch_norm_backward(random(2, 3, 4, 5), ONES, cache),
                 lambda: nn.conv2d_backward(random(20, 4, 6, 6), random(2, 3, 6, 6), random(4, 3, 3, 3), 1, 1)):
        with pytest.raises(RefpcmError, match="shape|wants"):
            call()


def test_a_convolution_without_a_fast_form_is_refused():
    with pytest.raises(RefpcmError, match="no fast form"):
        nn.conv2d_forward(random(2, 2, 6, 6), random(3, 2, 5, 5), 1, 2)
