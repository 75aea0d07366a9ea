"""The sets aihwkit-pcm and hermes against aihwkit itself, fed with the same noise.

Run with -m peers; last seen to pass with aihwkit 1.2.0.
"""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.fast.chip import read
from refpcm.spec import random
from refpcm.spec.pcm.chip import program
from refpcm.spec.pcm.device import DEVICES

pytestmark = pytest.mark.peers

T_INFERENCE_S = 86400.0
WEIGHTS = np.random.default_rng(0).standard_normal((60, 50)).astype(np.float32)


def aihwkit_with(monkeypatch, module, make, noise):
    """aihwkit's programmed and drifted weights, its normal numbers taken from the list `noise`."""
    torch = pytest.importorskip("torch")
    models = pytest.importorskip(f"aihwkit.inference.noise.{module}", reason="wants aihwkit")
    left = [torch.tensor(z, dtype=torch.float64) for z in noise]
    monkeypatch.setattr(models, "randn_like", lambda like: left.pop(0))
    model = make(models)
    programmed, nu = model.apply_programming_noise(torch.tensor(WEIGHTS, dtype=torch.float64))
    drifted = model.apply_drift_noise(programmed, nu, T_INFERENCE_S)
    assert not left
    return programmed.numpy(), drifted.numpy()


@pytest.mark.parametrize("name, module, make", [
    ("aihwkit-pcm", "pcm", lambda m: m.PCMLikeNoiseModel(g_max=25.0)),
    ("hermes", "hermes", lambda m: m.HermesNoiseModel(num_devices=2)),
    ("hermes-1", "hermes", lambda m: m.HermesNoiseModel(num_devices=1))])
def test_the_same_noise_gives_the_same_weights(monkeypatch, name, module, make):
    device = replace(DEVICES[name], identity="collapsed")
    t_s = T_INFERENCE_S + device.t0_s
    chip = program({"m": WEIGHTS.astype(np.float64)}, device, 1, 2, dtype=np.float64)
    x = chip.crossbars[0]

    def planes(purpose, start=0):
        return random.normals(1, 2, purpose, 0, 0, start, x.nu.size).reshape(x.nu.shape)
    z_program, z_nu = planes(random.Purpose.PROGRAMMING), planes(random.Purpose.DRIFT_EXPONENT)
    z_read = planes(random.Purpose.READ_NOISE, int(np.float32(t_s).view(np.uint32)) << 32)
    order = [z_program[0], z_nu[0], z_program[1], z_nu[1], z_read[0], z_read[1]]
    programmed, drifted = aihwkit_with(monkeypatch, module, make, order)
    np.testing.assert_allclose((x.g_prog_us[0] - x.g_prog_us[1]) * x.w_max / device.g_max_us, programmed, atol=1e-12)
    np.testing.assert_allclose(read(chip, t_s)["m"], drifted, rtol=1e-6, atol=1e-9)


def test_the_published_model_differs_from_aihwkit_where_the_interpretations_say():
    """I-7 and I-8 matter: at one day the read noise and the idle device are not the same thing."""
    own, theirs = (read(program({"m": WEIGHTS}, DEVICES[n], 1, 2), 86400.0)["m"] for n in ("joshi2020", "aihwkit-pcm"))
    assert 0.001 < np.abs(own - theirs).mean() < 0.1
