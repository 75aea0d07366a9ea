"""refpcm.spec.pcm.rectified: the normal tail and the moments of a cut normal number, against integrals."""

import numpy as np
import pytest
from scipy import integrate, special, stats

from refpcm.spec.pcm.rectified import normal_tail, rectified_moments


def test_the_tail_is_that_of_the_normal_distribution():
    a = np.linspace(0, 7, 100_001)
    assert np.abs(normal_tail(a) - special.ndtr(-a)).max() < 2e-13


@pytest.mark.parametrize("s", [0.1, 1 / 7 - 1e-9, 1 / 7, 0.2, 0.5, 0.84, 1.128, 3.0])
def test_rectified_moments_are_the_integrals(s):
    def moment(power):
        return integrate.quad(lambda z: (1 + s * z) ** power * stats.norm.pdf(z), -1 / s, 12, epsabs=1e-13)[0]
    mean, variance = rectified_moments(s)
    assert mean == pytest.approx(moment(1), rel=1e-11)
    assert variance == pytest.approx(moment(2) - moment(1) ** 2, rel=1e-9)


def test_without_noise_the_moments_are_1_and_0():
    assert [float(m) for m in rectified_moments(0.0)] == [1.0, 0.0]
