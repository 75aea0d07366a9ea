"""Configurations: presets, overrides, and what is refused."""

import ast
import json
import sys
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from refpcm.errors import RefpcmError
from refpcm.files.configuration import read_config_file
from refpcm.spec.training import config
from refpcm.spec.training.config import PRESETS, TrainingConfig, checked, override, preset
from refpcm.train import arguments, resolve

NAN, INFINITY = float("nan"), float("inf")
OUT_OF_RANGE = [("epochs", 0.0), ("epochs", NAN), ("epochs", INFINITY), ("epochs", 10 ** 400), ("batch_size", 0),
                ("batch_size", -3), ("learning_rate", -0.1), ("momentum", 1.0), ("label_smoothing", -0.1),
                ("weight_decay", -1.0), ("crop_padding", -1), ("seed", 2 ** 32)]
NO_CHOICE = [("schedule", "stairs"), ("decay", "some"), ("kernels", "cuda")]
OTHER_TYPE = [("batch_size", 1.5), ("batch_size", True), ("flip", 1), ("nesterov", "yes"), ("architecture", 5)]


@pytest.mark.parametrize("name, value", OUT_OF_RANGE + NO_CHOICE + OTHER_TYPE)
def test_a_bad_value_is_refused_by_name(name, value):
    with pytest.raises(RefpcmError, match=f"here: {name}"):
        override(TrainingConfig(), {name: value}, "here")


def test_unknown_keys_are_listed_together_with_the_valid_ones():
    with pytest.raises(RefpcmError, match="'epoch', 'lr'; valid are: architecture, epochs"):
        override(TrainingConfig(), {"lr": 1, "epoch": 2}, "here")


def test_a_whole_number_is_taken_for_a_float():
    assert override(TrainingConfig(), {"epochs": 3}, "here").epochs == 3.0


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid_and_survives_json(name):
    config = checked(preset(name), name)
    assert override(TrainingConfig(), json.loads(json.dumps(asdict(config))), name) == config


# All fields of the presets of the paper.
PAPER = {
    "architecture": "joshi2020-resnet32", "epochs": 200.0, "batch_size": 128, "batch_parts": 1, "learning_rate": 0.1,
    "schedule": "step", "schedule_epochs": 0.0, "schedule_start": 0.0, "warmup_epochs": 0.0, "momentum": 0.9,
    "nesterov": False, "weight_decay": 5e-4, "decay": "all", "label_smoothing": 0.0, "crop_padding": 2,
    "resized_crop": False, "flip": True, "cutout": 16, "weight_noise": 0.0, "noise_kind": "additive",
    "noise_layers": "all", "weight_precision": "float", "batch_norm": "batch", "backward": "clean", "clip_sigma": None,
    "validation_images": 0, "average_epochs": 0.0, "seed": 0, "kernels": "winograd"}
FIXED = {
    "joshi2020-cifar10": PAPER,
    "joshi2020-cifar10-noise": {**PAPER, "epochs": 150.0, "schedule_epochs": 200.0, "schedule_start": 50.0,
                                "weight_noise": 0.038, "clip_sigma": 2.0},
    "joshi2020-imagenet": {**PAPER, "architecture": "imagenet-resnet34", "epochs": 10.0, "batch_size": 400,
                           "batch_parts": 1, "learning_rate": 0.001, "schedule": "constant", "weight_decay": 1e-4,
                           "crop_padding": 0, "resized_crop": True, "cutout": 0, "weight_noise": 0.038,
                           "clip_sigma": 2.5},
}


@pytest.mark.parametrize("name", FIXED)
def test_presets_of_the_paper_have_the_values_of_their_sources(name):
    assert asdict(preset(name)) == FIXED[name]


@pytest.mark.parametrize("values, said", [
    ({"schedule_epochs": 10.0, "schedule_start": 3.0, "epochs": 8.0}, "epochs = 8.0 must be at most 7, what is left"),
    ({"schedule_start": 1.0}, "schedule_start = 1.0 must be below schedule_epochs, .*, 0; give both"),
    ({"schedule_start": 9.0, "schedule_epochs": 9.0}, "schedule_start = 9.0 must be below"),
    ({"schedule_epochs": 5.0}, "at most 5"),
    ({"noise_layers": "inner", "noise_kind": "inputs", "weight_noise": 0.1}, "noise_layers = 'inner' must be all"),
    ({"noise_layers": "first"}, "one of all, inner")])
def test_a_part_of_a_schedule_and_noise_on_some_layers_must_make_sense(values, said):
    with pytest.raises(RefpcmError, match=said):
        override(TrainingConfig(), values, "here")
    override(TrainingConfig(), {"schedule_epochs": 10.0, "schedule_start": 3.0, "epochs": 7.0}, "here")


@pytest.mark.parametrize("name", FIXED)
def test_presets_of_the_paper_write_every_hyper_parameter_out(name):
    tree = ast.parse(Path(config.__file__).read_text())
    presets = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "PRESETS")
    call = next(value for key, value in zip(presets.keys, presets.values) if key.value == name)
    assert {keyword.arg for keyword in call.keywords} == {field.name for field in fields(TrainingConfig)}


def test_what_flags_complete_is_judged_as_a_whole(tmp_path):
    """A file's average_epochs beyond the preset's epochs is fine with the epochs of a flag."""
    path = tmp_path / "c.json"
    path.write_text('{"average_epochs": 20}')
    config = resolve(arguments(["--config", str(path), "--epochs", "40"]))
    assert (config.average_epochs, config.epochs) == (20.0, 40.0)
    with pytest.raises(RefpcmError, match="at most the epochs of the run, 8"):
        resolve(arguments(["--config", str(path)]))


def test_with_a_time_budget_the_epochs_asked_for_are_the_most_and_the_presets_count_for_nothing(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"epochs": 0.1}')
    budget = ["--time-budget", "10h"]
    assert resolve(arguments([*budget, "--average-epochs", "10", "--schedule-epochs", "5"])).epochs == float("inf")
    assert resolve(arguments([*budget, "--config", str(path)])).epochs == 0.1
    assert resolve(arguments([*budget, "--config", str(path), "--epochs", "3"])).epochs == 3.0
    for flags, words in ((["--epochs", "5", "--average-epochs", "10"], "at most the epochs of the run, 5"),
                         (["--average-epochs", "-1"], "average_epochs = -1.0 must be zero or more")):
        with pytest.raises(RefpcmError, match=words):
            resolve(arguments([*budget, *flags]))


def test_with_match_the_schedule_of_the_preset_counts_for_nothing():
    noise = ["--preset", "joshi2020-cifar10-noise", "--match", "somewhere"]
    config = resolve(arguments([*noise, "--epochs", "180"]))
    assert (config.epochs, config.schedule_epochs, config.schedule_start) == (180.0, 0.0, 0.0)
    with pytest.raises(RefpcmError, match="at most 150, what is left of the schedule"):
        resolve(arguments([*noise[:2], "--epochs", "180"]))


def test_no_clipping_can_be_said_by_flag_and_file(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"clip_sigma": "none"}')
    assert resolve(arguments([])).clip_sigma == 2.0
    assert resolve(arguments(["--clip-sigma", "none"])).clip_sigma is None
    assert resolve(arguments(["--config", str(path)])).clip_sigma is None
    assert resolve(arguments(["--config", str(path), "--clip-sigma", "1.5"])).clip_sigma == 1.5


def test_a_value_out_of_range_is_reported_with_where_it_came_from(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"weight_noise": NaN, "momentum": 2}')
    with pytest.raises(RefpcmError, match=f"{path}: momentum = 2.0 must be"):
        resolve(arguments(["--config", str(path)]))
    with pytest.raises(RefpcmError, match="command line: momentum = 3.0 must be"):
        resolve(arguments(["--config", str(path), "--momentum", "3"]))
    with pytest.raises(RefpcmError, match=f"{path}: weight_noise = nan must be"):
        resolve(arguments(["--config", str(path), "--momentum", "0.5"]))


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(RefpcmError, match="joshi2020-cifar10"):
        preset("joshi")


def test_json_and_toml_files_give_the_same(tmp_path):
    (tmp_path / "a.json").write_text('{"epochs": 3, "flip": false}')
    assert read_config_file(tmp_path / "a.json") == {"epochs": 3, "flip": False}
    (tmp_path / "a.toml").write_text("epochs = 3\nflip = false\n")
    if sys.version_info >= (3, 11):
        assert read_config_file(tmp_path / "a.toml") == {"epochs": 3, "flip": False}
    else:
        with pytest.raises(RefpcmError, match="Python 3.11"):
            read_config_file(tmp_path / "a.toml")


def test_without_a_reader_of_toml_json_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10))
    with pytest.raises(RefpcmError, match="a.toml: TOML files need Python 3.11 or later; give the same keys as JSON"):
        read_config_file(tmp_path / "a.toml")


@pytest.mark.parametrize("name, content", [
    ("a.json", b"{"), ("b.json", b"[1]"), ("c.json", b"\xff\xfe"), ("d.json", None), ("e.json", b""),
    ("f.json", b'{"seed": 1, "seed": 2}'), ("g.json", b'{"a":' * 99999), ("h.toml", b"a = " + b"[" * 99999)])
def test_an_unreadable_configuration_is_refused_by_name(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(RefpcmError, match=name):
        read_config_file(tmp_path / name)


def test_a_file_may_begin_with_a_byte_order_mark_and_end_in_capitals(tmp_path):
    (tmp_path / "A.JSON").write_bytes(b'\xef\xbb\xbf{"epochs": 3}')
    assert read_config_file(tmp_path / "A.JSON") == {"epochs": 3}
