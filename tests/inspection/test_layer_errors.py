"""refpcm.inspection.layer_errors against closed forms."""

import numpy as np
import pytest

from refpcm.fast.chip import read
from refpcm.inspection.layer_errors import layer_errors, mvm_error, snr_db
from refpcm.spec import random
from refpcm.spec.compensation.global_drift import compensated_read, reference_readouts
from refpcm.spec.crossbars import program_network, to_matrices
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.resnet import initial_parameters, tiny_resnet8

NETWORK = tiny_resnet8()
PARAMETERS = initial_parameters(NETWORK, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
IMAGES = np.random.default_rng(0).standard_normal((4, 3, 32, 32)).astype(np.float32)


def test_mvm_error_and_snr_by_hand():
    assert mvm_error(np.array([[3.0, 4.4]]), np.array([[3.0, 4.0]])) == pytest.approx(0.08)
    assert snr_db(0.1) == pytest.approx(20.0) and snr_db(0.0) is None is snr_db(float("inf"))
    assert mvm_error(np.zeros(3), np.zeros(3)) == 0.0 and mvm_error(np.ones(3), np.zeros(3)) == float("inf")


def test_a_layer_scaled_by_a_tenth_has_error_a_tenth_and_its_followers_none():
    matrices = to_matrices(NETWORK, PARAMETERS)
    matrices["layer1.0.conv1"] = matrices["layer1.0.conv1"] * np.float32(1.1)
    errors = layer_errors(NETWORK, PARAMETERS, matrices, IMAGES)
    assert list(errors) == list(matrices)
    assert errors.pop("layer1.0.conv1") == pytest.approx(0.1, rel=1e-5)
    assert max(errors.values()) == 0.0


def test_white_inputs_give_the_weight_error():
    """With independent inputs E ||x (W_hat - W)||^2 / E ||x W||^2 = ||W_hat - W||^2 / ||W||^2: first layer, 5 %."""
    chip = program_network(NETWORK, PARAMETERS, JOSHI2020, 1, 2)
    w, w_hat = to_matrices(NETWORK, PARAMETERS)["conv1"], read(chip, 25.0)["conv1"]
    errors = layer_errors(NETWORK, PARAMETERS, {"conv1": w_hat}, IMAGES)
    assert errors["conv1"] == pytest.approx(np.linalg.norm(w_hat - w) / np.linalg.norm(w), rel=0.05)


def test_compensation_lowers_the_error_of_every_drifted_layer():
    chip = program_network(NETWORK, PARAMETERS, JOSHI2020, 1, 2)
    raw, compensated, _ = compensated_read(chip, 3e7, 0, reference_readouts(chip))
    before, after = (layer_errors(NETWORK, PARAMETERS, m, IMAGES) for m in (raw, compensated))
    assert all(after[name] < before[name] for name in before)
