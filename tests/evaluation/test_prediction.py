"""From outputs to classes."""

from types import SimpleNamespace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.prediction import predict
from refpcm.forms import find_forms
from refpcm.spec.resnet import build, initial_parameters


def engine(logits):
    """Gives each image the logits of its first pixel's number."""
    return SimpleNamespace(forward=lambda parameters, images: logits[(images[:, 0, 0, 0] * 255 + 0.5).astype(int)])


IMAGES = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 4, 4), np.uint8)


def test_the_largest_output_is_the_class_whatever_the_batch():
    logits = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    for size in (1, 2, 5):
        assert np.array_equal(predict(find_forms("numpy"), engine(logits), {}, IMAGES, (0.0,), (1.0,), size), logits.argmax(1))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_is_no_answer(value):
    logits = np.zeros((5, 3), np.float32)
    logits[4, 2] = value
    with pytest.raises(RefpcmError, match="not finite"):
        predict(find_forms("numpy"), engine(logits), {}, IMAGES, (0.0,), (1.0,))


@pytest.mark.parametrize("kernels", ["numpy", "direct", "winograd"])
def test_a_network_beyond_its_arithmetic_gives_no_classes(kernels):
    network = build("tiny-resnet8")
    parameters = initial_parameters(network, lambda layer, count: np.random.default_rng(layer).standard_normal(count))
    huge = {name: value * np.float32(1e12) if "conv" in name else value for name, value in parameters.items()}
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 32, 32), np.uint8)
    with pytest.raises(RefpcmError, match="not finite"), np.errstate(all="ignore"):
        predict(find_forms(kernels), find_forms(kernels).make_engine(network), huge, images, (0.5,) * 3, (0.2,) * 3)
