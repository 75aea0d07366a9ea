"""refpcm.inspection.loss: everything on is the evaluation, everything off the digital network, and what lies between."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.paired import paired, rank_correlation
from refpcm.evaluation.run import run
from refpcm.inspection import loss_task, sensitivity
from refpcm.inspection.causes import causes_of
from refpcm.inspection.loss import attribution, run_loss
from refpcm.inspection.loss_report import loss_blocks, write_loss
from refpcm.inspection.loss_task import loss_counts, loss_fingerprint, loss_tasks
from refpcm.inspection.report import as_text
from refpcm.spec.crossbars import analog_layers
from tests.inspection.conftest import YEAR_S

TILES = {"dac_bits": 5, "adc_bits": 5, "output_noise": 0.05, "tile_rows": 64}


@pytest.fixture(autouse=True)
def few_calibration_images(monkeypatch):
    """Errors and estimates of layers, which other tests compare, take most of the time."""
    monkeypatch.setattr(loss_task, "IMAGES", 2)
    monkeypatch.setattr(sensitivity, "IMAGES", 4)


def units(inputs, protocol, by="both"):
    """{(group, chip): {part: number}}."""
    layers = [layer.name for _, layer in analog_layers(inputs.file.network)]
    return {(task.group, task.chip): loss_counts(inputs, task) for task in loss_tasks(protocol, by, layers)}


@pytest.mark.parametrize("change", [{}, {"compensations": ("none",)}, {"device": "aihwkit-pcm"}, {"on_chip": "inner"},
                                    {"device": "joshi2020-note2"}, {"kernels": "numpy", "images": 4, "chips": 1}, TILES], ids=str)
def test_everything_off_is_the_digital_accuracy_exactly(protocol, change):
    protocol = replace(protocol, **change)
    inputs = load_inputs(protocol)
    whole = loss_counts(inputs, loss_tasks(protocol, "cause", [])[0])
    assert whole["nothing"] == inputs.count_correct(inputs.file.parameters, protocol.images) > whole["all"]


def test_the_result_says_both(protocol, tmp_path):
    result = run_loss(replace(protocol, chips=1), "cause", tmp_path)
    row, = result["times"]
    assert row["everything_off"] == result["digital_accuracy"] == 1.0 > row["accuracy"]["mean"]


@pytest.mark.parametrize("change", [{"compensations": (name,)} for name in ("none", "gdc", "adabs", "adabs-alone")] + [
    {**TILES, "compensations": (name,)} for name in ("gdc", "adabs")] + [
    {"readout": "ones"}, {"per_column": True}, {"device": "hermes"}], ids=str)
def test_everything_on_is_the_evaluation_exactly(inputs, protocol, tmp_path, change):
    protocol = replace(protocol, **change)
    row, = run(protocol, tmp_path)["rows"]
    counts = [loss_counts(inputs, task.only(("all",)))["all"] for task in loss_tasks(protocol, "cause", [])
              if task.group == "whole"]
    assert [[count / 20] for count in counts] == row["accuracies"]
    assert row["chips"] == len(counts) == 2


def test_every_cause_and_every_layer_has_both_cases(inputs, protocol):
    found = units(inputs, replace(protocol, chips=1, **TILES))
    causes = causes_of(replace(protocol, **TILES))
    assert len(causes) == 7
    assert list(found["cause", 0]) == [f"{case} {name}" for case in ("only", "without") for name in causes]
    layers = [layer.name for _, layer in analog_layers(inputs.file.network)]
    assert list(found["layer", 0])[:2 * len(layers)] == [f"{case} {name}" for case in ("only", "without")
                                                        for name in layers]


def test_the_attribution_is_that_of_an_example_by_hand():
    """200 images, 190 digital; two causes; the sums lack what the whole loss has beyond them."""
    counts = [{"only a": 186, "only b": 188, "without a": 184, "without b": 182},
              {"only a": 184, "only b": 190, "without a": 185, "without b": 180}]
    rows, remainder = attribution(counts, ("a", "b"), [180, 178], [190, 190], 190, 200)
    assert [row["only"]["chips"] for row in rows] == [[2.0, 3.0], [1.0, 0.0]]
    assert [row["without"]["chips"] for row in rows] == [[2.0, 3.5], [1.0, 1.0]]
    assert remainder["only"]["chips"] == [2.0, 3.0] and remainder["without"]["chips"] == [2.0, 1.5]


def test_with_adabs_a_cause_alone_is_counted_from_everything_off_on_the_same_chip(inputs, protocol, tmp_path):
    """Whatever AdaBS costs an ideal chip, no cause bears it."""
    protocol = replace(protocol, compensations=("adabs",))
    row, = run_loss(protocol, "cause", tmp_path, inputs=inputs)["times"]

    def counted(group, part):
        return [loss_counts(inputs, task.only((part,)))[part] for task in loss_tasks(protocol, "cause", ())
                if task.group == group]
    off, cause = counted("whole", "nothing"), row["causes"][2]
    alone = counted("cause", f"only {cause['name']}")
    assert len(off) == 2 and off != [20, 20] and row["everything_off"] == sum(off) / 2 / 20
    assert cause["only"]["chips"] == [5.0 * (ideal - count) for ideal, count in zip(off, alone)]


def test_intervals_are_students_and_need_three_chips():
    found = paired([1.0, 2.0, 6.0])
    half = 4.30265273 * np.sqrt(7.0) / np.sqrt(3)  # t(0.975, 2), standard deviation sqrt(7)
    assert found["mean"] == 3.0 and [found["low"], found["high"]] == pytest.approx([3 - half, 3 + half])
    assert paired([1.0, 2.0]) == {"mean": 1.5, "low": None, "high": None, "chips": [1.0, 2.0]}


def test_the_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr
    one, other = [0.3, 0.1, 0.1, 0.9], [5.0, 2.0, 3.0, 4.0]
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other)[0])
    assert rank_correlation(one, [1.0] * 4) is None and rank_correlation([1, 2], [1, 2]) is None


class Stop(Exception):
    pass


def test_an_interrupted_attribution_goes_on_to_the_same_bytes(protocol, tmp_path):
    for name, stop in (("whole", None), ("resumed", 3), ("resumed", None)):
        def progress(done, total):
            if done == stop:
                raise Stop
        folder = tmp_path / name
        try:
            write_loss(folder, run_loss(protocol, "both", folder, progress=progress))
        except Stop:
            assert len(list((folder / "units").iterdir())) == 3
    files = sorted(path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*.*"))
    assert len(files) == 8
    for file in files:
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "resumed" / file).read_bytes()


def test_table_and_files_hold_every_cause_and_layer(protocol, tmp_path):
    result = run_loss(protocol, "both", tmp_path)
    write_loss(tmp_path, result)
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads(json.dumps(result))
    lines = (tmp_path / "result.csv").read_text().splitlines()
    layers = len(result["times"][0]["layers"])
    assert len(lines) == 1 + 5 + 1 + layers + 1 and lines[1].startswith(f"{YEAR_S},cause,programming noise,")
    text = as_text(loss_blocks(result))
    assert all(name in text for name in (*causes_of(protocol), "fc", "does not add up", "rank correlation"))
    assert re.search(r"\ndoes not add up .*\n\n\S.*, by layer\nlayer ", text)  # a blank line between the tables


def test_another_compensation_is_another_attribution(inputs, protocol):
    assert loss_fingerprint(inputs, protocol) != loss_fingerprint(inputs, replace(protocol, compensations=("none",)))


@pytest.mark.parametrize("change, said", [({"reads": 2}, "reads must be 1"), ({"read_noise": "per_batch"}, "frozen"),
                                          ({"compensations": ("none", "gdc")}, "choose one compensation"),
                                          ({"gdc_reference": "targets"}, "gdc_reference must be first-read"),
                                          ({"times_s": (21.0,)}, "has not been made")])
def test_what_cannot_be_attributed_is_refused(protocol, tmp_path, change, said):
    with pytest.raises(RefpcmError, match=said):
        run_loss(replace(protocol, **change), "cause", tmp_path)
