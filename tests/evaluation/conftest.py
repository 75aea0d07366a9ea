"""A small evaluation, for the tests of its units and of its run."""

import numpy as np
import pytest

from data_tools.writing import write
from refpcm.evaluation.protocol import Protocol
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.forms import find_forms
from refpcm.spec import random
from refpcm.spec.compensation.adabs import calibrate
from refpcm.spec.resnet import initial_parameters, tiny_resnet8

CLASSES = tuple("abcdefghij")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small evaluation: an untrained network, 40 training and 20 test images, 2 chips, 2 reads, 2 times.

    Labels of test images are what the network says of them, so that an error on the chip is an error of the test.
    """
    folder = tmp_path_factory.mktemp("evaluation")
    pixels, network = np.random.default_rng(0), tiny_resnet8()
    train, test = (pixels.integers(0, 256, (n, 3, 32, 32), np.uint8) for n in (40, 20))
    normalised = [((images / np.float32(255) - np.float32(0.5)) / np.float32(0.3)).astype(np.float32)
                  for images in (train, test)]
    parameters = initial_parameters(
        network, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
    engine = find_forms("direct").make_engine(network)
    parameters = calibrate(engine, parameters, normalised[:1])  # else all images look alike
    labels = engine.forward(parameters, normalised[1]).argmax(1).astype(np.uint8)
    write(folder / "data", "noise", CLASSES, {"train_images": train, "train_labels": np.zeros(40, np.uint8),
                                              "test_images": test, "test_labels": labels}, {})
    save_network(folder / "net.safetensors", NetworkFile(network, parameters, CLASSES, (0.5,) * 3, (0.3,) * 3))
    return Protocol(str(folder / "net.safetensors"), str(folder / "data"), seed=5, chips=2, reads=2,
                    times_s=(25.0, 1e7), adabs_batches=2, adabs_batch_size=8, calibration="train", kernels="direct")
