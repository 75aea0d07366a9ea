"""refpcm.spec.pcm.programming: the mean of programmed conductances."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats

from refpcm.spec.pcm.device import DEVICES, JOSHI2020
from refpcm.spec.pcm.programming import expected_programmed_us, programmed_us, programming_sigma_us

PUBLISHED = [device for device in DEVICES.values() if device.model == JOSHI2020.model]


@pytest.mark.parametrize("device", PUBLISHED, ids=lambda device: device.name)
def test_the_expected_conductance_is_the_integral_over_the_noise(device):
    g = device.g_max_us * np.array([0.0, 1e-6, 0.003, 0.02, 0.1, 0.5, 1.0])

    def integral(target):
        sigma = float(programming_sigma_us(np.array(target), device))
        lowest = -target / sigma  # below it the conductance is 0
        return integrate.quad(lambda z: (target + sigma * z) * stats.norm.pdf(z), max(lowest, -12), 12, epsabs=1e-13)[0]
    np.testing.assert_allclose(expected_programmed_us(g, device), [integral(target) for target in g], rtol=1e-9)


def test_it_is_the_mean_of_many_devices_and_zero_where_idle_devices_are():
    g = np.repeat([0.0, 0.5, 12.5], 200_000)
    z = np.random.default_rng(0).standard_normal(g.size)
    drawn = programmed_us(g, z, JOSHI2020).reshape(3, -1)
    expected = expected_programmed_us(g[::200_000], JOSHI2020)
    assert (np.abs(drawn.mean(1) - expected) < 5 * drawn.std(1) / np.sqrt(200_000)).all() and expected[0] > 0.1
    assert expected_programmed_us(0.0, replace(JOSHI2020, reset_device="zero")) == 0
