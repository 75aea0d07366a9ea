"""refpcm.spec.pcm.transfer: exact moments of one Gaussian a weight, and nothing else on the chip."""

import numpy as np
import pytest
from scipy import stats

from refpcm.fast import chip as fast
from refpcm.spec.pcm import chip as specification
from refpcm.spec.pcm.device import DEVICES
from refpcm.spec.pcm.transfer import transferred_us

DEVICE = DEVICES["joshi2020-transfer"]


def fitted_sigma_us(g_us):
    return 0.28638599 + 0.07585724 * g_us - 0.00178767 * g_us ** 2


def test_the_device_with_the_target_carries_the_error_and_of_a_zero_g_plus():
    g_us = np.array([[[10.0, 0.0, 0.0]], [[0.0, 4.0, 0.0]]])
    z = np.array([[[1.0, 5.0, -2.0]], [[7.0, -3.0, 9.0]]])
    expected = [[[10 + fitted_sigma_us(10.0), 0, -2 * fitted_sigma_us(0.0)]], [[0, 4 - 3 * fitted_sigma_us(4.0), 0]]]
    np.testing.assert_allclose(transferred_us(g_us, z, DEVICE), expected, rtol=1e-12)


@pytest.mark.parametrize("weight", [1.0, -0.4, 0.0])
def test_a_weight_is_normal_with_the_sigma_of_the_fit_and_may_change_its_sign(weight):
    """90,000 weights of one value: mean and standard deviation to 5 standard errors, shape at alpha = 1e-6."""
    matrix = np.full((300, 300), weight)
    matrix[0, 0] = 1.0  # W_max
    chip = specification.program({"m": matrix}, DEVICE, 1, 2, dtype=np.float64)
    w = specification.read(chip, 25.0)["m"].ravel()[1:]
    sigma = fitted_sigma_us(25 * abs(weight)) / 25
    assert abs(w.mean() - weight) < 5 * sigma / np.sqrt(w.size)
    assert abs(w.std() - sigma) < 5 * sigma / np.sqrt(2 * w.size)
    assert stats.kstest((w - weight) / sigma, "norm").pvalue > 1e-6


def test_nothing_drifts_and_no_read_differs():
    chip = fast.program({"m": np.linspace(-1, 1, 50).reshape(10, 5)}, DEVICE, 3, 4)
    first = fast.read(chip, 20.0)["m"]
    for t_s, draw in ((25.0, 0), (3e7, 0), (3e7, 9)):
        assert np.array_equal(fast.read(chip, t_s, draw)["m"], first)
    assert specification.chip_hash(chip) == specification.chip_hash(
        specification.program({"m": np.linspace(-1, 1, 50).reshape(10, 5)}, DEVICE, 3, 4))
