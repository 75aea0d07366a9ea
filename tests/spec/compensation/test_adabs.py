"""refpcm.spec.compensation.adabs against its formula, and its effect on a drifted network."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast.chip import read
from refpcm.spec import random
from refpcm.spec.compensation.adabs import calibrate, calibration_images, decay, updated
from refpcm.spec.crossbars import program_network, with_matrices
from refpcm.spec.engine import Engine as SpecEngine
from refpcm.spec.network import forward
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.resnet import initial_parameters, tiny_resnet8

NETWORK = tiny_resnet8()
PARAMETERS = initial_parameters(NETWORK, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n),
                                np.float64)


def images(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 3, 32, 32))


def test_the_trained_statistics_keep_one_and_a_half_per_cent():
    for n in (1, 13, 100):
        assert decay(n) ** n == pytest.approx(0.015, rel=1e-12)
    assert updated(2.0, 4.0, 0.75) == 2.5


def test_statistics_follow_the_batches_by_the_formula():
    batches = [images(4, seed) for seed in range(3)]
    after = calibrate(SpecEngine(NETWORK), PARAMETERS, batches)
    p = 0.015 ** (1 / 3)
    for norm in ("bn1", "layer2.0.downsample.1", "layer3.0.bn2"):
        mean, variance = np.zeros_like(PARAMETERS[f"{norm}.running_mean"]), PARAMETERS[f"{norm}.running_var"]
        for batch in batches:
            source = forward(NETWORK, PARAMETERS, batch, training=True)[1]
            values = source.values[next(x.inputs[0] for x in NETWORK.layers if x.name == norm)]
            mean = p * mean + (1 - p) * values.mean((0, 2, 3))
            variance = p * variance + (1 - p) * values.var((0, 2, 3))
        np.testing.assert_allclose(after[f"{norm}.running_mean"], mean, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(after[f"{norm}.running_var"], variance, rtol=1e-10)


def test_nothing_but_the_statistics_changes():
    after = calibrate(SpecEngine(NETWORK), PARAMETERS, [images(4)])
    same = {name for name in PARAMETERS if after[name] is PARAMETERS[name]}
    assert {name for name in PARAMETERS if not name.rsplit(".", 1)[1].startswith("running")} == same


def test_a_drifted_network_gets_its_statistics_back():
    """The last batch norm's output has variance 1 again to within a third of the drifted network's error."""
    batches = [images(8, seed).astype(np.float32) for seed in range(4)]
    trained = calibrate(SpecEngine(NETWORK), PARAMETERS, batches)
    chip = program_network(NETWORK, PARAMETERS, JOSHI2020, 1, 2)
    drifted = with_matrices(NETWORK, trained, read(chip, 3e7))
    compensated = calibrate(SpecEngine(NETWORK), drifted, batches)

    def error(parameters):
        value = forward(NETWORK, parameters, images(8, 99))[1].values["layer3.0.bn2"]
        return abs(value.var((0, 2, 3)).mean() - 1)
    assert error(drifted) > 3 * error(compensated)


def test_calibration_images_are_different_and_depend_on_chip_and_draw():
    chosen = calibration_images(1, 2, 0, 5000)
    assert chosen.shape == (13, 200) and np.unique(chosen).size == 2600 and 0 <= chosen.min() <= chosen.max() < 5000
    assert np.array_equal(chosen.ravel(), random.permutation(1, 2, random.Purpose.CALIBRATION_SELECTION, 0, 0, 5000)[:2600])
    assert np.array_equal(chosen, calibration_images(1, 2, 0, 5000))
    assert not np.array_equal(chosen, calibration_images(1, 2, 1, 5000))
    assert not np.array_equal(chosen, calibration_images(1, 3, 0, 5000))


@pytest.mark.parametrize("batches, size, count", [(13, 200, 2599), (1, 1, 100)])
def test_too_few_images_are_refused(batches, size, count):
    with pytest.raises(RefpcmError, match="AdaBS"):
        calibration_images(1, 2, 0, count, batches, size)


def test_no_mini_batches_are_refused():
    with pytest.raises(RefpcmError, match="at least one mini-batch"):
        calibrate(SpecEngine(NETWORK), PARAMETERS, [])
