"""What a reproduction works on and says of it: given networks, recipes that are not the paper's, a folder gone on with."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from refpcm import reproduce
from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.reproduction import ablation, fig2, fig4, fig5
from refpcm.reproduction.heading import OTHER_NETWORK, OTHER_TRAININGS, caveat, heading, is_papers
from refpcm.reproduction.measurements import seeded
from refpcm.reproduction.scales import SCALES, differences, override
from refpcm.reproduction.setting import Setting, begin_or_continue, with_architecture_of_given, with_usual_adabs
from refpcm.reproduction.trainings import train_one, trainings
from refpcm.reproduction.variants import training_config
from refpcm.spec.resnet import build
from refpcm.spec.training.config import PRESETS
from refpcm.training.config_file import identity_of
from refpcm.training.loop import start
from refpcm.training.request import Request
from refpcm.training.run import begin, hold_back


@pytest.mark.parametrize("architecture, name, classes, images, papers", [
    ("joshi2020-resnet32", "cifar10", 10, 10000, True),
    ("tiny-resnet8", "cifar10", 10, 10000, False),
    ("imagenet-resnet34", "ImageNet (index)", 1000, 50000, True),
    ("imagenet-resnet18", "ImageNet (index)", 1000, 50000, False),
    ("imagenet-resnet34", "ImageNet (imagenette)", 10, 3925, False),
])
def test_the_papers_networks_and_data_are_known_as_such(architecture, name, classes, images, papers):
    dataset = SimpleNamespace(name=name, classes=("a",) * classes, test_labels=np.zeros(images))
    assert is_papers(architecture, dataset) == papers


CIFAR10 = SimpleNamespace(name="cifar10", classes=("a",) * 10, test_labels=np.zeros(10000))


def test_a_figure_names_what_is_changed_of_its_scale_and_warns_where_trainings_are_not_the_papers(tmp_path):
    assert differences(SCALES["full"], SCALES["full"]) == []
    scale = override(SCALES["full"], {"seeds": [0], "retraining": {"epochs": 20}}, "my.json")
    setting = with_usual_adabs(Setting(tmp_path, "full", scale, None, {}))
    assert heading(setting, CIFAR10, fig2) == ["joshi2020-resnet32 on cifar10, scale full, 10,000 test images",
                                               "changed of this scale: retraining.epochs, seeds"]
    whole = with_usual_adabs(Setting(tmp_path, "full", SCALES["full"], None, {}))
    assert heading(whole, CIFAR10, fig4) == ["joshi2020-resnet32 on cifar10, scale full, 10,000 test images, device joshi2020"]
    for setting, used, expected in ((whole, ("fp32", "retraining"), None), (setting, ("fp32", "retraining"), OTHER_TRAININGS),
                                    (setting, ("fp32",), None),
                                    (replace(whole, scale=SCALES["smoke"]), ("fp32",), OTHER_NETWORK)):
        recipes = {name: asdict(getattr(setting.scale, name)) if name in used else None for name in ("fp32", "retraining")}
        assert caveat(setting, CIFAR10, recipes) == expected


def test_a_retraining_by_the_papers_recipe_on_imagenet_is_the_papers_where_its_baseline_is_given(tmp_path):
    images = SimpleNamespace(name="ImageNet (index)", classes=("a",) * 1000, test_labels=np.zeros(50000))
    recipe = PRESETS["joshi2020-imagenet"]
    scale = replace(SCALES["full"], fp32=replace(recipe, weight_noise=0.0), retraining=recipe)
    setting = Setting(tmp_path, "full", scale, None, {})
    assert caveat(setting, images, {"fp32": None, "retraining": asdict(recipe)}) is None
    assert caveat(setting, images, {"fp32": asdict(scale.fp32), "retraining": asdict(recipe)}) == OTHER_TRAININGS
    assert caveat(setting, images, {"fp32": None, "retraining": {**asdict(recipe), "epochs": 2.0}}) == OTHER_TRAININGS


def test_a_given_network_beside_others_says_how_its_recipe_differs(tmp_path):
    recipe = training_config(SCALES["smoke"], "noise", 5)
    setting = with_given(tmp_path, "noise", {"config": asdict(replace(recipe, clip_sigma=3.0, epochs=40.0, kernels="direct"))})
    given = f"additive noise: {tmp_path / 'given.safetensors'}, not trained here"
    assert heading(setting, CIFAR10, ablation)[-1] == f"{given}; its recipe has another epochs, clip_sigma"
    assert heading(replace(setting, given={**setting.given, "fp32": setting.given["noise"]}), CIFAR10, fig5)[-2:][0] == given


def test_one_network_does_not_stand_for_two_trainings(tmp_path):
    setting = with_given(tmp_path, "noise", {})
    (tmp_path / "copy.safetensors").write_bytes((tmp_path / "given.safetensors").read_bytes())
    with pytest.raises(RefpcmError, match="^--noise names the same network twice"):
        with_architecture_of_given(replace(setting, given={"noise": (*setting.given["noise"], tmp_path / "copy.safetensors")}))


def test_a_folder_that_lacks_todays_fields_is_gone_on_with(tmp_path):
    setting, path = Setting(tmp_path, "smoke", SCALES["smoke"], None, {}), tmp_path / "settings.json"
    begin_or_continue(setting, "the data")
    today = path.read_text()
    found = json.loads(today)
    del found["scale"]["calibration_batches"], found["scale"]["retraining"]["batch_parts"], found["devices"]
    path.write_text(json.dumps(found))
    begin_or_continue(setting, "the data")
    assert path.read_text() == today
    found["scale"]["retraining"]["epochs"] = 7.0
    path.write_text(json.dumps(found))
    with pytest.raises(RefpcmError, match=r"other settings \(retraining\)"):
        begin_or_continue(setting, "the data")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is part of Python from 3.11 on")
@pytest.mark.parametrize("field", ["device", "transfer_device"])
def test_figures_of_one_folder_are_of_one_device(field, tmp_path):
    path = tmp_path / "cell.toml"
    path.write_text('name = "cell"\nbased_on = "joshi2020"\n')
    setting = Setting(tmp_path, "smoke", replace(SCALES["smoke"], **{field: str(path)}), None, {})
    begin_or_continue(setting, "the data")
    path.write_text('name = "cell"\nbased_on = "joshi2020"\nsource = "a lab"\n')
    begin_or_continue(setting, "the data")
    path.write_text('name = "cell"\nbased_on = "joshi2020"\ng_max_us = 20.0\n')
    with pytest.raises(RefpcmError, match=rf"begun with other settings \({field}, its numbers\)"):
        begin_or_continue(setting, "the data")


@pytest.mark.parametrize("name", ["checkpoint.safetensors", "fig4.csv", "fig4.json"])
def test_a_folder_of_something_else_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    for config in ("my.json", "fig2.toml"):
        (tmp_path / config).write_text("")
    for copied in ("networks", "evaluation"):
        (tmp_path / copied).mkdir()
    setting = Setting(tmp_path, "smoke", SCALES["smoke"], None, {})
    with pytest.raises(RefpcmError, match=f"holds {name} and no settings.json"):
        begin_or_continue(setting, "the data")
    (tmp_path / name).unlink()
    begin_or_continue(setting, "the data")


def test_a_training_whose_configuration_was_edited_is_refused(tmp_path):
    setting = Setting(tmp_path, "smoke", SCALES["smoke"], None, {})
    training, *_ = trainings(setting, "fp32")
    dataset = load()
    kept, _ = hold_back(dataset, training.config.validation_images)
    training.folder.mkdir(parents=True)
    begin(training.folder, start(training.config, 10, identity_of(kept)), Request(chips=0), kept)
    path = training.folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "momentum": 0.5}))
    with pytest.raises(RefpcmError, match="says momentum = 0.5, but the run was begun with"):
        train_one(setting, training, dataset)


@pytest.mark.parametrize("files, seeds", [(2, (5, 6)), (3, (0, 1, 2)), (1, (0,))])
def test_given_networks_have_the_seeds_of_the_scale_if_there_are_as_many(tmp_path, files, seeds):
    paths = tuple(map(Path, "abc"[:files]))
    setting = Setting(tmp_path, "smoke", replace(SCALES["smoke"], seeds=(5, 6)), None, {"noise": paths})
    assert seeded(setting, "noise") == list(zip(seeds, paths))


def with_given(folder, variant, notes):
    """A setting of scale smoke with one given network whose file has these notes."""
    network, path = build("tiny-resnet8", 10), folder / "given.safetensors"
    parameters = start(SCALES["smoke"].fp32, 10, "").parameters
    save_network(path, NetworkFile(network, parameters, tuple("abcdefghij"), (0.5,) * 3, (0.2,) * 3, notes))
    return Setting(folder, "smoke", SCALES["smoke"], None, {variant: (path,)})


@pytest.mark.parametrize("variant, config, words", [
    ("fp32", {"weight_noise": 0.038}, "weight_noise = 0.038, where 0.0 is wanted"),
    ("fp32", {"weight_noise": 0.0, "weight_precision": "ternary"}, "weight_precision = 'ternary'"),
    ("noise", {"weight_noise": 0.0}, "weight_noise = 0.0, where 0.038 is wanted"),
    ("noise", {"weight_noise": 0.1}, "weight_noise = 0.1, where 0.038 is wanted"),
    ("noise", {"weight_noise": 0.038, "noise_kind": "inputs"}, "noise_kind = 'inputs', where 'additive' is wanted"),
])
def test_a_given_network_that_was_trained_otherwise_is_refused(tmp_path, variant, config, words):
    with pytest.raises(RefpcmError, match=f"^--{variant} .*given.safetensors was trained with {words}"):
        with_architecture_of_given(with_given(tmp_path, variant, {"config": config}))


@pytest.mark.parametrize("variant, notes", [
    ("fp32", {}), ("noise", {}), ("noise", {"config": "lost"}), ("fp32", {"config": {"weight_noise": 0.0}}),
    ("noise", {"config": {"weight_noise": 0.038, "noise_kind": "additive"}}),
])
def test_a_given_network_that_fits_or_does_not_say_how_it_was_trained_is_taken(tmp_path, variant, notes):
    setting = with_given(tmp_path, variant, notes)
    assert with_architecture_of_given(setting) == setting


@pytest.mark.parametrize("option", ["--config", "--data", "--fp32", "--noise", "--out"])
def test_an_empty_name_is_refused(option, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["reproduce", "fig2", option, ""])
    with pytest.raises(RefpcmError, match=f"argument {option}: a name is wanted"):
        reproduce.arguments()
