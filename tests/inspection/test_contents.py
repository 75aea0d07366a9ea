"""refpcm.inspection.contents and folders: everything that refpcm writes is recognised, and its hashes are checked."""

import json
from dataclasses import replace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.report import write_report
from refpcm.evaluation.run import run
from refpcm.files.chips import save_chip
from refpcm.files.network_file import load_network, save_network
from refpcm.inspection.contents import describe
from refpcm.inspection.loss import run_loss
from refpcm.inspection.loss_report import write_loss
from refpcm.inspection.page import as_page
from refpcm.inspection.pictures import can_draw
from refpcm.inspection.report import as_text
from refpcm.inspection.tables import contents_blocks
from refpcm.inspection.trace import trace_number
from refpcm.spec.crossbars import to_matrices
from refpcm.spec.pcm.chip import chip_hash, program
from refpcm.spec.pcm.device import JOSHI2020
from tests.commands import command
from tests.evaluation.conftest import small  # noqa: F401
from tests.inspection.pages import checked


def described(path):
    """The description, which must be ready for JSON and for the screen."""
    found = describe(path)
    json.dumps(found)
    assert found["kind"] in as_text(contents_blocks(found)) and all(len(row) == len(found["columns"]) for row in found["rows"])
    return found


@pytest.mark.parametrize("name", ["network.safetensors", "network.npz"])
def test_a_network_is_shown_with_its_layers_notes_and_hash(small, tmp_path, name):  # noqa: F811
    file = replace(load_network(small.network), notes={"start_sha256": None, "data": "noise"})
    save_network(tmp_path / name, file)
    found = described(tmp_path / name)
    matrices = to_matrices(file.network, file.parameters)
    assert found["kind"] == "network" and found["facts"]["note: data"] == "noise"
    assert found["facts"]["training began with"] == ["initial weights"]
    layer, rows, columns, w_max, rms, near_zero = found["rows"][0]
    assert (layer, rows, columns) == ("conv1", *matrices["conv1"].shape) and w_max == np.abs(matrices["conv1"]).max()
    assert rms == pytest.approx(np.sqrt(np.mean(np.square(matrices["conv1"]))) / w_max)
    assert near_zero == np.mean(np.abs(matrices["conv1"]) < 0.05 * w_max)


def test_a_chip_is_shown_with_its_hash_and_its_errors(tmp_path):
    chip = program({"a": np.random.default_rng(0).normal(0, 1, (30, 20))}, JOSHI2020, 4, 2)
    save_chip(tmp_path / "chip.safetensors", chip)
    found = described(tmp_path / "chip.safetensors")
    crossbar = chip.crossbars[0]
    used = crossbar.g_target_us > 0
    assert found["kind"] == "chip" and found["facts"]["chip hash"] == chip_hash(chip)
    assert found["rows"][0][:3] == ["a", 30, 20]
    assert found["rows"][0][4] == pytest.approx(np.sqrt(np.mean((crossbar.g_prog_us - crossbar.g_target_us)[used] ** 2)))
    assert found["rows"][0][5] == pytest.approx(crossbar.nu[used].mean())


def test_an_evaluation_is_shown_with_its_evidence_and_the_file_of_its_network(small, tmp_path):  # noqa: F811
    network = tmp_path / "net.safetensors"
    save_network(network, load_network(small.network))
    protocol = replace(small, network=str(network), chips=1, times_s=(25.0,), compensations=("gdc",))
    write_report(tmp_path / "e", run(protocol, tmp_path / "e"))
    found = described(tmp_path / "e")
    assert found["kind"] == "evaluation" and found["facts"]["network file"] == "the file has this hash"
    assert found["facts"]["evidence"] == {"units": 2, "complete": 2, "lacking": {}, "damaged": 0}
    page = checked(as_page("t", contents_blocks(found), "c", found))
    assert ("svg" in [tag for tag, _ in page.tags]) == can_draw()
    unit = next((tmp_path / "e" / "units").iterdir())
    unit.write_text(unit.read_text().replace('"gdc": ', '"gdc": 1', 1))
    save_network(network, replace(load_network(small.network), notes={"other": 1}))
    changed = described(tmp_path / "e")["facts"]
    assert changed["network file"] == "the file has changed since" and changed["evidence"]["damaged"] == 1
    network.unlink()
    assert described(tmp_path / "e")["facts"]["network file"] == f"there is no {network}"


@pytest.mark.parametrize("where, said", [
    ("here", "the file has this hash"), ("elsewhere", "the file has this hash: {}/runs/net.safetensors"),
    ("other", "the file has this hash: {}/runs/net.safetensors"),
    ("gone", "there is no runs/net.safetensors, neither in the current folder, {}/away, nor in that of the results, "
             "{}/runs/e, nor in one above that")])
def test_a_network_is_looked_for_from_the_results_folder_too(small, tmp_path, monkeypatch, where, said):  # noqa: F811
    (tmp_path / "away/runs").mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    save_network(tmp_path / "runs/net.safetensors", load_network(small.network))
    monkeypatch.chdir(tmp_path)
    protocol = replace(small, network="runs/net.safetensors", chips=1, reads=1, times_s=(25.0,), compensations=("gdc",))
    write_report("runs/e", run(protocol, "runs/e"))
    if where != "here":
        monkeypatch.chdir(tmp_path / "away")
    if where == "other":  # a file of this name, but another one
        save_network("runs/net.safetensors", replace(load_network(small.network), notes={"other": 1}))
    if where == "gone":
        (tmp_path / "runs/net.safetensors").unlink()
    assert described(tmp_path / "runs/e")["facts"]["network file"] == said.format(tmp_path, tmp_path)
    link = trace_number(tmp_path / "runs/e")["sources"][0]
    assert link["status"] == ("not there" if where == "gone" else "ok")
    assert "{}/runs/e".format(tmp_path) in link["what"] or where != "gone"


def test_units_without_a_result_are_shown_as_what_they_are(small, tmp_path):  # noqa: F811
    protocol = replace(small, chips=2, times_s=(25.0, 1e6), compensations=("gdc",))
    run(protocol, tmp_path / "e")
    found = described(tmp_path / "e")
    assert found["kind"] == "units of an evaluation" and "no result.json" in found["facts"]["result"]
    assert [row[1:] for row in found["rows"]] == [[25.0, 2, 2, 4], [1e6, 2, 2, 4]]
    for path in (tmp_path / "e/units").iterdir():
        path.write_text("{}")
    with pytest.raises(RefpcmError, match="neither results nor whole units"):
        describe(tmp_path / "e")


@pytest.mark.parametrize("spoil", [
    lambda result: result.pop("digital_accuracy"), lambda result: result["rows"][0].pop("high"),
    lambda result: result.update(rows=None), lambda result: result.update(sha256=[]),
    lambda result: result.update(fingerprint=["a"], rows=[1]), lambda result: result.update(protocol=7),
    lambda result: result["rows"][0].update(t_s="soon"), lambda result: result["rows"][0].update(low="x"),
    lambda result: result["rows"][0].update(mean=[1]), lambda result: result["protocol"].pop("network"), lambda result: result["rows"][0].update(chips={})])
def test_a_damaged_result_is_refused_in_a_sentence(small, tmp_path, spoil):  # noqa: F811
    protocol = replace(small, chips=1, reads=1, times_s=(25.0,), compensations=("gdc",))
    result = run(protocol, tmp_path)
    spoil(result)
    (tmp_path / "result.json").write_text(json.dumps(result))
    with pytest.raises(RefpcmError, match="result.json is damaged"):
        describe(tmp_path)


def test_an_attribution_and_data_are_recognised(small, tmp_path):  # noqa: F811
    protocol = replace(small, reads=1, chips=1, times_s=(25.0,), compensations=("gdc",))
    write_loss(tmp_path, run_loss(protocol, "cause", tmp_path))
    found = described(tmp_path)
    assert found["kind"] == "attribution" and len(found["rows"]) == 1
    assert "\nspread of nu " in as_text(contents_blocks(found))
    data = described(small.data)
    assert data["kind"] == "data" and data["rows"] == [["train", 40], ["test", 20]]
    assert data["facts"]["sha256"] == found["facts"]["data sha256"]


def test_a_checkpoint_and_a_training_run_are_recognised(tmp_path):
    from refpcm.files.checkpoints import State, save_checkpoint
    from refpcm.spec.resnet import parameter_shapes, tiny_resnet8
    from refpcm.spec.training.config import TrainingConfig
    shapes = parameter_shapes(tiny_resnet8())
    parameters = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    velocity = {name: value for name, value in parameters.items() if ".running_" not in name}
    save_checkpoint(tmp_path / "checkpoint.safetensors",
                    State(replace(TrainingConfig(), architecture="tiny-resnet8"), 10, "d", parameters, velocity, 7))
    found = described(tmp_path / "checkpoint.safetensors")
    assert found["kind"] == "checkpoint" and found["facts"]["step"] == 7
    (tmp_path / "config.json").write_text(json.dumps({"command": ["train.py", "--epochs", 3], "data": None}))
    run_folder = described(tmp_path)
    assert run_folder["kind"] == "training run" and run_folder["facts"]["finished"] is False


def test_what_refpcm_did_not_write_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("a few words, and some more of them")
    with pytest.raises(RefpcmError, match="neither results nor a training run nor data"):
        describe(tmp_path)
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "net.pth").write_bytes(b"PK\x03\x04" + bytes(100))
    for name, said in (("notes.txt", "it looks like text"), ("cat.png", "it looks like a PNG picture"),
                       ("net.pth", "import it with python -m refpcm.convert")):
        with pytest.raises(RefpcmError, match=f"{name} .*{said}"):
            describe(tmp_path / name)
    (tmp_path / "result.json").write_text("[]")
    with pytest.raises(RefpcmError, match="is not the result of"):
        describe(tmp_path)
    with pytest.raises(RefpcmError, match="give the folder"):
        describe(tmp_path / "result.json")
    for text in ("[]", '{"command": 5, "data": null}', '{"model_type": "bert"}'):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(RefpcmError, match="config.json is not of a training run"):
            describe(tmp_path)
    (tmp_path / "config.json").write_text('{"command": [], "data": null}')
    with pytest.raises(RefpcmError, match="result.json is not of a training run"):
        describe(tmp_path)


def test_a_damaged_attribution_is_one_sentence(small, tmp_path):  # noqa: F811
    protocol = replace(small, reads=1, chips=1, times_s=(25.0,), compensations=("gdc",))
    result = run_loss(protocol, "cause", tmp_path)
    for damage in ({"times": [{}]}, {"times": [{**result["times"][0], "causes": [{}]}]}):
        (tmp_path / "result.json").write_text(json.dumps({**result, **damage}))
        done = command("refpcm.inspect", tmp_path)
        assert done.returncode == 2 and "result.json is damaged" in done.stderr and len(done.stderr.splitlines()) == 1


def test_inputs_of_the_fixture_are_those_described(small):  # noqa: F811
    assert described(small.network)["facts"]["architecture"] == load_inputs(small).file.network.architecture
