"""Arithmetic of the reproduction: spread, comparisons, the scales, and the paper's numbers as paper.md has them."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import t

from data_tools.imagenet_index import DESCRIPTION
from refpcm import reproduce
from refpcm.errors import RefpcmError
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.reproduction import fig2, fig3, fig4, fig5
from refpcm.reproduction.comparison import paired
from refpcm.reproduction.figures import is_papers
from refpcm.reproduction.measurements import seeded
from refpcm.reproduction.output import interval
from refpcm.reproduction.scales import SCALES, override
from refpcm.reproduction.setting import Setting, check_calibration, with_architecture_of_given, with_usual_adabs
from refpcm.reproduction.spread import spread, spread_of_differences
from refpcm.reproduction.trainings import all_trainings
from refpcm.reproduction.variants import RETRAININGS, noise_variant, training_config
from refpcm.spec.resnet import build
from refpcm.spec.training.config import checked
from refpcm.training.loop import start

PAPER = Path(__file__).resolve().parents[3] / "shared" / "paper.md"


def test_spread_over_training_runs_is_students_interval_of_their_means():
    values = np.random.default_rng(0).normal(0.9, 0.01, (4, 5, 3))
    found, means = spread(values), values.mean((1, 2))
    half = t.ppf(0.975, 3) * means.std(ddof=1) / 2
    assert found["mean"] == pytest.approx(means.mean())
    assert [found["low"], found["high"]] == pytest.approx([means.mean() - half, means.mean() + half])
    assert (found["interval_over"], found["runs"], found["draws"], found["reads"]) == ("runs", 4, 5, 3)
    assert found["std_draw"] == pytest.approx(values.mean(2).var(axis=1, ddof=1).mean() ** 0.5)


def test_with_one_training_run_the_interval_is_over_its_draws_and_says_so():
    found = spread([[[0.6], [0.7], [0.8]]])
    assert found["interval_over"] == "draws" and found["std_run"] is None and found["std_draw"] == pytest.approx(0.1)
    assert found["high"] - found["mean"] == pytest.approx(t.ppf(0.975, 2) * 0.1 / 3 ** 0.5)
    reads = spread([[[0.8, 0.7], [0.9, 1.0], [1.0, 1.0]]])  # chips of 0.75, 0.95, 1.0
    assert reads["std_draw"] == pytest.approx(np.std([0.75, 0.95, 1.0], ddof=1)) and reads["reads"] == 2
    assert spread([[[0.8]]])["low"] is None and spread([[[0.8]]])["interval_over"] is None


def test_fig2_finds_loss_shortfall_and_gain():
    accuracy = {(0.0, 0.0): 0.90, (0.04, 0.0): 0.90, (0.1, 0.0): 0.88,
                (0.0, 0.04): 0.85, (0.04, 0.04): 0.896, (0.1, 0.04): 0.899,
                (0.0, 0.1): 0.5, (0.04, 0.1): 0.7, (0.1, 0.1): 0.8}
    rows = [{"eta_tr": tr, "eta_inf": inf, **spread([[[value]]])} for (tr, inf), value in accuracy.items()]
    fp32, equal, large, above = fig2.compare(rows, "all")
    assert fp32["values"]["accuracy"] == 0.90
    assert equal["values"] == pytest.approx({"loss": 0.004, "eta": 0.04}) and equal["ours"] == "-0.40 % at eta = 4 %"
    assert large["values"] == pytest.approx({"loss": 0.02, "eta_tr": 0.1})
    assert above["values"]["difference"] == pytest.approx(0.003) and above["values"]["pairs"] == 1
    assert above["ours"] == "+0.30 % (eta_tr = 10 %, eta_inf = 4 %)"


def test_what_a_scale_leaves_out_is_said_to_be_not_measured():
    rows = [{"eta_tr": 0.0, "eta_inf": 0.0, "mean": 0.9}]
    assert [line["ours"] for line in fig2.compare(rows, "all")] == ["90.00 %", None, None, None]


def row(network, t_s, compensation, mean):
    return {"network": network, "t_s": t_s, "compensation": compensation, **spread([[[mean]]])}


def test_a_difference_is_paired_before_its_interval_is_taken():
    """Three trainings of two chips that differ much, but by the same from one network to the other."""
    base = np.array([[0.5, 0.9], [0.6, 0.7], [0.6, 0.6]])[:, :, None]
    one, other = spread(base + np.array([[[0.01]], [[0.02]], [[0.03]]])), spread(base)
    text, values = paired(one, other)
    half = t.ppf(0.975, 2) * 0.01 / 3 ** 0.5
    assert values == pytest.approx({"difference": 0.02, "low": 0.02 - half, "high": 0.02 + half})
    assert text == f"+2.00 % ({2 - 100 * half:+.2f} .. {2 + 100 * half:+.2f})"
    assert paired(one, spread([[[0.6]], [[0.7]]])) == (
        "+2.00 % (not paired)", {"difference": pytest.approx(0.02), "low": None, "high": None})
    two = [spread(base[:2] + step) for step in (0.01, 0.0)]
    assert paired(*two) == ("+1.00 %", {"difference": pytest.approx(0.01), "low": None, "high": None})
    assert paired(one, spread([[[0.5]], [[0.6]], [[0.6]]]))[1]["difference"] == pytest.approx(0.31 / 3)  # one digital each


def test_an_interval_of_accuracies_stays_within_0_to_100_percent_and_that_of_differences_does_not():
    near_one, near_zero = [[[1.0]], [[1.0]], [[0.97]]], [[[0.0]], [[0.0]], [[0.03]]]
    assert spread(near_one)["high"] == 1.0 and spread(near_zero)["low"] == 0.0
    assert spread([[[1.0], [1.0], [0.97]]])["high"] == 1.0
    assert spread_of_differences(near_zero)["low"] < 0


def test_fewer_than_three_trainings_or_chips_of_one_get_no_interval():
    for values in ([[[0.8]], [[0.9]]], [[[0.8], [0.9]]]):
        for found in (spread(values), spread_of_differences(values)):
            assert (found["low"], found["high"], found["interval_over"]) == (None, None, None)


def test_fig3_takes_losses_against_the_network_itself_and_against_fp32():
    rows = [row(name, t_s, kind, mean) for name, digital, chip in (
        ("fp32", 0.94, 0.90), ("control", 0.93, 0.93), ("noise", 0.935, 0.934), ("4-bit", 0.93, 0.915),
        ("ternary", 0.91, 0.907))
        for t_s, kind, mean in ((None, "digital", digital), (25.0, "none", chip))]
    fp32, mapped, hardware, precision = fig3.compare(rows, "all")
    assert mapped["values"]["accuracy"] == 0.934
    assert mapped["ours"] == "93.40 %; -0.60 % against FP32; +0.40 % against the control on PCM"
    assert precision["values"] == pytest.approx({"loss 4-bit": 0.015, "loss ternary": 0.003})
    assert precision["ours"] == "-1.50 % from 93.00 % / -0.30 % from 91.00 %"
    assert fig3.compare(rows[:2], "all")[-1]["ours"] is None


def test_retention_compares_the_noise_trained_network_at_the_last_time():
    rows = [row(name, t_s, kind, mean) for name in ("fp32", "noise") for t_s in (25.0, 1000.0, 86400.0)
            for kind, mean in (("none", 100 / t_s), ("gdc", 0.92), ("adabs", 0.93 if name == "noise" else 0.5))]
    day, none = fig4.compare(rows, "all")
    assert day["values"]["difference"] == pytest.approx(0.01) and day["values"]["t_s"] == 86400.0
    assert day["ours"] == "92.00 % / 93.00 % at 1 day; AdaBS +1.00 %"
    assert none["values"] == pytest.approx({"accuracy": 0.1, "t_s": 1000.0})
    assert fig5.compare(rows, "all")[0]["ours"] == "+1.00 % at 1 day"
    everything, inner, gain, others = fig5.compare_imagenet(rows, "inner")
    assert everything["ours"] is None and inner["values"] == pytest.approx({"accuracy": 0.92, "adabs": 0.93})


@pytest.mark.parametrize("name", SCALES)
def test_every_training_of_every_scale_is_a_valid_one(name):
    scale = SCALES[name]
    for variant in ("fp32", *RETRAININGS, *(noise_variant(eta, scale) for eta in scale.etas_tr)):
        assert checked(training_config(scale, variant, 3), variant).seed == 3
    assert scale.retraining.weight_noise in scale.etas_tr and override(scale, {}, "x") == scale


@pytest.mark.parametrize("name, count", [("smoke", 6), ("small", 24), ("full", 160)])
def test_every_network_is_trained_once_fp32_first(tmp_path, name, count):
    """The numbers of docs/reproduce.md."""
    setting = Setting(tmp_path, name, SCALES[name], None, {})
    figures = (fig2, fig3, fig4, fig5)
    found = all_trainings(setting, [variant for figure in figures for variant in figure.networks(SCALES[name])])
    assert len(found) == len({one.folder for one in found}) == count
    assert all(one.start is None or one.start in [earlier.network for earlier in found[:i]] for i, one in enumerate(found))


def test_the_scales_own_eta_shares_its_network_between_the_figures():
    assert [noise_variant(eta, SCALES["smoke"]) for eta in (0.0, 0.038, 0.1)] == ["fp32", "noise", "noise-0.1"]
    assert training_config(SCALES["smoke"], "noise-0.1", 0).weight_noise == 0.1


@pytest.mark.parametrize("values, words", [
    ({"chip": 3}, "valid are: fp32, retraining"),
    ({"chips": 0}, "chips must be at least 1"),
    ({"calibration": "test"}, "calibration must be train or train-augmented"),
    ({"chips": "3"}, "of type int"),
    ({"images": 2.5}, "images must be of type int"),
    ({"transfer_s": 10 ** 400}, "transfer_s is a whole number of 401 digits"),
    ({"day_s": [25, 10 ** 400]}, "day_s is a whole number of 401 digits"),
    ({"seeds": 3}, "seeds must be a list"),
    ({"seeds": []}, "at least one entry"),
    ({"seeds": [1, 1]}, "twice"),
    ({"seeds": [[1]]}, "seeds must be of type int"),
    ({"seeds": [-1]}, "seeds"),
    ({"etas_tr": [0.0]}, "FP32 network"),
    ({"etas_inf": [1.5]}, "etas_inf"),
    ({"transfer": ["8-bit"]}, "4-bit"),
    ({"fp32": 3}, "table"),
    ({"fp32": {"epoch": 1}}, "valid are"),
    ({"fp32": {"weight_noise": 0.1}}, "without noise"),
    ({"fp32": {"batch_norm": "frozen"}}, "from the beginning"),
    ({"retraining": {"weight_precision": "4-bit"}}, "transfer"),
    ({"retraining": {"epochs": 0}}, "epochs"),
])
def test_a_wrong_number_of_a_scale_is_named(values, words):
    with pytest.raises(RefpcmError, match=words):
        override(SCALES["smoke"], values, "my.json")


def test_a_list_of_values_replaces_that_of_the_scale():
    scale = override(SCALES["smoke"], {"seeds": [4, 5], "images": None, "fp32": {"epochs": 1}}, "my.json")
    assert scale.seeds == (4, 5) and scale.images is None
    assert scale.fp32.epochs == 1.0 and scale.fp32.learning_rate == 0.2


def test_bars_over_runs_and_over_draws_are_both_named():
    over = {key: {"interval_over": key} for key in ("runs", "draws", None)}
    assert interval(list(over.values())) == ("bars: 95 % intervals of the mean over training runs, or chips or inference "
                                             "runs of one training run")
    assert interval([over["runs"]]).endswith("training runs") and interval([over["draws"]]).endswith("one training run")
    assert interval([over[None]]).startswith("no bars")


def test_adabs_has_the_numbers_of_its_data(tmp_path):
    setting = Setting(tmp_path, "smoke", SCALES["smoke"], None, {})
    usual = with_usual_adabs(setting).scale
    assert (usual.adabs_batches, usual.adabs_batch_size) == (13, 200)
    (tmp_path / DESCRIPTION).write_text("{}")
    imagenet = replace(setting, data=str(tmp_path))
    found = with_usual_adabs(replace(imagenet, scale=replace(setting.scale, adabs_batches=3))).scale
    assert (found.adabs_batches, found.adabs_batch_size) == (3, 50)
    few = SimpleNamespace(train_images=range(149))
    with pytest.raises(RefpcmError, match="149"):
        check_calibration(replace(setting, scale=found), few)
    check_calibration(replace(setting, scale=found), SimpleNamespace(train_images=range(150)))


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
def test_an_empty_name_is_refused(option, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["reproduce", "fig2", option, ""])
    with pytest.raises(SystemExit):
        reproduce.arguments()
    assert f"argument {option}: a name is wanted" in capsys.readouterr().err
