"""Arithmetic of the reproduction: spread, comparisons, the scales."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import t

from data_tools.imagenet_index import DESCRIPTION
from refpcm import reproduce
from refpcm.errors import RefpcmError
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.reproduction import ablation, calibration, causes, fig2, fig3, fig4, fig5, figures
from refpcm.reproduction.comparison import paired
from refpcm.reproduction.figures import FIGURES
from refpcm.reproduction.heading import OTHER_NETWORK, OTHER_TRAININGS, caveat, heading, is_papers
from refpcm.reproduction.measurements import seeded
from refpcm.reproduction.output import interval
from refpcm.reproduction.scales import SCALES, differences, override
from refpcm.reproduction.setting import (
    Setting,
    begin_or_continue,
    check_calibration,
    with_architecture_of_given,
    with_usual_adabs,
)
from refpcm.reproduction.spread import spread, spread_of_differences
from refpcm.reproduction.trainings import all_trainings
from refpcm.reproduction.variants import LEFT_OUT, RETRAININGS, noise_variant, training_config
from refpcm.spec.resnet import build
from refpcm.spec.training.config import PRESETS, checked
from refpcm.training.loop import start


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
    fp32, equal, small, large, above = fig2.compare(rows, "all")
    assert fp32["values"]["accuracy"] == 0.90
    assert equal["values"]["difference"] == pytest.approx(-0.004) and equal["ours"] == "-0.40 % at eta = 4 %"
    assert (small["values"]["difference"], small["values"]["eta_tr"]) == (0.0, 0.04)
    assert large["values"]["difference"] == pytest.approx(-0.02) and large["ours"] == "-2.00 % at eta_tr = 10 %"
    assert above["values"]["difference"] == pytest.approx(0.003) and above["values"]["pairs"] == 1
    assert above["ours"] == "+0.30 % (eta_tr = 10 %, eta_inf = 4 %)"


def test_fig2_takes_its_losses_run_by_run_and_looks_for_the_worst_eta():
    """Three inference runs, one training each; the FP32 network without noise has one accuracy for all of them."""
    runs = {(0.0, 0.0): [0.9], (0.03, 0.0): [0.895], (0.07, 0.0): [0.91], (0.03, 0.03): [0.88, 0.89, 0.90],
            (0.07, 0.07): [0.8, 0.8, 0.8], (0.0, 0.03): [0.8] * 3, (0.0, 0.07): [0.7] * 3, (0.07, 0.03): [0.8] * 3,
            (0.03, 0.07): [0.8] * 3}
    rows = [{"eta_tr": tr, "eta_inf": inf, **spread([[[x] for x in values]])} for (tr, inf), values in runs.items()]
    _, equal, small, large, _ = fig2.compare(rows, "all")
    half = t.ppf(0.975, 2) * 0.01 / 3 ** 0.5
    assert equal["values"] == pytest.approx({"eta": 0.03, "difference": -0.01, "low": -0.01 - half, "high": -0.01 + half})
    assert small["ours"] == "-0.50 % at eta_tr = 3 %" and large["ours"] is None


def test_what_a_scale_leaves_out_is_said_to_be_not_measured():
    rows = [{"eta_tr": 0.0, "eta_inf": 0.0, "mean": 0.9}]
    assert [line["ours"] for line in fig2.compare(rows, "all")] == ["90.00 %", None, None, None, None]


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
    digital = spread([[[0.5]], [[0.6]], [[0.6]]])  # one accuracy a training
    assert paired(one, digital)[1]["difference"] == pytest.approx(0.31 / 3)


def test_an_interval_of_accuracies_stays_within_0_to_100_percent_and_that_of_differences_does_not():
    near_one, near_zero = [[[1.0]], [[1.0]], [[0.97]]], [[[0.0]], [[0.0]], [[0.03]]]
    assert spread(near_one)["high"] == 1.0 and spread(near_zero)["low"] == 0.0
    assert spread([[[1.0], [1.0], [0.97]]])["high"] == 1.0
    assert spread_of_differences(near_zero)["low"] < 0


def test_fewer_than_three_trainings_or_chips_of_one_get_no_interval():
    for values in ([[[0.8]], [[0.9]]], [[[0.8], [0.9]]]):
        for found in (spread(values), spread_of_differences(values)):
            assert (found["low"], found["high"], found["interval_over"]) == (None, None, None)


def test_fig3_has_the_papers_labels_and_takes_losses_against_fp32_and_the_control():
    rows = [row(name, t_s, kind, mean) for name, digital, chip in (
        ("fp32", 0.94, 0.90), ("control", 0.93, 0.93), ("noise", 0.935, 0.934), ("4-bit", 0.93, 0.915))
        for t_s, kind, mean in ((None, "digital", digital), (25.0, "none", chip))]
    fp32, noise, four_bit, ternary, lost = fig3.compare(rows, "all")
    assert (fp32["value"], fp32["ours"]) == ("93.87 % / 91.66 %", "94.00 % / 90.00 %")
    assert noise["values"] == {"digital": 0.935, "transferred": 0.934}
    assert four_bit["ours"] == "93.00 % / 91.50 %" and ternary["ours"] is None
    assert lost["ours"] == "-0.60 % against FP32; +0.40 % against the control after transfer"
    assert fig3.compare(rows[:2], "all")[-1]["ours"] is None


def test_fig3_on_imagenet_fills_the_lines_of_its_mapping():
    rows = [row(name, t_s, kind, mean) for name, digital, chip in (("fp32", 0.73, 0.65), ("noise", 0.72, 0.716))
            for t_s, kind, mean in ((None, "digital", digital), (25.0, "none", chip))]
    assert [line["ours"] for line in fig3.compare_imagenet(rows, "all")] == ["73.00 %", "72.00 %", "71.60 %", None, "65.00 %"]
    assert [line["values"].get("accuracy") for line in fig3.compare_imagenet(rows, "all")] == [0.73, 0.72, 0.716, None, 0.65]
    assert [line["ours"] for line in fig3.compare_imagenet(rows[2:], "inner")] == [None, "72.00 %", None, "71.60 %", None]


def test_retention_compares_the_noise_trained_network_at_the_papers_times():
    times = (25.0, 1000.0, 2385.0, 86400.0, 100748.0)
    rows = [row(name, t_s, kind, mean) for name, adabs in (("fp32", 0.5), ("noise", 0.93)) for t_s in times
            for kind, mean in (("none", 25 / t_s), ("gdc", 0.92), ("adabs", adabs))]
    first, day, none = fig4.compare(rows, "all")
    assert first["ours"] == "100.00 % (model)"
    assert day["values"]["difference"] == pytest.approx(0.01) and day["values"]["t_s"] == 86400.0
    assert day["ours"] == "92.00 % / 93.00 % at 1 day; AdaBS +1.00 %"
    assert none["values"] == pytest.approx({"accuracy": 0.025, "t_s": 1000.0})
    assert none["ours"] == "2.50 % at 1000 s, 1.05 % at 2385 s"
    rows = [one for one in rows if one["t_s"] <= 86400.0]
    assert fig5.compare(rows, "all")[0]["ours"] == "+1.00 % at 1 day"
    assert [line["ours"] for line in fig5.compare_imagenet(rows, "all")] == ["+1.00 % at 1 day", None]
    assert [line["ours"] for line in fig5.compare_imagenet(rows, "inner")] == [None, "93.00 % at 1 day"]
    late = [one for one in rows if one["t_s"] == 1000.0]
    assert [line["ours"] is None for line in fig4.compare(late, "all")] == [True, False, False]


def test_the_ablation_compares_each_network_with_the_whole_retraining():
    means = {"noise": 0.9, "no-start": 0.8, "no-clipping": 0.89, "no-rates": 0.91}
    rows = [{"network": name, "eta_inf": eta, **spread([[[mean - eta]]])} for name, mean in means.items()
            for eta in (0.0, 0.04)]
    assert [line["ours"] for line in ablation.compare(rows, "all")] == [
        "-10.00 % at eta = 4 %", "-1.00 % at eta = 4 %", "+1.00 % at eta = 4 %"]


def test_causes_tell_growth_from_fluctuation():
    """Three chips: of one cause the loss grows by 2 points on each, of the other it varies by chip and time alone."""
    losses = {"spread of nu": ([0.01, 0.02, 0.03], [0.03, 0.04, 0.05]),
              "read noise": ([0.01, 0.02, 0.03], [0.02, 0.03, 0.01]), "mean drift": ([0.0] * 3, [-0.01] * 3)}
    rows = [{"t_s": t_s, "cause": cause, "case": "only", **spread_of_differences([[[x] for x in chips]])}
            for cause, both in losses.items() for t_s, chips in zip((25.0, 86400.0), both)]
    steady, over_g, noise = causes.compare(rows, "all")
    assert steady["values"]["difference"] == pytest.approx(0.02) and steady["values"]["fluctuation"] == pytest.approx(0)
    assert steady["ours"].startswith("alone 2.00 % lost at 25 s, +2.00 % (+2.00 .. +2.00) more at 1 day")
    assert noise["values"]["difference"] == pytest.approx(0, abs=1e-12)
    changes = np.array([0.01, 0.01, -0.02])
    assert noise["values"]["fluctuation"] == pytest.approx(np.sqrt(np.mean(changes ** 2 / 2) * 3 / 2))
    assert over_g["values"]["last"] == pytest.approx(-0.01)


def test_the_fluctuation_of_few_chips_is_not_smaller_than_that_of_many():
    rng = np.random.default_rng(0)
    found = [causes.fluctuation([{"accuracies": rng.standard_normal((1, chips, 1))} for _ in range(4000)]) for chips in (2, 20)]
    assert found == pytest.approx([1.0, 1.0], rel=0.03)


def test_one_chip_has_no_fluctuation_about_the_mean_of_all():
    rows = [{"t_s": t_s, "cause": cause, "case": "only", **spread_of_differences([[[0.01]]])} for cause in causes.PAPER
            for t_s in (25.0, 86400.0)]
    for line in causes.compare(rows, "all"):
        assert "fluctuation" not in line["values"] and "std over times" not in line["ours"]


def test_calibration_compares_the_papers_number_of_images_with_the_most():
    def adabs(images, mean):
        return {"network": "noise", "t_s": 31536000.0, "compensation": "adabs", "images": images, **spread([[[mean]]])}
    rows = [adabs(200, 0.90), adabs(2600, 0.92), adabs(5200, 0.921)]
    line, = calibration.compare(rows, "all")
    assert line["ours"] == "2,600: -0.10 % against 5,200 at 1 year; 200: -2.10 %" and line["values"]["images"] == 2600
    assert calibration.compare(rows[1:2], "all")[0]["ours"] is None


@pytest.mark.parametrize("name", SCALES)
def test_every_training_of_every_scale_is_a_valid_one(name):
    scale = SCALES[name]
    for variant in ("fp32", *RETRAININGS, *LEFT_OUT, *(noise_variant(eta, scale) for eta in scale.etas_tr)):
        assert checked(training_config(scale, variant, 3), variant).seed == 3
    assert override(scale, {}, "x") == scale


def test_the_full_scale_has_the_papers_noise_and_read_times():
    assert SCALES["full"].etas_tr == (0.026, 0.0377, 0.0565, 0.0753, 0.113)
    assert set(SCALES["full"].day_s) == {25.0, 27.0, 1000.0, 2385.0, 10172.0, 86400.0, 100748.0}
    for name in ("smoke", "small"):
        scale = SCALES[name]
        assert scale.retraining.weight_noise in scale.etas_tr and set(scale.day_s) < set(SCALES["full"].day_s)


@pytest.mark.parametrize("name, count", [("smoke", 9), ("small", 30), ("full", 160)])
def test_every_network_is_trained_once_fp32_first(tmp_path, name, count):
    """The numbers of docs/reproduce.md."""
    setting = Setting(tmp_path, name, SCALES[name], None, {})
    variants = [variant for figure in FIGURES.values() for variant in figure.networks(SCALES[name])]
    found = all_trainings(setting, variants)
    assert len(found) == len({one.folder for one in found}) == count
    assert all(one.start is None or one.start in [earlier.network for earlier in found[:i]] for i, one in enumerate(found))


def test_the_scales_own_eta_shares_its_network_between_the_figures():
    assert [noise_variant(eta, SCALES["smoke"]) for eta in (0.0, 0.038, 0.1)] == ["fp32", "noise", "noise-0.1"]
    assert training_config(SCALES["smoke"], "noise-0.1", 0).weight_noise == 0.1


@pytest.mark.parametrize("values, words", [
    ({"chip": 3}, "valid are: fp32, retraining"),
    ({"chips": 0}, "chips must be at least 1"),
    ({"calibration_batches": [3, 0]}, "calibration_batches must be at least 1"),
    ({"transfer_device": 3}, "transfer_device must be of type str"),
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


def test_times_before_the_reference_of_gdc_are_refused_before_anything_is_trained():
    scale = override(SCALES["smoke"], {"day_s": [20, 86400]}, "my.json")
    with pytest.raises(RefpcmError, match="at 20 s the read that GDC takes as its reference, at 25 s"):
        figures._check_numbers(scale, None, [])


def test_a_list_of_values_replaces_that_of_the_scale():
    scale = override(SCALES["smoke"], {"seeds": [4, 5], "images": None, "fp32": {"epochs": 1}}, "my.json")
    assert scale.seeds == (4, 5) and scale.images is None
    assert scale.fp32.epochs == 1.0 and scale.fp32.learning_rate == 0.2


def test_bars_over_runs_and_over_draws_are_both_named():
    over = {key: {"interval_over": key} for key in ("runs", "draws", None)}
    assert interval(list(over.values())) == (
        "bars: 95 % intervals of the mean over training runs, or chips or inference runs of one training run")
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
    enough = SimpleNamespace(train_images=range(150))
    check_calibration(replace(setting, scale=found), enough)
    with pytest.raises(RefpcmError, match="6 mini-batches of 50"):
        check_calibration(replace(setting, scale=found), enough, ("calibration_batches",))


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
                                    (setting, ("fp32",), None), (replace(whole, scale=SCALES["smoke"]), ("fp32",), OTHER_NETWORK)):
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
    del found["scale"]["calibration_batches"], found["scale"]["retraining"]["batch_parts"]
    path.write_text(json.dumps(found))
    begin_or_continue(setting, "the data")
    assert path.read_text() == today
    found["scale"]["retraining"]["epochs"] = 7.0
    path.write_text(json.dumps(found))
    with pytest.raises(RefpcmError, match=r"other settings \(retraining\)"):
        begin_or_continue(setting, "the data")


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
