"""Each operation of the 16-float type against NumPy, bit by bit."""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import first_lanes, fma, lane_sum, load, maximum, prefetch, splat, store, where_positive

RNG = np.random.default_rng(0)
A, B, C = RNG.standard_normal((3, LANES + 3)).astype(np.float32)
FIRST = slice(3, LANES + 3)


@kernel
def apply(name, a, b, c, out):
    prefetch(a, 3)
    x, y, z = load(a, 3), load(b, 3), load(c, 3)
    if name == 0:
        r = x + y
    elif name == 1:
        r = x - b[3]
    elif name == 2:
        r = a[3] * y
    elif name == 3:
        r = fma(x, y, z)
    elif name == 4:
        r = maximum(x, y)
    elif name == 5:
        r = where_positive(x, y)
    elif name == 6:
        r = first_lanes(x, 5)
    else:
        r = splat(lane_sum(x))
    store(out, 1, r)


def applied(name, a=A, b=B, c=C):
    out = np.full(LANES + 2, np.nan, np.float32)
    apply(name, a, b, c, out)
    assert np.isnan(out[[0, -1]]).all()
    return out[1:-1]


def test_arithmetic_works_lane_by_lane():
    np.testing.assert_array_equal(applied(0), A[FIRST] + B[FIRST])
    np.testing.assert_array_equal(applied(1), A[FIRST] - B[3])
    np.testing.assert_array_equal(applied(2), A[3] * B[FIRST])


def test_fma_rounds_once():
    exact = (A[FIRST].astype(np.float64) * B[FIRST] + C[FIRST]).astype(np.float32)
    np.testing.assert_array_equal(applied(3), exact)


def test_selections():
    np.testing.assert_array_equal(applied(4), np.maximum(A[FIRST], B[FIRST]))
    np.testing.assert_array_equal(applied(5), np.where(A[FIRST] > 0, B[FIRST], 0))
    np.testing.assert_array_equal(applied(6), np.where(np.arange(LANES) < 5, A[FIRST], 0))


def test_the_maximum_keeps_a_nan_and_the_sign_of_a_zero_in_its_first_argument():
    a, b = np.zeros((2, LANES + 3), np.float32)
    a[3:6], b[3:6] = (np.nan, -0.0, 1.0), (0.0, 0.0, np.nan)
    assert applied(4, a, b)[:3].tobytes() == np.array([np.nan, -0.0, 1.0], np.float32).tobytes()


def test_lane_sum_adds_halves():
    half = A[FIRST]
    while len(half) > 1:
        half = half[:len(half) // 2] + half[len(half) // 2:]
    np.testing.assert_array_equal(applied(7), np.full(LANES, half[0]))
