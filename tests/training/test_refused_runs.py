"""What a run refuses before its first step, and what it keeps when it cannot be tested in the end."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.spec.resnet import build
from refpcm.spec.training.config import TrainingConfig
from refpcm.training import loop
from refpcm.training.report import finish
from refpcm.training.run import check_images

NONE, WIDE = np.zeros((0, 3, 32, 32), np.uint8), np.zeros((5, 3, 40, 40), np.uint8)
REFUSED = {
    "training images of another size": ({"train_images": WIDE}, {}, 10, "the training images of"),
    "test images of another size": ({"test_images": WIDE}, {}, 10, r"the test images of .* are \(3, 40, 40\)"),
    "no test images": ({"test_images": NONE, "test_labels": NONE}, {}, 10, "no test images"),
    "one class": ({}, {}, 1, "one class"),
    "more steps than addresses": ({}, {"epochs": 1e307, "batch_size": 1}, 10, "2.32 steps"),
    "a schedule of more steps": ({}, {"schedule_epochs": 1e308}, 10, "1e.308 epochs are more than 2.32 steps"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_images_that_cannot_be_trained_or_tested_on_are_refused(case):
    images, settings, classes, words = REFUSED[case]
    with pytest.raises(RefpcmError, match=words):
        check_images(TrainingConfig(**settings), build("tiny-resnet8", classes), replace(load(), **images))


def test_built_in_images_are_accepted():
    check_images(TrainingConfig(), build("tiny-resnet8", 10), load())
    check_images(TrainingConfig(epochs=np.inf), build("tiny-resnet8", 10), load())  # until a time budget is planned


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_network_that_cannot_be_tested_names_the_checkpoint(tmp_path):
    state = loop.start(TrainingConfig(kernels="numpy"), 10, "data")
    state.parameters["fc.weight"][:] = np.inf
    few = replace(load(), test_images=load().test_images[:20], test_labels=load().test_labels[:20])
    with pytest.raises(RefpcmError, match="not finite.*all steps are done and kept in .*checkpoint.safetensors"):
        finish(tmp_path, state, few, few)
    assert not list(tmp_path.iterdir())
