"""refpcm.inspection.layers, norms and images against evaluation and cases by hand."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.evaluation.expected import change
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.protocol import tasks
from refpcm.evaluation.unit import programmed, readout_of
from refpcm.inspection import layers
from refpcm.inspection.images import compared, image_changes
from refpcm.inspection.images_table import confusions, images_blocks
from refpcm.inspection.layer_errors import layer_errors, snr_db
from refpcm.inspection.layers import errors_over_chips, spread
from refpcm.inspection.norms import changes_of_norms, summary
from refpcm.inspection.report import as_text
from refpcm.spec.compensation.global_drift import compensated_read
from tests.evaluation.conftest import small  # noqa: F401
from tests.evaluation.units import run_task


@pytest.fixture
def protocol(small):  # noqa: F811
    return replace(small, reads=1, compensations=("gdc",))


@pytest.fixture
def inputs(protocol):
    return load_inputs(protocol)


def test_the_errors_are_those_of_the_parts_put_together_by_hand(inputs, protocol, monkeypatch):
    monkeypatch.setattr(layers, "IMAGES", 4)
    protocol = replace(protocol, times_s=(1e7,))
    found, by_hand = errors_over_chips(inputs, protocol), []
    for number in range(2):
        chip, reference = programmed(inputs, protocol, number)
        compensated = compensated_read(chip, 1e7, 0, reference, readout_of(inputs, protocol))[1]
        by_hand.append(layer_errors(inputs.file.network, inputs.file.parameters, compensated,
                                    inputs.normalised(inputs.calibration_images("train")[:4])))
    assert {each["name"]: each["chips"] for each in found[0]["layers"]} == {
        name: [error, by_hand[1][name]] for name, error in by_hand[0].items()}
    assert all(error != by_hand[1][name] for name, error in by_hand[0].items())


def test_the_spread_over_chips_is_that_of_an_example_by_hand():
    assert spread([0.1, 0.3]) == {"mean": pytest.approx(0.2), "std": pytest.approx(0.02 ** 0.5), "low": 0.1, "high": 0.3,
                                  "snr_db": pytest.approx(snr_db(0.2)), "chips": [0.1, 0.3]}
    assert spread([0.1])["std"] is None


def test_what_adabs_did_agrees_with_the_evidence_of_an_evaluation(inputs, protocol):
    protocol = replace(protocol, times_s=(1e7,), compensations=("adabs",))
    row, = changes_of_norms(inputs, protocol)
    evidence = [run_task(task).evidence["adabs"]["adabs"] for task in tasks(protocol)]
    shifts, ratios = (np.array([chip[key] for chip in evidence]) for key in ("mean_shift_rms", "variance_ratio"))
    channels = [each["channels"] for each in row["norms"]]
    rms = np.sqrt(np.average([each["mean_shift_rms"] ** 2 for each in row["norms"]], weights=channels))
    ratio = np.exp(np.average(np.log([each["variance_ratio"] for each in row["norms"]]), weights=channels))
    assert rms == pytest.approx(np.sqrt(np.mean(shifts ** 2)), rel=1e-4)
    assert ratio == pytest.approx(np.sqrt(np.prod(ratios)), rel=1e-4)
    assert abs(shifts[0] / shifts[1] - 1) > 1e-3 and abs(ratios[0] / ratios[1] - 1) > 1e-3


def test_the_worst_channel_is_found_and_dead_channels_are_left_out():
    before = {"n.running_mean": np.zeros(3), "n.running_var": np.array([1.0, 4.0, 0.0])}
    after = {"n.running_mean": np.array([0.5, -4.0, 9.0]), "n.running_var": np.array([1.0, 2.0, 0.0])}
    found = summary(np.array([change(before, after, "n")]))
    assert found["worst_channel"] == 1 and found["worst_shift"] == 2.0 and found["channels"] == 3
    assert found["worst_variance_ratio"] == pytest.approx(0.5)
    assert found["mean_shift_rms"] == pytest.approx(np.sqrt((0.25 + 4) / 2))
    dead = {"n.running_mean": np.zeros(3), "n.running_var": np.zeros(3)}
    assert summary(np.array([change(dead, dead, "n")]))["worst_channel"] is None


def test_lost_and_won_images_and_the_confusion_of_an_example_by_hand():
    truth, digital = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])
    told = np.array([[0, 1, 1, 1], [0, 1, 0, 0]])
    found = compared(truth, digital, told, ("cat", "dog"))
    assert (found["lost"], found["won"]) == ([1, 2], [1, 0])
    assert found["confusion"] == [[2, 2], [2, 2]]
    assert found["lost_images"] == [{"image": 1, "class": "cat", "told": "dog", "chips": 2},
                                    {"image": 2, "class": "dog", "told": "cat", "chips": 1}]


def test_lost_images_are_those_that_an_evaluation_misses(inputs, protocol):
    found = image_changes(inputs, protocol)
    for t_s, row in zip(protocol.times_s, found):
        counts = [run_task(task)["gdc"] for task in tasks(protocol) if task.t_s == t_s]
        assert [20 - lost + won for lost, won in zip(row["lost"], row["won"])] == counts
        assert np.sum(row["confusion"]) == 2 * 20 and np.trace(row["confusion"]) == sum(counts)
    assert "wrong on chips, most often first" in as_text(images_blocks(found, inputs.data.classes))


def test_of_many_classes_the_most_frequent_confusions_are_shown():
    matrix = np.diag(np.full(50, 9.0))
    matrix[3, 7], matrix[40, 2] = 1.5, 2.5
    table, = confusions(matrix, [f"class {i}" for i in range(50)], "1 day")
    assert table.rows == [("class 40", "class 2", "2.5"), ("class 3", "class 7", "1.5")]
