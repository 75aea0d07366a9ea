"""refpcm.fast.curve against the specification, bit for bit."""

import numpy as np
import pytest

from refpcm.fast.curve import curve_value as fast_curve_value
from refpcm.spec.pcm.curve import curve_value, logarithm, polynomial, power
from refpcm.spec.pcm.device import DEVICES

CURVES = ("programming_us", "nu_mean", "nu_sigma", "read_noise")


@pytest.mark.parametrize("name", DEVICES)
def test_kernel_curves_agree_with_the_specification_bit_for_bit(name):
    g = np.concatenate([np.linspace(0, 1.2, 1001), 10.0 ** -np.arange(1, 12)])
    for curve in (getattr(DEVICES[name], c) for c in CURVES):
        assert np.array_equal(fast_curve_value(curve, g), curve_value(curve, g))


def test_a_curve_is_nan_where_no_piece_reaches():
    g = np.array([0.2, 0.7, np.nan, np.inf])
    for curve in ((polynomial(3.0, below=0.5),), (power(3.0, 0.0, below=0.5),), (logarithm(0.0, 3.0, below=0.5),)):
        for value in (fast_curve_value(curve, g), curve_value(curve, g)):
            np.testing.assert_array_equal(value, [3.0, np.nan, np.nan, np.nan])
