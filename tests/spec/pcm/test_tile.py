"""refpcm.spec.pcm.tile: splits, noise, what is converted and when, quantiles in parts."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.spec.pcm.converters import Converter
from refpcm.spec.pcm.tile import Ranges, Saturation, Tail, Tiles, parts, product

IDEAL = Tiles(None, None, Converter(None), Converter(None))


@pytest.mark.parametrize("size, limit, sizes", [
    (10, None, [10]), (10, 10, [10]), (10, 4, [4, 3, 3]), (504, 256, [252] * 2), (513, 512, [257, 256]),
    (3, 1, [1, 1, 1])])
def test_parts_differ_by_at_most_one_and_cover_everything(size, limit, sizes):
    bounds = parts(size, limit)
    assert [e - b for b, e in bounds] == sizes
    assert [b for b, _ in bounds] == [0] + [e for _, e in bounds][:-1] and bounds[-1][1] == size


def test_an_ideal_product_is_the_matrix_product():
    x, w = (np.random.default_rng(i).standard_normal(s) for i, s in enumerate([(5, 30), (30, 7)]))
    np.testing.assert_allclose(product(x, w, IDEAL, Ranges(1, 1)), x @ w, rtol=1e-13)
    np.testing.assert_allclose(product(x, w, Tiles(8, 3, Converter(None), Converter(None)), Ranges(1, 1)), x @ w,
                               rtol=1e-12)


def test_a_product_by_hand():
    """3-bit converters (codes -3 .. 3), range 3: inputs 1.4 -> 1, -2.6 -> -3; sums 1 * 2 - 3 = -1, then 3 * 4 -> 3."""
    tiles = Tiles(2, None, Converter(3), Converter(3))
    x, w = np.array([[1.4, -2.6, 9.0]]), np.array([[2.0], [1.0], [4.0]])
    count = Saturation()
    assert product(x, w, tiles, Ranges(3.0, 3.0), saturation=count)[0, 0] == -1 + 3
    assert (count.dac_values, count.dac_saturated, count.adc_values, count.adc_saturated) == (3, 1, 2, 1)


def test_the_saturating_sum_shows_that_parts_are_converted_before_they_are_added():
    x, w = np.ones((1, 4)), np.array([[5.0], [5.0], [-5.0], [-5.0]])
    assert product(x, w, Tiles(2, None, Converter(None), Converter(8)), Ranges(1, 8.0))[0, 0] == 0
    assert product(x[:, :2], w[:2], Tiles(2, None, Converter(None), Converter(8)), Ranges(1, 8.0))[0, 0] == 8.0


def test_output_noise_has_the_stated_size():
    """sigma = 0.04 W_max range a part; two parts add up to sqrt(2) of it; z is an argument."""
    z = np.random.default_rng(0).standard_normal((20_000, 2, 3))
    tiles = Tiles(2, None, Converter(None), Converter(None), output_noise=0.04)
    y = product(np.zeros((20_000, 4)), np.zeros((4, 3)), tiles, Ranges(2.0, 1.0), z, w_max=0.5)
    np.testing.assert_allclose(y, 0.04 * (z[:, 0] + z[:, 1]), atol=1e-15)

NOISY = Tiles(2, None, Converter(None), Converter(None), output_noise=0.1)


@pytest.mark.parametrize("change, said", [
    ({"x": np.ones((1, 3))}, r"x of shape \(1, 4\), got shape \(1, 3\)"), ({"x": np.ones(4)}, "x of shape"),
    ({"z": None}, r"z of shape \(1, 2, 5\), got nothing"), ({"z": np.ones((1, 1, 5))}, "z of shape"),
    ({"variance": np.ones((5, 4))}, "variance of shape"), ({"z_read": None}, "z_read of shape"),
    ({"z_read": np.ones((2, 2, 5))}, "z_read of shape")])
def test_products_of_arrays_that_do_not_fit_are_refused(change, said):
    fitting = {"x": np.ones((1, 4)), "weights": np.ones((4, 5)), "tiles": NOISY, "ranges": Ranges(1, 1),
               "z": np.ones((1, 2, 5)), "variance": np.ones((4, 5)), "z_read": np.ones((1, 2, 5))}
    product(**fitting)
    with pytest.raises(RefpcmError, match=said):
        product(**{**fitting, **change})


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99, 0.99995, 1.0])
@pytest.mark.parametrize("cuts", [1, 7])
def test_a_tail_gives_the_quantile_of_all_its_parts(share, cuts):
    values = np.random.default_rng(0).standard_normal((700, 30)).astype(np.float32)
    tail = Tail(values.size, share)
    for part in np.array_split(values, cuts):
        tail.add(part)
    assert tail.quantile() == pytest.approx(np.quantile(np.abs(values).astype(np.float64), share), rel=1e-12)


def test_a_tail_of_zeros_gives_the_largest_number():
    tail = Tail(1000, 0.5)
    tail.add(np.r_[np.zeros(999), -3.0])
    assert tail.quantile() == 3.0


@pytest.mark.parametrize("make", [lambda: Converter(1), lambda: Converter(25), lambda: Converter(8.0), lambda: Tiles(0),
                                  lambda: Tiles(rows=2.5), lambda: Tiles(output_noise=-1), lambda: Tiles(columns=0),
                                  lambda: Ranges(0.0, 1.0), lambda: Ranges(1.0, -1.0), lambda: Ranges(np.nan, 1.0),
                                  lambda: Ranges(1.0, np.nan), lambda: Ranges(np.inf, 1.0)])
def test_impossible_hardware_is_refused(make):
    with pytest.raises(RefpcmError):
        make()
