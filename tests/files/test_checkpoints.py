"""Checkpoints of another format, version or content are refused; damaged files: test_train_interrupted.py."""

import json

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.files.checkpoints import load_checkpoint, save_checkpoint
from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.spec.training.config import TrainingConfig
from refpcm.training import loop

CHANGES = {
    "a file of another kind": ({"format": "refpcm network"}, "is not a training checkpoint but 'refpcm network'"),
    "another version": ({"version": "99"}, "has checkpoint version 99"),
    "counters without the step": ({"counters": json.dumps({"classes": 10, "data": "data", "loss_sum": "0x0.0p+0"})},
                                  "metadata are incomplete"),
    "a configuration that is no JSON": ({"config": "{"}, "its configuration: it is not JSON"),
    "a configuration that is nested too deeply": ({"config": "[" * 99999}, "nested too deeply"),
    "an unknown setting": ({"config": json.dumps({"learning_speed": 1.0})}, "learning_speed"),
    "a network of another version": ({"config": json.dumps({"architecture": "resnet-of-tomorrow"})},
                                     "unknown architecture 'resnet-of-tomorrow'.*another version of refpcm may have written it"),
    "parameters of another network": ({"config": json.dumps({"architecture": "joshi2020-resnet32"})}, "do not fit"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_checkpoint_that_is_not_this_programs_is_refused(tmp_path, case):
    changes, words = CHANGES[case]
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, loop.start(TrainingConfig(), 10, "data"))
    tensors, metadata = read_tensors(path)
    assert load_checkpoint(path).step == 0
    write_tensors(path, tensors, {**metadata, **changes})
    with pytest.raises(RefpcmError, match=words) as refused:
        load_checkpoint(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("change, words", [
    ({"step": 10 ** 12}, "number step is 1000000000000"), ({"step": -1}, "number step"), ({"step": 1.5}, "number step"),
    ({"classes": "10"}, "number classes"), ({"correct": True}, "number correct"), ({"loss_sum": "inf"}, "sum of losses"),
    ({"loss_sum": "0x1p99999"}, "metadata are incomplete"), ({"seconds": -1}, "its time"), ({"seconds": "1"}, "its time"),
    ({"data": 5}, "identity of its data"), ({"start": []}, "identity of its data")])
def test_counters_that_no_run_leaves_are_refused(tmp_path, change, words):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, loop.start(TrainingConfig(), 10, "data"))
    tensors, metadata = read_tensors(path)
    write_tensors(path, tensors, {**metadata, "counters": json.dumps({**json.loads(metadata["counters"]), **change})})
    with pytest.raises(RefpcmError, match=words):
        load_checkpoint(path)


@pytest.mark.parametrize("name, value", [("parameters/fc.bias", np.full(10, np.nan, np.float32)),
                                         ("velocity/fc.bias", np.zeros(10)), ("parameters/fc.bias", np.zeros(10, np.int32))])
def test_numbers_that_no_run_leaves_are_refused(tmp_path, name, value):
    path = tmp_path / "checkpoint.safetensors"
    save_checkpoint(path, loop.start(TrainingConfig(), 10, "data"))
    tensors, metadata = read_tensors(path)
    write_tensors(path, {**tensors, name: value}, metadata)
    with pytest.raises(RefpcmError, match="not all finite float32"):
        load_checkpoint(path)
