"""Checkpoints of another format, version or content are refused; damaged files: test_train_interrupted.py."""

import json

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
    "a configuration that is no JSON": ({"config": "{"}, "metadata are incomplete"),
    "an unknown setting": ({"config": json.dumps({"learning_speed": 1.0})}, "learning_speed"),
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
