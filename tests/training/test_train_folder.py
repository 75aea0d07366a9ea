"""Where `python -m refpcm.train` writes: two runs never share a folder, and folders that cannot be are refused."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.files.lock import locked
from refpcm.spec.training.config import TrainingConfig
from refpcm.train import arguments, request_of
from refpcm.training import loop
from refpcm.training.config_file import as_begun, identity_of, refuse_changed
from refpcm.training.request import Request
from refpcm.training.run import begin
from tests.commands import command

FEW = ["--batch-size", "32", "--validation-images", "0", "--chips", "0", "--kernels", "numpy"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "few"
    assert command("data_tools.synthetic", "--train", 64, "--test", 20, "--out", folder).returncode == 0
    return folder


def train(*arguments, cwd):
    """One thread of BLAS: two commands on two cores would otherwise wait for each other."""
    return subprocess.Popen([sys.executable, "-m", "refpcm.train", *FEW, *map(str, arguments)], cwd=cwd, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})


def test_two_commands_that_begin_together_get_two_folders(data, tmp_path):
    both = [train("--data", data, "--epochs", 1, "--seed", seed, cwd=tmp_path) for seed in (1, 2)]
    assert [process.wait(60) for process in both] == [0, 0]
    found = [json.loads((tmp_path / "runs" / f"train-00{i}" / "result.json").read_text())["seed"] for i in (1, 2)]
    assert sorted(found) == [1, 2]


def test_a_folder_in_use_is_refused_to_a_new_run_and_to_a_resumed_one(data, tmp_path):
    first = train("--data", data, "--epochs", 10000, "--out", "one", "--checkpoint-every", "0.01", cwd=tmp_path)
    while not (tmp_path / "one" / "config.json").exists():
        assert first.poll() is None
        time.sleep(0.05)
    second = train("--data", data, "--epochs", 1, "--out", "one", cwd=tmp_path)
    assert second.wait(60) == 2 and "one " in second.stderr.read()
    while not (tmp_path / "one" / "checkpoint.safetensors").exists():
        assert first.poll() is None
        time.sleep(0.05)
    third = command("refpcm.train", "--resume", "one", cwd=tmp_path)
    assert third.returncode == 2 and "in use by another command" in third.stderr
    first.kill()
    first.wait()
    with locked(tmp_path / "one"):  # free again
        pass


def test_the_command_that_comes_next_can_be_pasted(data, tmp_path):
    process = train("--data", data, "--epochs", 1, "--out", "two words", cwd=tmp_path)
    assert "--network 'two words/network.safetensors' --data" in process.communicate()[0] and process.returncode == 0


def test_a_lock_is_for_one(tmp_path):
    with locked(tmp_path), pytest.raises(RefpcmError, match="in use"), locked(tmp_path):
        pass
    with pytest.raises(RefpcmError, match="No such file"), locked(tmp_path / "missing"):
        pass


@pytest.mark.parametrize("out", ["file", "file/below", "loop"])
def test_a_folder_that_cannot_be_is_refused(out, data, tmp_path):
    (tmp_path / "file").touch()
    os.symlink("loop", tmp_path / "loop")
    process = train("--data", data, "--epochs", 1, "--out", out, cwd=tmp_path)
    errors = process.communicate()[1]
    assert process.returncode == 2 and f"cannot make the folder {out}" in errors and "Traceback" not in errors


@pytest.mark.parametrize("content", [b"5", b"[]", b'{"data": 5}', b'{"data": {}}', b'{"data": null, "chips": 1.5}',
                                     b"{", b"\xff", b"[" * 99999])
def test_a_damaged_config_of_a_resumed_run_is_refused_by_name(content, tmp_path):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(RefpcmError, match="config.json cannot be read .* --data"):
        as_begun(tmp_path, Request())


@pytest.mark.parametrize("given, wanted", [
    ((None, None), ("images", 2)), (("elsewhere", None), ("elsewhere", 2)), ((None, 0), ("images", 0))])
def test_a_resumed_run_remembers_its_images_and_chips(given, wanted, tmp_path):
    (tmp_path / "config.json").write_text('{"data": "images", "chips": 2}')
    request = as_begun(tmp_path, Request(data=given[0], chips=given[1]))
    assert (request.data, request.chips) == wanted


@pytest.mark.parametrize("words, chips", [
    ([], 3), (["--preset", "demo"], 3), (["--preset", "joshi2020-cifar10"], None), (["--config", "mine.toml"], None),
    (["--data", "images"], None), (["--chips", "1"], 1), (["--resume", "runs/one"], None)])
def test_the_demonstration_alone_goes_on_chips_unasked(words, chips):
    assert request_of(arguments(words)).chips == chips


@pytest.mark.parametrize("flag", ["--out", "--resume", "--start", "--config", "--data"])
def test_an_empty_name_is_not_taken_for_no_name(flag, tmp_path):
    process = train(flag, "", cwd=tmp_path)
    assert process.wait(60) == 2 and f"{flag}: a name is wanted, not an empty text" in process.stderr.read()
    assert os.listdir(tmp_path) == []


@pytest.fixture
def begun(data, tmp_path):
    """A run that has only just begun in tmp_path: its images, a Dataset, and its State."""
    dataset = load(data)
    state = loop.start(TrainingConfig(batch_size=8), 10, identity_of(dataset))
    begin(tmp_path, state, Request(chips=0), dataset)
    return dataset, state


def test_a_run_goes_on_as_it_began(begun, tmp_path):
    dataset, state = begun
    refuse_changed(tmp_path, state, dataset)
    with pytest.raises(RefpcmError, match="was trained on other images than those of synthetic-figures; give the --data folder"):
        refuse_changed(tmp_path, state, replace(dataset, train_labels=dataset.train_labels[::-1]))
    other = replace(dataset, test_images=dataset.test_images[1:], test_labels=dataset.test_labels[1:])
    with pytest.raises(RefpcmError, match="was begun with other test images than those of synthetic-figures; give the --data"):
        refuse_changed(tmp_path, state, other)


def test_settings_edited_in_the_middle_of_a_run_are_refused_and_not_ignored(begun, tmp_path):
    dataset, state = begun
    path = tmp_path / "config.json"
    written = json.loads(path.read_text())
    path.write_text(json.dumps({**written, "learning_rate": 0.5}))
    with pytest.raises(RefpcmError, match="says learning_rate = 0.5, but the run was begun with 0.2 and can only go on so"):
        refuse_changed(tmp_path, state, dataset)
    for older in ({name: value for name, value in written.items() if name not in ("test_identity", "flip")}, [], None):
        path.write_text(json.dumps(older))
        refuse_changed(tmp_path, state, dataset)
