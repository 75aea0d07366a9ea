"""Pipes and devices in the place of files: every reader of a named file refuses them at once."""

import os

import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.report import refuse_foreign
from refpcm.evaluation.store import Store
from refpcm.files.checkpoints import load_checkpoint
from refpcm.files.chips import load_chip
from refpcm.files.configuration import read_config_file
from refpcm.files.devices import read_device
from refpcm.files.network_file import load_network
from refpcm.training.config_file import as_begun
from refpcm.training.metrics import keep_records
from refpcm.training.request import Request

READERS = {
    "a configuration": ("c.json", read_config_file), "a TOML configuration": ("c.toml", read_config_file),
    "a device": ("d.toml", read_device), "a network": ("n.safetensors", load_network), "a chip": ("c.safetensors", load_chip),
    "a checkpoint": ("k.safetensors", load_checkpoint), "a log": ("metrics.jsonl", lambda path: keep_records(path, 0)),
    "a run": ("config.json", lambda path: as_begun(path.parent, Request())),
    "a result": ("result.json", lambda path: refuse_foreign(path.parent, "f")),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="wants named pipes")
@pytest.mark.parametrize("what", READERS)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_or_device_is_refused_without_waiting(tmp_path, what, kind):
    name, read = READERS[what]
    if kind == "pipe":
        os.mkfifo(tmp_path / name)
    else:
        os.symlink("/dev/zero", tmp_path / name)
    with pytest.raises(RefpcmError, match=name):
        read(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="wants named pipes")
def test_a_pipe_in_the_place_of_a_unit_is_no_unit(tmp_path):
    class Task:
        name, address = "x", {}
    store = Store(tmp_path, "f")
    os.mkfifo(store.path(Task()))
    assert store.load(Task()) == {}


@pytest.mark.parametrize("name, words", [("result.csv", "without a result.json"), ("dataset.json", "holds dataset.json"),
                                         ("checkpoint.safetensors", "holds checkpoint"), ("metrics.jsonl", "holds metrics")])
def test_an_evaluation_writes_into_no_folder_of_something_else(tmp_path, name, words):
    (tmp_path / name).write_text("mine")
    with pytest.raises(RefpcmError, match=words):
        refuse_foreign(tmp_path, "f")
    assert (tmp_path / name).read_text() == "mine"
