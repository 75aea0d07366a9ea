"""refpcm.evaluation.evidence and provenance: what stands behind a number, and where it comes from."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from refpcm.evaluation.evidence import Counts, adabs_summary, lacking, packed, summary_of_evidence, unpacked
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.protocol import tasks
from refpcm.evaluation.provenance import INITIAL, NOT_FOUND, NOT_NOTED, data_identity, network_finder, provenance, start_chain
from refpcm.evaluation.run import run
from refpcm.evaluation.store import Store
from refpcm.evaluation.unit import adabs_images, fingerprint, programmed, readout_of
from refpcm.files.network_file import load_network, save_network
from refpcm.spec.compensation.adabs import calibrate
from refpcm.spec.compensation.global_drift import compensated_read
from refpcm.spec.crossbars import with_matrices
from refpcm.spec.pcm.chip import chip_hash
from refpcm.training.config_file import identity_of
from tests.evaluation.units import run_task


@pytest.fixture(scope="module")
def inputs(small):
    return load_inputs(small)


def store_of(small, inputs, folder):
    return Store(folder, fingerprint(inputs, small))


def test_bits_come_back_as_they_were_whatever_their_number():
    for count in (1, 8, 9, 60):
        right = np.random.default_rng(count).random(count) < 0.7
        assert np.array_equal(unpacked(packed(right), count), right)
    assert packed(np.array([True, False, False, True])) == "kA=="
    with pytest.raises(ValueError, match="8 bits for 9 images"):
        unpacked("kA==", 9)


def test_a_unit_keeps_what_its_parts_put_together_by_hand_say(small, inputs):
    task = tasks(small)[-1]
    counts = run_task(task)
    chip, reference = programmed(inputs, small, task.chip)
    _, compensated, alphas = compensated_read(chip, task.t_s, task.draw, reference, readout_of(inputs, small))
    parameters = with_matrices(inputs.file.network, inputs.file.parameters, compensated)
    after = calibrate(inputs.engine, parameters, adabs_images(inputs, task))
    evidence = counts.evidence
    assert evidence["chip_sha256"] == chip_hash(chip) and evidence["images"] == 20
    assert evidence["gdc_factors"] == {name: float(alpha) for name, alpha in alphas.items()}
    assert np.array_equal(unpacked(evidence["right"]["gdc"], 20), inputs.recognised(parameters))
    assert np.array_equal(unpacked(evidence["right"]["adabs"], 20), inputs.recognised(after))
    statistics = {name: value for name, value in after.items() if ".running_" in name}
    assert evidence["adabs"] == {"adabs": adabs_summary(inputs.file.parameters, statistics)}
    assert {name: unpacked(text, 20).sum() for name, text in evidence["right"].items()} == counts
    assert lacking(counts) == ()


def test_the_summary_of_adabs_is_that_of_a_case_by_hand():
    before = {"a.running_mean": np.zeros(2), "a.running_var": np.array([4.0, 1.0])}
    after = {"a.running_mean": np.array([2.0, 0.0]), "a.running_var": np.array([8.0, 2.0])}
    found = adabs_summary(before, after)
    assert found == {"mean_shift_rms": pytest.approx(np.sqrt(0.5)), "variance_ratio": pytest.approx(2.0)}


def test_evidence_is_stored_and_a_widened_unit_gains_that_of_its_new_part(small, inputs, tmp_path):
    narrow = replace(small, chips=1, reads=1, compensations=("gdc",))
    run(narrow, tmp_path)
    run(replace(narrow, compensations=("none", "gdc", "adabs")), tmp_path)
    stored = store_of(small, inputs, tmp_path).load(tasks(narrow)[0])
    assert set(stored.evidence["right"]) == {"none", "gdc", "adabs"} and lacking(stored) == ()
    assert stored.evidence == {**run_task(tasks(small)[0]).evidence, "right": stored.evidence["right"]}


def test_units_without_evidence_stay_valid_and_say_what_they_lack(small, inputs, tmp_path, monkeypatch):
    whole = run(small, tmp_path)
    assert whole["evidence"] == {"units": 8, "complete": 8, "lacking": {}}
    path = tmp_path / "units" / store_of(small, inputs, tmp_path).path(tasks(small)[3]).rsplit("/", 1)[-1]
    unit = json.loads(path.read_text())
    old = {key: value for key, value in unit.items() if key not in ("evidence", "sha256")}
    path.write_text(json.dumps({**old, "sha256": hashlib.sha256(json.dumps(old).encode()).hexdigest()}, indent=1))
    monkeypatch.setattr("refpcm.evaluation.run.recognised", lambda *unit: pytest.fail("a unit was run again"))
    again = run(small, tmp_path)
    assert again["rows"] == whole["rows"]
    assert again["evidence"] == {"units": 8, "complete": 7,
                                 "lacking": {"adabs": 1, "chip_sha256": 1, "gdc_factors": 1, "right": 1}}


def test_bits_that_do_not_sum_to_the_count_are_no_evidence():
    whole = {"images": 3, "chip_sha256": "c", "gdc_factors": {}, "right": {"gdc": packed(np.array([1, 1, 0]))}}
    assert lacking(Counts({"gdc": 2}, whole)) == () and lacking(Counts({"gdc": 3}, whole)) == ("right",)
    assert lacking(Counts({"gdc": 2}, {**whole, "right": {"gdc": "not base64"}})) == ("right",)
    assert summary_of_evidence([{"gdc": 1}]) == {"units": 1, "complete": 0,
                                                 "lacking": {"chip_sha256": 1, "gdc_factors": 1, "right": 1}}


def test_a_result_names_network_data_and_start(small, inputs, tmp_path):
    found = run(replace(small, chips=1, reads=1, compensations=("none",)), tmp_path)["sha256"]
    with open(small.network, "rb") as file:
        assert found["network"] == hashlib.sha256(file.read()).hexdigest()
    assert found["data"] == data_identity(inputs.data) and found["data"]["train"] == identity_of(inputs.data)
    assert (found["starts"], found["starts_end"]) == ([], NOT_NOTED)


def test_that_version_0_1_noted_no_start_says_nothing(small):
    notes = {"start_sha256": None, "versions": {"refpcm": "0.1.0"}}
    assert start_chain(small.network, notes) == ([], NOT_NOTED)
    assert start_chain(small.network, {**notes, "versions": {"refpcm": "0.2.0"}}) == ([], INITIAL)


def test_no_more_files_are_hashed_than_it_takes_to_find_a_start(tmp_path, monkeypatch):
    folder, hashed = tmp_path / "runs" / "one", []  # files of other tests lie beside tmp_path
    folder.mkdir(parents=True)
    for name in "abc":
        (folder / f"{name}.npz").write_text(name)
    monkeypatch.setattr("refpcm.evaluation.provenance.sha256_of", lambda path: hashed.append(path[-5]) or path[-5])
    find = network_finder(folder / "network.npz")
    assert find("b") == str(folder / "b.npz") and hashed == ["a", "b"]
    assert find("a") == str(folder / "a.npz") and hashed == ["a", "b"]
    assert find("d") is None and hashed == ["a", "b", "c"] and find("d") is None


def test_the_chain_of_starts_is_followed_to_initial_weights_or_to_a_file_that_is_gone(small, tmp_path):
    first, hashes = load_network(small.network), [None]
    for number in range(3):
        folder = tmp_path / f"run{number}"
        folder.mkdir()
        save_network(folder / "network.safetensors", replace(first, notes={"start_sha256": hashes[-1]}))
        hashes.append(hashlib.sha256((folder / "network.safetensors").read_bytes()).hexdigest())
    last = tmp_path / "run2" / "network.safetensors"
    assert start_chain(last, load_network(last).notes) == ([hashes[2], hashes[1]], INITIAL)
    assert provenance(str(last), load_network(last).notes, load_inputs(small).data)[
        "starts"] == [hashes[2], hashes[1]]
    (tmp_path / "run0" / "network.safetensors").unlink()
    assert start_chain(last, load_network(last).notes) == ([hashes[2], hashes[1]], NOT_FOUND)
