"""refpcm.evaluation.run: rows, resumption, executors, report, and what is refused before the first unit."""

import json
import os
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.protocol import tasks
from refpcm.evaluation.report import table, write_report
from refpcm.evaluation.run import run
from refpcm.files.network_file import save_network
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.pcm.device_data import device_from_dict
from tests.evaluation.units import run_task


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory):
    """Its result, and the folder it lies in."""
    folder = tmp_path_factory.mktemp("whole")
    return run(small, folder), folder


def test_every_time_and_compensation_has_a_row(small, whole):
    result, _ = whole
    assert [(r["t_s"], r["compensation"]) for r in result["rows"]] == [
        (t, c) for t in (25.0, 1e7) for c in ("none", "gdc", "adabs")]
    for row in result["rows"]:
        accuracies = np.array(row["accuracies"])
        assert accuracies.shape == (2, 2) and row["mean"] == pytest.approx(accuracies.mean())
    assert result["test_images"] == 20 and len(tasks(small)) == 8


def test_normalised_accuracy_is_1_for_digital_and_0_for_guessing_among_ten_classes(small, tmp_path):
    inputs = load_inputs(small)
    labels = inputs.data.test_labels.copy()
    labels[:5] = (labels[:5] + 1) % 10
    inputs.data = replace(inputs.data, test_labels=labels)
    result = run(replace(small, times_s=(25.0,), reads=1), tmp_path, inputs=inputs)
    assert result["digital_accuracy"] == 0.75
    assert [row["normalised"] for row in result["rows"]] == pytest.approx([(row["mean"] - 0.1) / 0.65 for row in result["rows"]])


def test_an_interrupted_evaluation_goes_on_where_it_was(small, whole, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    def stop_after_three(done, total):
        if done == 3:
            raise Stop
    with pytest.raises(Stop):
        run(small, tmp_path, progress=stop_after_three)
    ran = []
    monkeypatch.setattr("refpcm.evaluation.run.recognised", lambda inputs, task: ran.append(task) or run_task(task))
    assert run(small, tmp_path) == whole[0] and len(ran) == 5


def test_a_wider_evaluation_keeps_what_was_done(small, whole, monkeypatch):
    result, folder = whole
    ran = []
    monkeypatch.setattr("refpcm.evaluation.run.recognised",
                        lambda inputs, task: ran.append((task.t_s, task.compensations)) or dict.fromkeys(task.compensations, 7))
    wider = run(replace(small, times_s=(25.0, 1e6, 1e7), compensations=("gdc", "adabs-alone")), folder)
    assert sorted(ran) == 4 * [(25.0, ("adabs-alone",))] + 4 * [(1e6, ("gdc", "adabs-alone"))] + 4 * [
        (1e7, ("adabs-alone",))]
    assert wider["rows"][0] == result["rows"][1]


def test_damaged_units_are_run_again(small, whole, tmp_path):
    result, folder = whole
    run(small, tmp_path)
    names = sorted(os.listdir(tmp_path / "units"))
    whole_unit = (tmp_path / "units" / names[0]).read_text()
    assert '"gdc": ' in whole_unit
    damaged = ("", "{", '{"fingerprint": 3}', "[]", "null", "[" * 100_000, whole_unit.replace('"gdc": ', '"gdc": 1'),
               whole_unit.replace('"gdc": ', '"gdc": Infinity, "adabs": '))
    for name, content in zip(names, damaged, strict=True):
        (tmp_path / "units" / names[0]).write_text(content)
        assert run(small, tmp_path) == result


class Backwards(Executor):
    """Runs everything at shutdown of the submission phase, last task first."""

    def __init__(self):
        self.waiting = []

    def submit(self, function, *arguments):
        future = Future()
        self.waiting.append((future, function, arguments))
        if len(self.waiting) == 8:
            for each, call, values in reversed(self.waiting):
                each.set_result(call(*values))
        return future


def test_the_executor_does_not_matter(small, whole, tmp_path):
    assert run(small, tmp_path, Backwards()) == whole[0]


def test_an_executor_that_broke_while_it_was_idle_is_said(small, tmp_path):
    class Broken(Executor):
        def submit(self, function, *arguments):
            raise BrokenExecutor("a worker is gone")
    with pytest.raises(RefpcmError, match="ended from outside"):
        run(small, tmp_path, Broken())


def test_a_network_written_anew_is_another_evaluation(small, tmp_path):
    """In one process, as in a notebook: nothing of the first network is left."""
    path = tmp_path / "net.safetensors"
    first = load_inputs(small).file
    results = []
    for scale in (1.0, -1.0):
        changed = {name: scale * value if name == "fc.weight" else value for name, value in first.parameters.items()}
        save_network(path, replace(first, parameters=changed))
        results.append(run(replace(small, network=str(path)), tmp_path))
    one, other = results
    assert one["fingerprint"] != other["fingerprint"] and one["digital_accuracy"] == 1.0 > other["digital_accuracy"]
    assert all(row["mean"] != again["mean"] for row, again in zip(one["rows"], other["rows"]))


@pytest.mark.slow
def test_processes_give_the_same_result(small, whole, tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert run(small, tmp_path, pool) == whole[0]


def test_the_report_holds_the_result(whole, tmp_path):
    result, _ = whole
    write_report(tmp_path, result)
    assert json.loads((tmp_path / "result.json").read_text())["rows"] == result["rows"]
    lines = (tmp_path / "result.csv").read_text().splitlines()
    assert len(lines) == 7 and lines[0].startswith("t_s,compensation,mean") and lines[1].startswith("25.0,none,")
    assert len(table(result).splitlines()) == 4 + 1 + 6 + 2
    assert device_from_dict(json.loads((tmp_path / "result.json").read_text())["device"]) == JOSHI2020


def test_more_calibration_images_than_there_are_are_refused(small, tmp_path):
    with pytest.raises(RefpcmError, match="40 calibration images"):
        run(replace(small, adabs_batches=13), tmp_path)


class Index(list):
    """Images that are not in memory, as those of an ImageNet index."""

    def tobytes(self):
        return b""


@pytest.mark.parametrize("train_images, change, said", [
    (None, {"adabs_batches": 13}, "40 calibration images"), ([], {"compensations": ("adabs-alone",)}, "no training")])
def test_before_the_first_unit_adabs_is_known_to_have_its_images(small, tmp_path, monkeypatch, train_images, change,
                                                                 said):
    inputs = load_inputs(small)
    if train_images is not None:
        monkeypatch.setattr(inputs, "data", replace(inputs.data, train_images=Index(train_images)))
    ran = []
    monkeypatch.setattr("refpcm.evaluation.run.recognised", lambda inputs, task: ran.append(task))
    with pytest.raises(RefpcmError, match=said):
        run(replace(small, **change), tmp_path, inputs=inputs)
    assert not ran
