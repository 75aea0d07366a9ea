"""`python -m refpcm.train` as a user runs it: to the end, and misused; interrupted: test_train_interrupted.py."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from refpcm.datasets import load
from refpcm.evaluation.prediction import accuracy
from refpcm.files.checkpoints import load_checkpoint
from refpcm.files.network_file import load_network
from refpcm.files.reading import sha256_of
from refpcm.forms import find_forms
from refpcm.spec.training.config import TrainingConfig
from refpcm.training import loop, report
from refpcm.training.run import hold_back
from tests.commands import command
from tests.training.small_runs import SMALL


def test_a_run_leaves_a_network_a_log_and_a_result(finished):
    folder, done = finished
    result = json.loads(done.stdout)
    assert result == json.loads((folder / "result.json").read_text())
    assert result["steps"] == 80 and result["total"] == 60 and result["correct"] / 60 == result["accuracy"]
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [r["epoch"] for r in records] == list(range(1, 9))
    assert records[-1]["train_loss"] < 0.8 * records[0]["train_loss"]
    config = json.loads((folder / "config.json").read_text())
    assert config["learning_rate"] == 0.05 and config["chips"] == 0 and config["versions"]["refpcm"]
    network = load_network(folder / "network.safetensors")
    assert network.notes["config"]["batch_size"] == 32 and len(network.classes) == 10


def test_evaluate_finds_the_accuracy_that_training_reported(finished, data):
    folder, done = finished
    evaluated = command("refpcm.evaluate", "--network", folder / "network.safetensors", "--data", data,
                        "--digital", "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    assert json.loads(evaluated.stdout)["correct"] == json.loads(done.stdout)["correct"]


@pytest.mark.parametrize("flags", [[], ["--weight-precision", "ternary"], ["--average-epochs", "1"]])
def test_the_log_has_the_accuracy_on_held_out_images(flags, data, tmp_path):
    """That of the network in the file: quantised and averaged, if it is."""
    done = command("refpcm.train", "--data", data, "--out", tmp_path, "--epochs", 2, *SMALL[:2], "--validation-images", 40,
                   *flags)
    assert done.returncode == 0, done.stderr
    last = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    network, (_, held) = load_network(tmp_path / "network.safetensors"), hold_back(load(data), 40)
    engine = find_forms("direct").make_engine(network.network)
    assert last["validation_accuracy"] == accuracy(find_forms("direct"), engine, network.parameters, held)[0]


def test_a_time_budget_fixes_the_number_of_epochs(data, tmp_path):
    done = command("refpcm.train", "--data", data, "--out", tmp_path / "run", *SMALL, "--time-budget", "4s", "--json")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["epochs"] != 8.0
    if done.returncode == 0:  # on a machine that slowed down meanwhile the run is left resumable
        assert json.loads(done.stdout)["steps"] == max(1, round(config["epochs"] * 10))
        assert json.loads(done.stdout)["training_seconds"] < 4
    else:
        assert done.returncode == 1 and "time budget spent" in done.stderr and "--resume" in done.stderr


def test_a_hopeless_learning_rate_is_reported_and_the_last_good_checkpoint_kept(data, tmp_path):
    folder = tmp_path / "run"
    done = command("refpcm.train", "--data", data, "--out", folder, *SMALL[:4], "--learning-rate", "1e30",
                   "--schedule", "constant", "--warmup-epochs", "5", "--epochs", "5", "--checkpoint-every", "0.0001")
    assert done.returncode == 2 and "diverged" in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1 and str(folder / "checkpoint.safetensors") in done.stderr
    kept = load_checkpoint(folder / "checkpoint.safetensors").parameters
    assert all(np.isfinite(value).all() for value in kept.values())


def test_a_resumed_run_tests_on_the_images_it_began_with(finished, data, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    done = command("refpcm.train", "--resume", folder)
    assert done.returncode == 0 and f"--data {data}" in done.stdout, done.stderr


def test_a_run_says_which_network_it_began_with(finished, data, tmp_path):
    start = finished[0] / "network.safetensors"
    done = command("refpcm.train", "--data", data, "--out", tmp_path, *SMALL, "--epochs", "0.2", "--start", start, "--json")
    assert done.returncode == 0, done.stderr
    digest = sha256_of(start)
    assert json.loads(done.stdout)["start_sha256"] == digest
    assert json.loads((tmp_path / "config.json").read_text())["start_sha256"] == digest
    assert load_checkpoint(tmp_path / "checkpoint.safetensors").start == digest
    assert load_network(tmp_path / "network.safetensors").notes["start_sha256"] == digest
    assert load_network(start).notes["start_sha256"] is None


def test_a_run_with_frozen_statistics_keeps_them_and_warns_of_another_clipping(finished, data, tmp_path):
    start = finished[0] / "network.safetensors"
    done = command("refpcm.train", "--data", data, "--out", tmp_path, *SMALL[:4], "--learning-rate", "0.001", "--epochs", "0.3",
                   "--start", start, "--batch-norm", "frozen", "--clip-sigma", "3", "--json")
    assert done.returncode == 0, done.stderr
    before, after = (load_network(path).parameters for path in (start, tmp_path / "network.safetensors"))
    assert all(np.array_equal(after[name], value) for name, value in before.items() if ".running_" in name)
    assert np.any(after["conv1.weight"] != before["conv1.weight"])
    assert f"warning: {start} was trained with clip_sigma = 2.0" in done.stderr


def test_a_retraining_without_a_network_to_begin_with_is_warned_of(data, tmp_path):
    done = command("refpcm.train", "--preset", "joshi2020-cifar10-noise", "--architecture", "tiny-resnet8", "--data", data,
                   "--out", tmp_path, *SMALL[:4], "--epochs", "0.1", "--json")
    assert done.returncode == 0 and "warning: this preset is a retraining" in done.stderr


@pytest.mark.parametrize("name", ["network.safetensors", "result.json", "metrics.jsonl", "config.json", "chips.png",
                                  "chips"])
def test_nothing_of_a_run_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("a week of work")
    done = command("refpcm.train", "--out", tmp_path)
    assert done.returncode == 2 and "would be overwritten" in done.stderr and name in done.stderr
    assert (tmp_path / name).read_text() == "a week of work"


MISUSES = {
    "unknown preset": (["--preset", "nobody"], "joshi2020-cifar10"),
    "unknown network": (["--architecture", "vgg"], "known are: "),
    "no such data": (["--data", "/nowhere"], "/nowhere"),
    "no such run": (["--resume", "/nowhere"], "/nowhere"),
    "a network is not a run": (["--resume", "NETWORK"], "network.safetensors/checkpoint.safetensors"),
    "resume with another seed": (["--resume", "RUN", "--seed", "3"], "leave out --seed"),
    "out cannot be made": (["--out", f"{__file__}/run"], "cannot make the folder"),
    "out holds a run": (["--out", "RUN"], "--resume"),
    "resume on other images": (["--resume", "RUN", "--data", "OTHER"], "other images"),
    "too many threads": (["--threads", "4096"], "--threads 4096"),
    "no threads": (["--threads", "0"], "--threads 0"),
    "batch larger than the data": (["--data", "DATA", "--batch-size", "1000", "--validation-images", "0"],
                                   "batch size 1000"),
    "all images held out": (["--data", "DATA", "--validation-images", "320"], "validation"),
    "no epochs": (["--epochs", "0"], "epochs"),
    "noise in per cent": (["--weight-noise", "3.8"], "below 1"),
    "a kind of noise without its strength": (["--noise-kind", "inputs"], "needs a strength of its own"),
    "fewer chips than none": (["--chips", "-1"], "--chips -1 must be zero or more"),
    "more chips than ever end": (["--chips", "400000"], "at most 333,333"),
    "a kind of noise without its strength, after none": (
        ["--preset", "joshi2020-cifar10", "--noise-kind", "inputs"], "needs a strength of its own"),
    "noise once an image without its strength, after none": (
        ["--preset", "joshi2020-cifar10", "--noise-kind", "additive-per-image"], "needs a strength of its own"),
    "chips without images for AdaBS": (["--data", "DATA", "--validation-images", "0", "--chips", "2"],
                                       "takes 2,600 training images"),
    "more epochs than ever end": (["--epochs", "1e307"], "2^32 steps"),
    "frozen statistics of no network": (["--batch-norm", "frozen"], "name one by --start"),
    "unknown flag": (["--lr", "3"], "--lr"),
    "bad time": (["--time-budget", "soon"], "soon"),
    "no such configuration": (["--config", "/nowhere.json"], "/nowhere.json"),
    "wrong image size": (["--architecture", "imagenet-resnet18", "--data", "DATA", "--validation-images", "0"],
                         "wants images (3, 224, 224)"),
    "a warm-up longer than the run": (["--epochs", "2", "--warmup-epochs", "5"], "at most the epochs of the run, 2"),
}


@pytest.mark.parametrize("case", MISUSES)
def test_a_mistake_gets_one_clear_sentence(finished, data, tmp_path, case):
    arguments, words = MISUSES[case]
    other = tmp_path / "other"
    if "OTHER" in arguments:
        made = command("data_tools.synthetic", "--train", 320, "--test", 60, "--seed", 9, "--out", other)
        assert made.returncode == 0, made.stderr
    names = {"RUN": finished[0], "NETWORK": finished[0] / "network.safetensors", "DATA": data, "OTHER": other}
    done = command("refpcm.train", *[names.get(a, a) for a in arguments], cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_help_imports_neither_numpy_nor_numba():
    code = ("import runpy, sys\n"
            "module, sys.argv = sys.argv[1], ['x', '--help']\n"
            "try: runpy.run_module(module, run_name='__main__')\n"
            "except SystemExit: pass\n"
            "print(sorted({'numpy', 'numba', 'scipy'} & set(sys.modules)))")
    for module in ("train", "evaluate", "expect", "reproduce", "convert"):
        done = subprocess.run([sys.executable, "-c", code, f"refpcm.{module}"], capture_output=True, text=True)
        assert done.stdout.startswith("usage: ") and done.stdout.endswith("[]\n"), done.stderr


def test_the_numpy_specification_and_the_fast_kernels_take_the_same_step(data, tmp_path):
    """Compared by the change of every tensor: rounding, and a ReLU that it tips over, are worth up to a per cent.

    docs/kernels.md says why.
    """
    changes = []
    for kernels in ("numpy", "direct", "winograd"):
        folder = tmp_path / kernels
        done = command("refpcm.train", "--data", data, "--out", folder, *SMALL, "--epochs", "0.1", "--kernels", kernels,
                       env={**os.environ, "OMP_NUM_THREADS": "1"})
        assert done.returncode == 0, done.stderr
        network, config = load_network(folder / "network.safetensors"), TrainingConfig(seed=0)
        initial = loop.start(config, 10, "").parameters
        changes.append({name: value - initial[name] for name, value in network.parameters.items()})
    for other in changes[1:]:
        for name, change in changes[0].items():
            assert np.linalg.norm(change - other[name]) <= 1e-2 * np.linalg.norm(change), name


def test_chips_leave_a_picture_where_matplotlib_is(tmp_path):
    pytest.importorskip("matplotlib")
    done = command("refpcm.train", "--out", tmp_path / "run", "--epochs", "0.05", "--chips", "1")
    assert done.returncode == 0 and f"picture  {tmp_path / 'run' / 'chips.png'}" in done.stdout, done.stderr
    assert (tmp_path / "run/chips.png").read_bytes()[:4] == b"\x89PNG"
    stored = json.loads((tmp_path / "run/result.json").read_text())["chips"]
    assert stored["rows"][0]["chips"] == 1
    found = json.loads(command("refpcm.inspect", tmp_path / "run/chips", "--json").stdout)
    assert found["kind"] == "evaluation" and found["facts"]["network file"] == "the file has this hash"
    assert [row[2] for row in found["rows"]] == [row["mean"] for row in stored["rows"]]


def test_without_matplotlib_there_is_no_picture(monkeypatch, tmp_path):
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    assert report.picture_of(tmp_path, None, None, None) is None and not list(tmp_path.iterdir())
