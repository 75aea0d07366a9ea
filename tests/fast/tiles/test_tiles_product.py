"""refpcm.fast.tiles.product against refpcm.spec.pcm.tile: the same bits, saturation, NaN; what does not fit is refused."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast.tiles.product import windows_product
from refpcm.spec.pcm.converters import Converter, convert, saturated
from refpcm.spec.pcm.tile import Ranges, Saturation, Tiles, parts, product

NOISY = Tiles(2, None, Converter(None), Converter(None), output_noise=0.1)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("noise", [0.0, 0.04])
@pytest.mark.parametrize("rows", [None, 10])
@pytest.mark.parametrize("dac, adc", [(4, 8), (4, None), (3, 6)])
def test_kernels_and_specification_agree_bit_for_bit(dac, adc, rows, noise, stride):
    """Inputs and weights are whole numbers after conversion, so that sums are exact in whatever order BLAS adds."""
    random = np.random.default_rng(0)
    values = random.normal(0, 4, (3, 5, 9, 9)).astype(np.float32)
    w = random.integers(-9, 10, (45, 11)).astype(np.float32)
    tiles, ranges = Tiles(rows, None, Converter(dac), Converter(adc), noise), Ranges(2.0 ** (dac - 1) - 1, 99.0)
    size = (11 - 3) // stride + 1
    z = random.standard_normal((3, len(parts(45, rows)), 11, size * size), np.float32)
    padded = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)))
    x = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))[:, :, ::stride, ::stride]
    x = x.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 45)
    counts = Saturation(), Saturation()
    y = product(x, w, tiles, ranges, z.transpose(0, 3, 1, 2).reshape(len(x), -1, 11), 3.0, counts[0])
    fast = windows_product(values, w, 3, stride, 1, tiles, ranges, z, 3.0, counts[1])
    assert fast.dtype == np.float32 and np.array_equal(y.reshape(3, size, size, 11).transpose(0, 3, 1, 2), fast)
    assert (counts[0].adc_values, counts[0].adc_saturated) == (counts[1].adc_values, counts[1].adc_saturated)
    assert adc is None or counts[0].adc_saturated > 0


@pytest.mark.parametrize("change, said", [
    ({"kernel": 5}, "kernel 5 with stride 1; known are 3 with 1, "), ({"stride": 3}, "kernel 1 with stride 3"),
    ({"kernel": 7, "stride": 1}, "kernel 7 with stride 1"), ({"kernel": 3}, r"weights of shape \(36, 5\)"),
    ({"weights": np.ones((8, 5))}, r"weights of shape \(4, 5\)"), ({"z": None}, "z of shape"),
    ({"z": np.ones((1, 2, 5, 1))}, r"z of shape \(1, 2, 5, 9\)"), ({"variance": np.ones((5, 4))}, "variance of shape"),
    ({"z_read": np.ones((1, 1, 5, 9))}, "z_read of shape"),
    ({"kernel": 7, "stride": 2, "weights": np.ones((196, 5))}, "does not fit an input")])
def test_products_of_windows_that_do_not_fit_are_refused(change, said):
    """The kernels would read whatever lies behind the arrays."""
    fitting = {"values": np.ones((1, 4, 3, 3), np.float32), "weights": np.ones((4, 5)), "kernel": 1, "stride": 1,
               "padding": 0, "tiles": NOISY, "ranges": Ranges(1, 1), "z": np.ones((1, 2, 5, 9)),
               "variance": np.ones((4, 5)), "z_read": np.ones((1, 2, 5, 9))}
    windows_product(**fitting)
    with pytest.raises(RefpcmError, match=said):
        windows_product(**{**fitting, **change})


@pytest.mark.parametrize("dac", [None, 8])
@pytest.mark.parametrize("adc", [None, 8])
@pytest.mark.parametrize("near_a_tie", [False, True])
def test_nan_passes_converters_in_both_forms(near_a_tie, dac, adc):
    """Near a tie the kernels convert the 16 lanes one by one."""
    values = np.full((16, 2, 1, 1), 0.5 / 127 if near_a_tie else 0.25, np.float32)
    values[3, 1] = np.nan
    w, tiles = np.float32([[1, 2], [3, 4]]), Tiles(None, None, Converter(dac), Converter(adc))
    counts = Saturation(), Saturation()
    slow = product(values[:, :, 0, 0], w, tiles, Ranges(1.0, 1.0), saturation=counts[0])
    fast = windows_product(values, w, 1, 1, 0, tiles, Ranges(1.0, 1.0), saturation=counts[1])[:, :, 0, 0]
    assert np.array_equal(np.isnan(slow), np.isnan(fast)) and np.array_equal(np.isnan(slow[:, 0]), np.arange(16) == 3)
    assert counts[0] == counts[1]


def test_inputs_that_saturate_count_once():
    """However many windows a pixel is in; an ideal ADC counts nothing."""
    x = np.random.default_rng(0).standard_normal((7, 3, 11, 13)).astype(np.float32)
    count, tiles = Saturation(), Tiles(None, None, Converter(8), Converter(None))
    y = windows_product(x, np.eye(3, dtype=np.float32), 1, 1, 0, tiles, Ranges(2.3, 1.0), saturation=count)
    assert np.array_equal(y, convert(x, Converter(8), 2.3))
    assert count == Saturation(x.size, saturated(x, Converter(8), 2.3))
