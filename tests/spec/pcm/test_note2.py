"""refpcm.spec.pcm.note2: the recorded equations, one after the other; what the read of a chip makes of them."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.spec import random
from refpcm.spec.pcm import note2
from refpcm.spec.pcm.chip import program, read, read_conductances
from refpcm.spec.pcm.device import DEVICES
from refpcm.spec.pcm.product_noise import weight_variances

DEVICE = DEVICES["joshi2020-note2"]
G_US = np.array([0.0, 1.0, 5.0, 14.0, 25.0])


def test_the_equations_are_those_of_the_record():
    z, z0, z1 = np.random.default_rng(0).standard_normal((3, 5))
    mu = np.maximum(-0.0045 * G_US + 0.08, np.minimum(0.06, np.maximum(-0.00169 * G_US + 0.0825, 0.055)))
    nu = mu + z / (8 * G_US + 30.0320)
    np.testing.assert_allclose(note2.note2_exponents(G_US, z, DEVICE), nu, rtol=1e-12)
    sigma_0 = 0.28638599 + 0.07585724 * G_US - 0.00178767 * G_US ** 2
    at_t0 = G_US * (27.36 / 20) ** -nu + sigma_0 * z0
    np.testing.assert_allclose(note2.note2_programmed_us(G_US, nu, z0, DEVICE), at_t0, rtol=1e-12)
    sigma_1 = 0.1923 + 0.1004 * G_US - 0.00729 * G_US ** 2 + 1.904e-4 * G_US ** 3
    at_t1 = at_t0 * (55.39 / 27.36) ** -nu + sigma_1 * z1
    np.testing.assert_allclose(note2.note2_read_us(G_US, at_t0, nu, z1, 40.0, DEVICE), at_t0 * (40 / 27.36) ** -nu,
                               rtol=1e-12)
    for t_s in (55.39, 86400.0):
        np.testing.assert_allclose(note2.note2_read_us(G_US, at_t0, nu, z1, t_s, DEVICE), at_t1 * (t_s / 55.39) ** -nu,
                                   rtol=1e-12)


def test_a_chip_draws_each_error_once_under_its_own_purpose():
    matrix = np.linspace(-1, 1, 12).reshape(4, 3)
    chip = program({"m": matrix}, DEVICE, 1, 2, dtype=np.float64)
    x = chip.crossbars[0]

    def z(purpose):
        return random.normals(1, 2, purpose, 0, 0, 0, 24).reshape(2, 4, 3)
    nu = note2.note2_exponents(x.g_target_us, z(random.Purpose.DRIFT_EXPONENT), DEVICE)
    np.testing.assert_array_equal(x.nu, nu)
    np.testing.assert_array_equal(
        x.g_prog_us, note2.note2_programmed_us(x.g_target_us, nu, z(random.Purpose.PROGRAMMING), DEVICE))
    expected = note2.note2_read_us(x.g_target_us, x.g_prog_us, nu, z(random.Purpose.LATE_ERROR), 1e6, DEVICE)
    np.testing.assert_array_equal(read_conductances(chip, x, 1e6, 7), expected)
    assert np.array_equal(read(chip, 1e6, 0)["m"], read(chip, 1e6, 5)["m"])


def test_what_the_model_does_not_have_is_refused():
    chip = program({"m": np.ones((2, 2))}, DEVICE, 1, 2)
    with pytest.raises(RefpcmError, match="27.36 s"):
        read(chip, 25.0)
    assert not weight_variances(chip, 1e6)["m"].any()
