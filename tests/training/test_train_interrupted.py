"""`python -m refpcm.train` killed, stopped by a signal, on a full disk or with a damaged checkpoint, and resumed."""

import json
import random
import signal

import numpy as np
import pytest

from refpcm import cli
from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.files.checkpoints import load_checkpoint, save_checkpoint
from refpcm.spec.training.config import TrainingConfig
from refpcm.training import loop, session
from refpcm.training.config_file import identity_of
from refpcm.training.request import Request
from refpcm.training.run import begin, hold_back, resume_run
from refpcm.training.session import CHECKPOINT, Session
from tests.commands import command
from tests.training.small_runs import SMALL, kill, launch, wait_for_a_step_beyond


@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_run_killed_again_and_again_ends_in_the_same_bytes(finished, data, tmp_path, times):
    """SIGKILL at random moments, with a checkpoint after every step; weights, notes and log figures must not differ."""
    folder, chance, step = tmp_path / "killed", random.Random(1), 0
    arguments = ["--data", data, "--out", folder, "--epochs", 8, *SMALL]
    for _ in range(times):
        process = launch(*arguments, "--checkpoint-every", "0.0001")
        step = kill(process, folder / "checkpoint.safetensors", step, chance.random() * 0.05)
        process.stderr.close()
        arguments = ["--resume", folder]
    done = command("refpcm.train", "--resume", folder)
    assert done.returncode == 0, done.stderr
    whole = finished[0]
    assert (folder / "network.safetensors").read_bytes() == (whole / "network.safetensors").read_bytes()
    figures = [[{k: v for k, v in json.loads(line).items() if k not in ("seconds", "images_per_second")}
                for line in (f / "metrics.jsonl").read_text().splitlines()] for f in (folder, whole)]
    assert figures[0] == figures[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_signal_finishes_the_step_saves_and_says_how_to_resume(finished, data, tmp_path, number):
    folder = tmp_path / "stopped"
    process = launch("--data", data, "--out", folder, "--epochs", 8, *SMALL, "--checkpoint-every", "0.0001")
    wait_for_a_step_beyond(0, folder / "checkpoint.safetensors", process)
    process.send_signal(number)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"--resume {folder}" in words and "Traceback" not in words
    done = command("refpcm.train", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "network.safetensors").read_bytes() == (finished[0] / "network.safetensors").read_bytes()


def test_a_run_whose_log_has_no_reader_any_more_goes_on_to_its_end(finished, data, tmp_path):
    process = launch("--data", data, "--out", tmp_path / "run", "--epochs", 8, *SMALL)
    process.stderr.close()
    assert process.wait(60) == 0
    assert (tmp_path / "run/network.safetensors").read_bytes() == (finished[0] / "network.safetensors").read_bytes()


def test_an_epoch_is_saved_before_it_is_told(data, monkeypatch, tmp_path):
    training, validation = hold_back(load(data), 0)
    state = loop.start(TrainingConfig(epochs=0.1, batch_size=32, kernels="numpy"), 10, identity_of(training))
    one, told = Session(tmp_path, state, training, validation, Request(checkpoint_every_s=1e9), 0.0, ""), {}
    monkeypatch.setattr(cli, "say", lambda text, end="": told.update({text[:5]: (tmp_path / CHECKPOINT).exists()}))
    assert one.run() and told["epoch"]


FEW = TrainingConfig(epochs=0.1, batch_size=8, validation_images=0, kernels="direct")  # 4 steps on the 320 images


@pytest.fixture
def begun(data, tmp_path):
    """Return a function: name -> folder of a run that has only just begun."""
    def beginning(name):
        training, _ = hold_back(load(data), 0)
        (tmp_path / name).mkdir()
        begin(tmp_path / name, loop.start(FEW, 10, identity_of(training)), Request(data=str(data), chips=0), training)
        return tmp_path / name
    return beginning


def test_a_session_whose_time_is_spent_saves_and_the_run_ends_in_the_same_bytes(begun, monkeypatch, capsys):
    """A clock on which each step takes a second: 1.5 s are spent after the second step."""
    whole, folder, steps = begun("whole"), begun("stopped"), []

    def step(*arguments, original=loop.training_step):
        steps.append(None)
        return original(*arguments)
    monkeypatch.setattr(loop, "training_step", step)
    with monkeypatch.context() as clock:
        clock.setattr(session.time, "monotonic", lambda: 100.0 + len(steps))
        assert resume_run(folder, Request(time_budget_s=1.5, checkpoint_every_s=1e9)) == 1
    assert load_checkpoint(folder / CHECKPOINT).step == len(steps) == 2 and not (folder / "network.safetensors").exists()
    said = f"stopped after step 2 of 4 (time budget spent); go on with: python -m refpcm.train --resume {folder}\n"
    assert said in capsys.readouterr().err
    assert resume_run(folder, Request()) == resume_run(whole, Request()) == 0 and len(steps) == 2 + 2 + 4
    assert (folder / "network.safetensors").read_bytes() == (whole / "network.safetensors").read_bytes()


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_weights_that_are_not_finite_are_not_saved(value, tmp_path):
    state = loop.start(FEW, 10, "")
    one = Session(tmp_path, state, None, None, Request(), 0.0, "")
    one.save(state)
    before = (tmp_path / CHECKPOINT).read_bytes()
    state.step, state.parameters["fc.weight"][3, 5] = 7, value
    with pytest.raises(RefpcmError, match="no longer finite at step 7: training has diverged; begin anew with a smaller --learn"):
        one.save(state)
    assert (tmp_path / CHECKPOINT).read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_run_on_the_built_in_images_can_be_resumed_without_its_configuration(tmp_path):
    """Killed between the two files of its beginning."""
    training, _ = hold_back(load(), 1000)
    state = loop.start(TrainingConfig(epochs=0.02, validation_images=1000), 10, identity_of(training))
    save_checkpoint(tmp_path / CHECKPOINT, state)
    done = command("refpcm.train", "--resume", tmp_path, "--json")
    assert done.returncode == 0 and "config.json is missing or damaged and written anew: the built-in images, 0 chips" in done.stderr
    assert json.loads(done.stdout)["steps"] == 1
    assert json.loads((tmp_path / "config.json").read_text())["data_identity"] == state.data


def test_a_run_whose_images_are_named_again_gets_its_missing_configuration(finished, data, tmp_path):
    (tmp_path / CHECKPOINT).write_bytes((finished[0] / CHECKPOINT).read_bytes())
    assert resume_run(tmp_path, Request(data=str(data), chips=0)) == 0
    assert json.loads((tmp_path / "config.json").read_text())["data"] == str(data)


@pytest.mark.parametrize("held", [0, 20000])
def test_a_run_on_other_images_asks_for_them_where_its_configuration_is_missing(held, tmp_path):
    config = TrainingConfig(validation_images=held, kernels="numpy")
    save_checkpoint(tmp_path / CHECKPOINT, loop.start(config, 10, "of other images"))
    with pytest.raises(RefpcmError, match="config.json cannot be read .* say where the images are with --data"):
        resume_run(tmp_path, Request())


@pytest.mark.slow
def test_chips_that_were_asked_for_are_not_forgotten(tmp_path):
    """A demonstration with other flags, stopped before its end: resumed, it goes on its chips."""
    folder = tmp_path / "run"
    process = launch("--out", folder, "--batch-size", 32, "--epochs", 0.05, "--chips", 1, "--checkpoint-every", "0.0001")
    kill(process, folder / "checkpoint.safetensors", 0)
    process.stderr.close()
    done = command("refpcm.train", "--resume", folder, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["chips"]["protocol"]["chips"] == 1


BROKEN = {
    "truncated": lambda raw: raw[:len(raw) // 2],
    "empty": lambda raw: b"",
    "one bit flipped": lambda raw: raw[:-100] + bytes([raw[-100] ^ 4]) + raw[-99:],
    "foreign": lambda raw: b"PK\x03\x04 something else entirely" * 100,
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_damaged_checkpoint_is_refused_by_name(finished, tmp_path, how):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.json").write_bytes((finished[0] / "config.json").read_bytes())
    (folder / "checkpoint.safetensors").write_bytes(BROKEN[how]((finished[0] / "checkpoint.safetensors").read_bytes()))
    done = command("refpcm.train", "--resume", folder)
    assert done.returncode == 2 and "checkpoint.safetensors" in done.stderr and "Traceback" not in done.stderr


def full_disk():
    """A file-size limit in the process that calls it: a write fails half-way, too."""
    import resource
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_disk_that_is_full_from_the_start_ends_in_a_sentence_and_an_empty_folder(data, tmp_path):
    folder = tmp_path / "run"
    done = command("refpcm.train", "--data", data, "--out", folder, *SMALL, "--epochs", "1", preexec_fn=full_disk)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"cannot write {folder}/checkpoint.safetensors" in done.stderr and "saved before" not in done.stderr
    assert not list(folder.glob("*.*"))  # so that the same command may be given again


def test_a_disk_that_fills_up_ends_in_a_sentence_and_keeps_the_old_checkpoint(data, tmp_path):
    folder = tmp_path / "run"
    process = launch("--data", data, "--out", folder, *SMALL, "--checkpoint-every", "0.0001")
    kill(process, folder / "checkpoint.safetensors", 2)
    process.stderr.close()
    before = (folder / "checkpoint.safetensors").read_bytes()
    done = command("refpcm.train", "--resume", folder, preexec_fn=full_disk)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"cannot write {folder}/checkpoint.safetensors" in done.stderr and "saved before is in" in done.stderr
    assert (folder / "checkpoint.safetensors").read_bytes() == before
