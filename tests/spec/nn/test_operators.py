"""Every backward against numeric gradients in float64; every forward against a second, independent formula."""

import numpy as np
import pytest
from scipy.signal import correlate

from refpcm.errors import RefpcmError
from refpcm.spec import elementary, nn
from refpcm.spec.nn.gradient_check import numeric_gradient, relative_error

TOLERANCE = 1e-8  # central differences of values near 1 with step 1e-5


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def holds(function, x, dout, gradient):
    assert relative_error(numeric_gradient(function, x, dout), gradient) < TOLERANCE


CONVOLUTIONS = [(1, 1, 0, 5), (1, 2, 0, 6), (3, 1, 1, 5), (3, 2, 1, 7),  # kernel, stride, padding, size
                (3, 2, 1, 8), (7, 2, 3, 9), (3, 1, 0, 5), (5, 3, 2, 8)]


@pytest.mark.parametrize("kernel, stride, padding, size", CONVOLUTIONS)
def test_conv2d_is_a_strided_cross_correlation(kernel, stride, padding, size):
    x, w = draw(2, 3, size, size), draw(4, 3, kernel, kernel, seed=1)
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    expected = np.array([[correlate(image, filter_, "valid")[0, ::stride, ::stride] for filter_ in w]
                         for image in padded])
    assert relative_error(nn.conv2d_forward(x, w, stride, padding), expected) < 1e-13


@pytest.mark.parametrize("kernel, stride, padding, size", CONVOLUTIONS)
def test_conv2d_backward_is_the_gradient(kernel, stride, padding, size):
    x, w = draw(2, 2, size, size), draw(3, 2, kernel, kernel, seed=1)
    dout = draw(*nn.conv2d_forward(x, w, stride, padding).shape, seed=2)
    dx, dw = nn.conv2d_backward(dout, x, w, stride, padding)
    holds(lambda v: nn.conv2d_forward(v, w, stride, padding), x, dout, dx)
    holds(lambda v: nn.conv2d_forward(x, v, stride, padding), w, dout, dw)


def test_conv2d_of_a_non_square_image():
    x, w = draw(1, 2, 5, 8), draw(3, 2, 3, 3, seed=1)
    dout = draw(1, 3, 3, 4, seed=2)
    dx, _ = nn.conv2d_backward(dout, x, w, 2, 1)
    holds(lambda v: nn.conv2d_forward(v, w, 2, 1), x, dout, dx)


def test_im2col_of_a_counted_image_is_known():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    columns = nn.im2col(x, 2, 1, 0)
    assert columns.tolist() == [[[0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]]


def test_batch_norm_training_output_has_mean_beta_and_standard_deviation_gamma():
    x, gamma, beta = 3 + 2 * draw(8, 3, 4, 4), np.array([1.0, 2.0, 0.5]), np.array([0.0, 1.0, -1.0])
    out, statistics, _ = nn.batch_norm_training(x, gamma, beta)
    assert np.allclose(out.mean((0, 2, 3)), beta, atol=1e-12)
    biased = x.var((0, 2, 3))
    assert np.allclose(out.std((0, 2, 3)), gamma * np.sqrt(biased / (biased + nn.EPSILON)), rtol=1e-12)
    assert np.allclose(statistics.mean, x.mean((0, 2, 3))) and np.allclose(statistics.variance, biased, rtol=1e-12)
    assert np.allclose(nn.unbiased(statistics), x.var((0, 2, 3), ddof=1), rtol=1e-12) and statistics.count == 8 * 4 * 4


def test_batch_norm_training_backward_is_the_gradient():
    x, gamma, beta, dout = draw(4, 3, 3, 3), draw(3, seed=1), draw(3, seed=2), draw(4, 3, 3, 3, seed=3)
    dx, dgamma, dbeta = nn.batch_norm_backward(dout, gamma, nn.batch_norm_training(x, gamma, beta)[2])
    holds(lambda v: nn.batch_norm_training(v, gamma, beta)[0], x, dout, dx)
    holds(lambda v: nn.batch_norm_training(x, v, beta)[0], gamma, dout, dgamma)
    holds(lambda v: nn.batch_norm_training(x, gamma, v)[0], beta, dout, dbeta)


def test_batch_norm_inference_backward_is_the_gradient():
    x, gamma, beta, dout = draw(2, 3, 3, 3), draw(3, seed=1), draw(3, seed=2), draw(2, 3, 3, 3, seed=3)
    running = draw(3, seed=4), np.array([0.5, 1.0, 2.0])
    dx, dgamma, dbeta = nn.batch_norm_inference_backward(dout, x, gamma, *running)
    holds(lambda v: nn.batch_norm_inference(v, gamma, beta, *running), x, dout, dx)
    holds(lambda v: nn.batch_norm_inference(x, v, beta, *running), gamma, dout, dgamma)
    holds(lambda v: nn.batch_norm_inference(x, gamma, v, *running), beta, dout, dbeta)


def test_batch_norm_inference_with_the_batch_statistics_equals_training():
    x, gamma, beta = draw(8, 3, 4, 4), draw(3, seed=1), draw(3, seed=2)
    expected, (mean, variance, _), _ = nn.batch_norm_training(x, gamma, beta)
    assert relative_error(nn.batch_norm_inference(x, gamma, beta, mean, variance), expected) < 1e-13


def test_batch_norm_keeps_its_digits_when_the_mean_is_large():
    x = (1e4 + draw(16, 1, 8, 8)).astype(np.float32)
    _, statistics, _ = nn.batch_norm_training(x, np.ones(1, np.float32), np.zeros(1, np.float32))
    assert abs(statistics.variance[0] / x.astype(np.float64).var() - 1) < 1e-12


def test_running_statistics_move_by_a_tenth():
    assert np.allclose(nn.update_running(np.array([1.0, 2.0]), np.array([2.0, 0.0])), [1.1, 1.8])


def test_relu_backward_is_the_gradient_and_zero_at_zero():
    x, dout = draw(3, 4), draw(3, 4, seed=1)
    holds(nn.relu_forward, x, dout, nn.relu_backward(dout, nn.relu_forward(x)))
    assert nn.relu_backward(np.ones(1), nn.relu_forward(np.zeros(1))) == 0


def test_add_passes_the_gradient_to_both_inputs():
    a, b, dout = draw(1, 2, 3, 3), draw(1, 2, 3, 3, seed=1), draw(1, 2, 3, 3, seed=2)
    da, db = nn.add_backward(dout)
    holds(lambda v: nn.add_forward(v, b), a, dout, da)
    holds(lambda v: nn.add_forward(a, v), b, dout, db)


@pytest.mark.parametrize("before", [None, 0])
@pytest.mark.parametrize("c_in, c_out, stride, size", [(2, 4, 2, 5), (2, 4, 2, 6), (3, 6, 2, 4), (2, 2, 1, 3)])
def test_pad_shortcut_backward_is_the_gradient(c_in, c_out, stride, size, before):
    x = draw(2, c_in, size, size)
    out = nn.pad_shortcut_forward(x, c_out, stride, before)
    dout = draw(*out.shape, seed=1)
    holds(lambda v: nn.pad_shortcut_forward(v, c_out, stride, before), x, dout,
          nn.pad_shortcut_backward(dout, x.shape, stride, before))


def test_pad_shortcut_puts_half_of_the_new_channels_before():
    x = draw(1, 2, 2, 2)
    out = nn.pad_shortcut_forward(x, 4, 2)
    assert np.array_equal(out[0, :, 0, 0], [0, x[0, 0, 0, 0], x[0, 1, 0, 0], 0])


def test_pad_shortcut_puts_as_many_channels_before_as_it_is_told():
    x = draw(1, 2, 2, 2)
    for before in range(4):
        out = nn.pad_shortcut_forward(x, 5, 2, before)
        assert np.array_equal(out[0, before:before + 2, 0, 0], x[0, :, 0, 0]) and np.count_nonzero(out) == 2


@pytest.mark.parametrize("kernel, stride, size", [(2, 2, 6), (3, 2, 7), (3, 1, 5)])
def test_average_pool_backward_is_the_gradient(kernel, stride, size):
    x = draw(2, 2, size, size)
    dout = draw(*nn.average_pool_forward(x, kernel, stride).shape, seed=1)
    holds(lambda v: nn.average_pool_forward(v, kernel, stride), x, dout,
          nn.average_pool_backward(dout, x.shape, kernel, stride))


def test_global_average_pool_is_the_mean_and_its_backward_the_gradient():
    x, dout = draw(2, 3, 4, 5), draw(2, 3, seed=1)
    assert np.allclose(nn.global_average_pool_forward(x), nn.average_pool_forward(x[..., :4], 4, 1)[..., 0, 0] * .8
                       + x[..., 4].mean(-1) * .2)
    holds(nn.global_average_pool_forward, x, dout, nn.global_average_pool_backward(dout, x.shape))


@pytest.mark.parametrize("kernel, stride, padding, size", [(3, 2, 1, 8), (3, 2, 1, 7), (2, 2, 0, 4)])
def test_max_pool_backward_is_the_gradient(kernel, stride, padding, size):
    x = draw(2, 2, size, size)
    out, argmax = nn.max_pool_forward(x, kernel, stride, padding)
    dout = draw(*out.shape, seed=1)
    holds(lambda v: nn.max_pool_forward(v, kernel, stride, padding)[0], x, dout,
          nn.max_pool_backward(dout, argmax, x.shape, kernel, stride, padding))


def test_max_pool_of_equal_values_sends_the_gradient_to_the_first_and_padding_never_wins():
    out, argmax = nn.max_pool_forward(np.full((1, 1, 2, 2), -5.0), 2, 2, 0)
    assert out == -5 and argmax == 0
    out, _ = nn.max_pool_forward(np.full((1, 1, 2, 2), -5.0), 3, 2, 1)
    assert np.all(out == -5)


def test_linear_backward_is_the_gradient():
    x, w, bias, dout = draw(4, 3), draw(5, 3, seed=1), draw(5, seed=2), draw(4, 5, seed=3)
    dx, dw, dbias = nn.linear_backward(dout, x, w)
    holds(lambda v: nn.linear_forward(v, w, bias), x, dout, dx)
    holds(lambda v: nn.linear_forward(x, v, bias), w, dout, dw)
    holds(lambda v: nn.linear_forward(x, w, v), bias, dout, dbias)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_gradient(smoothing):
    logits, labels = draw(4, 5), np.array([0, 4, 2, 2])
    _, dlogits = nn.cross_entropy(logits, labels, smoothing)
    holds(lambda v: nn.cross_entropy(v, labels, smoothing)[0], logits, np.float64(1), dlogits)


def test_cross_entropy_of_equal_logits_is_ln_m_and_huge_logits_do_not_overflow():
    assert np.isclose(nn.cross_entropy(np.zeros((3, 10)), np.arange(3), 0.1)[0], np.log(10), rtol=1e-14)
    loss, dlogits = nn.cross_entropy(np.array([[1e4, 0.0]], np.float32), np.array([1]))
    assert loss == 1e4 and np.array_equal(dlogits, [[1, -1]])


def test_the_loss_of_nan_is_nan_without_a_word(recwarn):
    loss, dlogits = nn.cross_entropy(np.array([[np.nan, 0.0], [2.0, 1.0]]), np.array([1, 0]))
    assert np.isnan(loss) and np.isnan(dlogits[0]).all() and np.isfinite(dlogits[1]).all() and not recwarn.list


def test_cross_entropy_has_the_bits_of_correctly_rounded_steps():
    """One image of two classes by hand: z = (-1, 0), and exp and log of the specification, not of the C library."""
    loss, dlogits = nn.cross_entropy(np.array([[0.0, 1.0]]), np.array([0]))
    log_p = np.array([-1.0, 0.0]) - elementary.log(elementary.exp(np.array([-1.0])) + 1.0)
    assert loss == -log_p[0] and np.array_equal(dlogits, [elementary.exp(log_p) - [1.0, 0.0]])


def test_label_smoothing_is_minimal_where_softmax_equals_the_smoothed_target():
    q = np.full(4, 0.1 / 4)
    q[2] += 0.9
    _, dlogits = nn.cross_entropy(np.log(q)[None], np.array([2]), 0.1)
    assert np.abs(dlogits).max() < 1e-15


@pytest.mark.parametrize("call, words", [
    (lambda: nn.conv2d_forward(draw(1, 2, 4, 4), draw(3, 3, 3, 3)), "conv2d wants"),
    (lambda: nn.conv2d_forward(draw(1, 2, 4), draw(3, 2, 3, 3)), "conv2d wants"),
    (lambda: nn.conv2d_forward(draw(1, 2, 4, 4), draw(3, 2, 7, 7)), "does not fit"),
    (lambda: nn.linear_forward(draw(2, 3), draw(4, 2), draw(4)), "linear wants"),
    (lambda: nn.add_forward(draw(1, 2, 3, 3), draw(1, 2, 1, 1)), "one shape"),
    (lambda: nn.cross_entropy(draw(2, 3), np.array([0, 3])), "labels"),
    (lambda: nn.cross_entropy(draw(2, 3), np.array([0, -1])), "labels"),
    (lambda: nn.batch_norm_training(draw(1, 2, 1, 1), np.ones(2), np.zeros(2)), "two values"),
])
def test_wrong_shapes_are_refused_in_one_sentence(call, words):
    with pytest.raises(RefpcmError, match=words):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_operator_keeps_the_dtype(dtype):
    x, w, v = draw(2, 4, 6, 6).astype(dtype), draw(4, 4, 3, 3).astype(dtype), np.ones(4, dtype)
    x2, w2 = x[:, :, 0, 0], w[:, :, 0, 0]  # of a linear layer
    out, _, cache = nn.batch_norm_training(x, v, v)
    pooled, argmax = nn.max_pool_forward(x, 3, 2, 1)
    results = [nn.conv2d_forward(x, w, 1, 1), *nn.conv2d_backward(x, x, w, 1, 1), out,
               *nn.batch_norm_backward(x, v, cache), nn.batch_norm_inference(x, v, v, v, v),
               *nn.batch_norm_inference_backward(x, x, v, v, v), nn.update_running(v, v.astype(np.float64)),
               nn.relu_forward(x), nn.relu_backward(x, x), nn.add_forward(x, x), nn.pad_shortcut_forward(x, 8, 2),
               nn.pad_shortcut_backward(x, (2, 2, 12, 12), 2), nn.average_pool_forward(x, 2, 2),
               nn.average_pool_backward(x, (2, 4, 12, 12), 2, 2), nn.global_average_pool_forward(x),
               nn.global_average_pool_backward(x2, x.shape), pooled,
               nn.max_pool_backward(pooled, argmax, x.shape, 3, 2, 1), nn.linear_forward(x2, w2, v),
               *nn.linear_backward(x2, x2, w2), nn.cross_entropy(x2, np.array([0, 1]))[1]]
    assert all(result.dtype == dtype for result in results)
