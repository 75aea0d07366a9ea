"""refpcm.training.match: where a retraining enters its baseline's schedule (Methods D)."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from refpcm import cli
from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.files.network_file import load_network, save_network
from refpcm.spec.training.config import TrainingConfig, override
from refpcm.training import loop
from refpcm.training.match import matched, noisy_accuracy, read_curve
from refpcm.training.request import Request
from refpcm.training.run import begin_run
from tests.commands import command
from tests.training.small_runs import SMALL

RETRAINING = TrainingConfig(epochs=2.0, batch_size=32, weight_noise=0.02, schedule="cosine", learning_rate=7.0, crop_padding=2,
                            warmup_epochs=0.25)


@pytest.fixture(scope="module")
def baseline(data, tmp_path_factory):
    """The folder of a run of 4 epochs by the step schedule, and its data."""
    folder = tmp_path_factory.mktemp("match") / "run"
    done = command("refpcm.train", "--data", data, *SMALL, "--schedule", "step", "--epochs", "4", "--crop-padding", "2",
                   "--weight-noise", "0", "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder, load(data)


def with_curve(baseline, tmp_path, accuracies):
    """A copy of the run whose curve has these accuracies."""
    folder, _ = baseline
    (tmp_path / "network.safetensors").write_bytes((folder / "network.safetensors").read_bytes())
    lines = [json.dumps({"epoch": n + 1, "train_accuracy": a}) for n, a in enumerate(accuracies)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    return tmp_path


@pytest.mark.parametrize("precision", ["float", "4-bit", "ternary"])
def test_the_accuracy_with_noise_is_that_of_an_epoch_that_learns_nothing(baseline, precision):
    folder, dataset = baseline
    retraining = replace(RETRAINING, weight_precision=precision)
    parameters = load_network(folder / "network.safetensors").parameters
    state = loop.start(override(retraining, {"learning_rate": 1e-30, "epochs": 1.0, "weight_decay": 0.0, "schedule": "constant",
                                             "batch_norm": "frozen"}, "test"), len(dataset.classes), "data")
    state.parameters = {name: value.copy() for name, value in parameters.items()}
    records = []
    loop.train(state, dataset, lambda state, total: False, lambda state, record: records.append(record))
    assert noisy_accuracy(retraining, parameters, dataset) == records[0]["train_accuracy"]


def test_the_pass_with_noise_normalises_by_the_baselines_running_statistics(baseline):
    folder, dataset = baseline
    parameters = load_network(folder / "network.safetensors").parameters
    shifted = {name: value + 100.0 if name.endswith("running_mean") else value for name, value in parameters.items()}
    kept, lost = (noisy_accuracy(RETRAINING, values, dataset) for values in (parameters, shifted))
    assert kept > 2 * lost  # statistics of the batch would not know of the shift


def test_the_rates_go_on_from_the_first_epoch_with_that_accuracy(baseline, tmp_path):
    folder, dataset = baseline
    accuracy = noisy_accuracy(RETRAINING, load_network(folder / "network.safetensors").parameters, dataset)
    curve = [accuracy - 0.1, accuracy - 1e-9, accuracy, accuracy - 0.05]
    config, found = matched(RETRAINING, with_curve(baseline, tmp_path, curve), dataset)
    assert found == {"noisy_train_accuracy": accuracy, "epoch": 3, "schedule_start": 2.0, "epochs": 2.0}
    assert (config.learning_rate, config.schedule, config.schedule_epochs) == (0.05, "step", 4.0)
    per_epoch = loop.steps_per_epoch(config, len(dataset.train_labels))
    rates = [loop.rate_at(config, step, per_epoch, 2 * per_epoch) for step in (0, per_epoch - 1, per_epoch)]
    assert rates == pytest.approx([0.05 * 0.01, 0.05 * 0.01, 0.05 * 0.001])  # of quarters 3 and 4


def test_no_more_epochs_than_the_schedule_has_left(baseline, tmp_path):
    config, found = matched(RETRAINING, with_curve(baseline, tmp_path, [0.0, 0.0, 0.0, 1.0]), baseline[1])
    assert config.epochs == found["epochs"] == 1.0


def test_what_does_not_fit_into_the_epochs_that_are_left_is_refused_before_the_training(baseline, tmp_path):
    averaging = replace(RETRAINING, average_epochs=1.5)
    with pytest.raises(RefpcmError, match="--match: average_epochs = 1.5 must be at most the epochs of the run, 1"):
        matched(averaging, with_curve(baseline, tmp_path, [0.0, 0.0, 0.0, 1.0]), baseline[1])


def test_a_configuration_file_may_not_set_what_is_found(baseline, data, tmp_path):
    (tmp_path / "mine.json").write_text('{"learning_rate": 0.02, "schedule": "cosine", "epochs": 1}')
    done = command("refpcm.train", "--config", tmp_path / "mine.json", "--match", baseline[0], "--data", data, cwd=tmp_path)
    assert done.returncode == 2 and "learning_rate in" in done.stderr and "schedule in" in done.stderr
    assert "leave out" in done.stderr and "epochs in" not in done.stderr and not (tmp_path / "runs").exists()


def test_a_retraining_of_a_retraining_goes_on_in_the_same_schedule(baseline, tmp_path):
    folder = with_curve(baseline, tmp_path, [1.0])
    file = load_network(folder / "network.safetensors")
    changed = {"schedule_epochs": 4.0, "schedule_start": 2.5, "epochs": 1.5, "warmup_epochs": 0.5}
    notes = {**file.notes, "config": {**file.notes["config"], **changed}}
    save_network(folder / "network.safetensors", replace(file, notes=notes))
    config, _ = matched(RETRAINING, folder, baseline[1])
    assert {name: getattr(config, name) for name in changed} == changed


def test_a_curve_that_never_had_the_accuracy_is_said(baseline, tmp_path):
    with pytest.raises(RefpcmError, match=r"never reached .* %.*highest: 0.10 %"):
        matched(RETRAINING, with_curve(baseline, tmp_path, [0.0, 0.001]), baseline[1])


def test_a_curve_may_be_longer_than_other_texts(tmp_path):
    lines = (json.dumps({"epoch": n, "train_accuracy": 0.5, "step": 1, "padding": "x" * 1000}) for n in range(1, 17001))
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    assert len(read_curve(tmp_path / "metrics.jsonl")) == 17000


@pytest.mark.parametrize("text", ["", "[]", '{"epoch": 1}', '{"epoch": 1, "train_accuracy": NaN}', "{", "\xff",
                                  '{"epoch": "1", "train_accuracy": 0.5}', '{"epoch": 1, "train_accuracy": true}'])
def test_what_is_no_curve_is_refused(tmp_path, text):
    (tmp_path / "metrics.jsonl").write_text(text)
    with pytest.raises(RefpcmError, match="not a training's log|is empty"):
        read_curve(tmp_path / "metrics.jsonl")


@pytest.mark.parametrize("epochs", [(2, 3), (1, 3), (2, 1), (1, 1), (0, 1), (1, 10 ** 400)])
def test_a_curve_with_lines_missing_or_changed_is_refused(tmp_path, epochs):
    (tmp_path / "metrics.jsonl").write_text("\n".join(json.dumps({"epoch": n, "train_accuracy": 0.5}) for n in epochs))
    with pytest.raises(RefpcmError, match="epochs are not 1, 2, 3"):
        read_curve(tmp_path / "metrics.jsonl")


def test_a_baseline_of_other_images_is_refused_before_the_pass(baseline):
    folder, dataset = baseline
    for other in (replace(dataset, train_labels=dataset.train_labels[::-1]),
                  replace(dataset, train_images=dataset.train_images[1:], train_labels=dataset.train_labels[1:])):
        with pytest.raises(RefpcmError, match="was trained on other images than those of .*--validation-images"):
            matched(RETRAINING, folder, other)


def test_folders_without_a_finished_run_of_this_network_are_refused(baseline, tmp_path):
    with pytest.raises(RefpcmError, match="finished run"):
        matched(RETRAINING, tmp_path, baseline[1])
    with pytest.raises(RefpcmError, match="holds tiny-resnet8; this run trains cifar-resnet20"):
        matched(override(RETRAINING, {"architecture": "cifar-resnet20"}, "test"), baseline[0], baseline[1])


def test_the_pass_with_noise_shows_its_progress(baseline, data, monkeypatch, tmp_path):
    class Meter:
        shown = []

        def __init__(self, what, unit):
            self.update = lambda done, total: self.shown.append((done, total))

        def clear(self):
            self.shown.append("cleared")
    monkeypatch.setattr(cli, "Meter", Meter)
    with pytest.raises(RefpcmError, match="never reached"):
        begin_run(Request(str(data), match=with_curve(baseline, tmp_path, [0.0])), RETRAINING)
    assert Meter.shown == [*((done, 10) for done in range(1, 11)), "cleared"]


def test_a_folder_that_cannot_be_written_is_refused_before_the_pass(baseline, data, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr("refpcm.training.run.matched", None)
    with pytest.raises(RefpcmError, match="cannot write .*config.json"):
        begin_run(Request(str(data), out=str(tmp_path / "run"), match=str(baseline[0])), RETRAINING)


@pytest.mark.parametrize("classes", [tuple("abcdefghij"), ("cat", "dog")])
def test_images_of_other_classes_are_refused_before_the_pass(baseline, classes):
    other = replace(baseline[1], classes=classes, name="other")
    with pytest.raises(RefpcmError, match="--match: .*network.safetensors knows the classes .*; other has .* with --data"):
        matched(RETRAINING, baseline[0], other)


def test_the_command_finds_prints_and_writes_it_down(baseline, data, tmp_path):
    (tmp_path / "baseline").mkdir()
    # So short a run may keep more accuracy with noise than its own curve ever had.
    folder = with_curve(baseline, tmp_path / "baseline", [0.01, 0.02, 0.03, 1.0])
    done = command("refpcm.train", "--preset", "joshi2020-cifar10-noise", "--match", folder, "--architecture",
                   "tiny-resnet8", "--data", data, "--batch-size", "32", "--epochs", "1", "--out", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
    recorded = json.loads((tmp_path / "run/config.json").read_text())
    found = recorded["matched"]
    assert found["epoch"] == 4
    assert f"as in epoch {found['epoch']} of the baseline" in done.stderr and "retraining" not in done.stderr
    assert recorded["schedule_start"] == found["schedule_start"] and recorded["schedule_epochs"] == 4.0
    start = load_network(baseline[0] / "network.safetensors").parameters
    after = load_network(tmp_path / "run/network.safetensors")
    assert after.notes["config"]["schedule_start"] == found["schedule_start"]
    assert any(not np.array_equal(start[name], value) for name, value in after.parameters.items())


@pytest.mark.parametrize("flags", [["--learning-rate", "0.1"], ["--start", "a"], ["--time-budget", "1h"],
                                   ["--schedule-start", "2"]])
def test_what_match_finds_is_not_given_beside_it(flags):
    done = command("refpcm.train", "--match", "somewhere", *flags)
    assert done.returncode == 2 and f"leave out {flags[0]}" in done.stderr
