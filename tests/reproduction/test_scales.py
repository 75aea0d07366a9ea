"""The scales of the reproduction: their numbers, what is trained for them, and what is refused."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from data_tools.imagenet_index import DESCRIPTION
from refpcm.errors import RefpcmError
from refpcm.reproduction import figures
from refpcm.reproduction.figures import FIGURES
from refpcm.reproduction.scales import SCALES, override
from refpcm.reproduction.setting import (
    Setting,
    check_calibration,
    with_usual_adabs,
)
from refpcm.reproduction.trainings import all_trainings
from refpcm.reproduction.variants import LEFT_OUT, RETRAININGS, noise_variant, training_config
from refpcm.spec.training.config import checked


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


def test_the_ablation_refuses_frozen_statistics_that_nobody_trained(tmp_path):
    scale = override(SCALES["smoke"], {"retraining": {"batch_norm": "frozen"}}, "my.json")
    setting = Setting(tmp_path, "smoke", scale, None, {})
    assert all_trainings(setting, ["fp32", "noise", "no-clipping"])
    with pytest.raises(RefpcmError, match="no-start begins with initial weights"):
        all_trainings(setting, FIGURES["ablation"].networks(scale))


def test_times_before_the_reference_of_gdc_are_refused_before_anything_is_trained():
    scale = override(SCALES["smoke"], {"day_s": [20, 86400]}, "my.json")
    with pytest.raises(RefpcmError, match="at 20 s the read that GDC takes as its reference, at 25 s"):
        figures._check_numbers(scale, None, [])


def test_a_list_of_values_replaces_that_of_the_scale():
    scale = override(SCALES["smoke"], {"seeds": [4, 5], "images": None, "fp32": {"epochs": 1}}, "my.json")
    assert scale.seeds == (4, 5) and scale.images is None
    assert scale.fp32.epochs == 1.0 and scale.fp32.learning_rate == 0.2


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
