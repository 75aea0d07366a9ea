"""`python -m refpcm.inspect trace`: the way back from a number holds, and breaks where something changed."""

import base64
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.evaluation.equations import text_digest
from refpcm.evaluation.report import write_report
from refpcm.evaluation.run import run
from refpcm.evaluation.store import digest_of_unit
from refpcm.files.network_file import load_network, save_network
from refpcm.files.reading import sha256_of
from refpcm.inspection.report import as_text
from refpcm.inspection.trace import trace_number
from refpcm.inspection.trace_sources import equation_links
from refpcm.inspection.trace_table import links_blocks
from refpcm.spec.crossbars import program_network
from refpcm.spec.pcm.chip import chip_hash
from refpcm.spec.pcm.device import DEVICES, JOSHI2020
from tests.commands import command
from tests.evaluation.conftest import small  # noqa: F401
from tests.inspection.pages import checked

NUMBER = 1e7, "gdc"
ARGUMENTS = ["--time", "1e7s", "--compensation", "gdc"]


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory):  # noqa: F811
    """A folder with an evaluation in results/, its network, whose training began with another, and its data."""
    folder = tmp_path_factory.mktemp("trace")
    file = load_network(small.network)
    save_network(folder / "first.safetensors", replace(file, notes={"start_sha256": None}))
    start = sha256_of(folder / "first.safetensors")
    save_network(folder / "net.safetensors", replace(file, notes={"start_sha256": start}))
    shutil.copytree(small.data, folder / "data")
    protocol = replace(small, network=str(folder / "net.safetensors"), data=str(folder / "data"), chips=3,
                       compensations=("none", "gdc"))
    write_report(folder / "results", {**run(protocol, folder / "results"), "versions": cli.versions()})
    return folder


@pytest.fixture
def copied(whole, tmp_path):
    """A copy of all that, to be spoilt; the result names the files of the copy."""
    folder = tmp_path / "copy"  # of its own, since starts are looked for in neighbouring folders
    shutil.copytree(whole, folder)
    path = folder / "results" / "result.json"
    path.write_text(path.read_text().replace(str(whole), str(folder)))
    return folder


def followed(folder, *number, **options):
    """The links, which must be ready for JSON and for the screen, and {link: status}."""
    found = trace_number(folder / "results", *(number or NUMBER), **options)
    json.dumps(found)
    assert found["number"]["status"] in as_text(links_blocks(found))
    status = {f"chip {each['chip']}": each["status"] for each in found["chips"]}
    starts = [each for each in found["sources"] if each["link"] == "start"]
    status.update({f"start {number}": each["status"] for number, each in enumerate(starts)})
    status.update({each["link"]: each["status"] for each in found["sources"] if each["link"] != "start"})
    return found, {"number": found["number"]["status"], **status}


def unit_file(folder, found, place=0):
    return folder / "results" / found["units"][place]["file"]


def rewrite(path, change, digest=True):
    """Change the unit's JSON in place, with its own hash made anew."""
    unit = json.loads(path.read_text())
    del unit["sha256"]
    change(unit)
    path.write_text(json.dumps({**unit, "sha256": digest_of_unit(unit) if digest else "0"}))


def test_everything_holds_and_the_numbers_are_those_counted_by_hand(whole, small):  # noqa: F811
    found, status = followed(whole, reprogram=True)
    assert set(status.values()) == {"ok"} and found["holds"] and len(status) == 10
    row, = (row for row in json.loads((whole / "results" / "result.json").read_text())["rows"]
            if (row["t_s"], row["compensation"]) == NUMBER)
    assert len(found["units"]) == 6
    for unit in found["units"]:
        evidence = json.loads((whole / "results" / unit["file"]).read_text())["evidence"]
        bits = sum(bin(byte).count("1") for byte in base64.b64decode(evidence["right"]["gdc"]))
        assert unit["counted"] == unit["stored"] == bits == 20 * row["accuracies"][unit["chip"]][unit["read"]]
    assert found["number"]["mean"] == row["mean"] == np.mean(np.mean(row["accuracies"], 1))
    assert {name: found["number"]["again"][name] for name in ("mean", "std", "low", "high")} == {
        name: row[name] for name in ("mean", "std", "low", "high")}
    file = load_network(small.network)
    for chip in found["chips"]:
        programmed = program_network(file.network, file.parameters, JOSHI2020, small.seed, chip["chip"])
        assert chip["chip_sha256"] == chip["again"] == chip_hash(programmed)


def test_the_equations_are_those_of_device_and_compensation(whole):
    steps = {each["step"]: each for each in followed(whole)[0]["equations"]}
    assert steps["GDC"]["file"] == "refpcm/spec/compensation/global_drift.py" and "AdaBS" not in steps
    for each in steps.values():
        lines = (Path(cli.__file__).parents[1] / each["file"]).read_text().splitlines()
        assert lines[each["line"] - 1].startswith(f"def {each['function']}(")
    assert "GDC" not in {each["step"] for each in followed(whole, 25.0, "none")[0]["equations"]}


@pytest.mark.parametrize("device, compensation, files", [
    ("joshi2020", "none", ["mapping", "programming", "drift", "drift", "read_noise", "mapping"]),
    ("joshi2020-note2", "gdc", ["mapping", "note2", "note2", "note2", "mapping", "global_drift"]),
    ("joshi2020", "adabs-alone", ["mapping", "programming", "drift", "drift", "read_noise", "mapping", "adabs"])])
def test_each_model_and_compensation_has_its_own_equations(small, device, compensation, files):  # noqa: F811
    found = equation_links(small, DEVICES[device], compensation, None, True)
    assert [Path(each["file"]).stem for each in found] == [*files, "nested"] and all(each["says"] for each in found)


def test_an_altered_count_differs_and_so_does_the_number(copied):
    path = unit_file(copied, followed(copied)[0])
    rewrite(path, lambda unit: unit["correct"].update(gdc=3))
    found, status = followed(copied)
    assert found["units"][0]["status"] == "differs" and "3 images stored" in found["units"][0]["what"]
    assert status["number"] == "ok" and not found["holds"]  # the bits still give the number
    rewrite(path, lambda unit: unit["evidence"]["right"].pop("gdc"))
    found, status = followed(copied)
    assert status["number"] == "differs" and "result.json says" in found["units"][0]["what"]


@pytest.mark.parametrize("spoil, status, said", [
    (lambda path: path.unlink(), "not there", "no such file"),
    (lambda path: path.write_text("{"), "differs", "JSON"),
    (lambda path: path.write_text("[]"), "differs", "damaged"),
    (lambda path: rewrite(path, lambda unit: None, digest=False), "differs", "was altered"),
    (lambda path: rewrite(path, lambda unit: unit.update(chip=7)), "differs", "another unit"),
    (lambda path: rewrite(path, lambda unit: unit["evidence"].update(right={"gdc": "=="})), "differs", "damaged"),
    (lambda path: rewrite(path, lambda unit: unit["correct"].update(gdc=float("inf"))), "differs", "damaged"),
    (lambda path: rewrite(path, lambda unit: unit.update(evidence=[])), "differs", "damaged"),
    (lambda path: rewrite(path, lambda unit: unit["correct"].pop("gdc")), "not there", "no count for gdc")])
def test_a_spoilt_unit_is_told_and_the_number_does_not_hold(copied, spoil, status, said):
    spoil(unit_file(copied, followed(copied)[0], 2))
    found, links = followed(copied)
    assert found["units"][2]["status"] == status and said in found["units"][2]["what"]
    assert "\n" not in found["units"][2]["what"] and links["number"] == "not there" and not found["holds"]


def test_old_units_without_evidence_say_what_they_lack_and_the_number_holds(copied):
    for path in (copied / "results" / "units").iterdir():
        rewrite(path, lambda unit: unit.pop("evidence"))
    found, status = followed(copied, reprogram=True)
    assert found["holds"] and status["number"] == "ok" and "6 of them without bits" in found["number"]["what"]
    assert {unit["what"] for unit in found["units"]} == {"lacks chip_sha256, gdc_factors, right"}
    assert status["chip 0"] == "not there" and {unit["status"] for unit in found["units"]} == {"not there"}


def test_a_changed_network_differs_from_there_on(copied):
    file = load_network(copied / "net.safetensors")
    parameters = {**file.parameters, "fc.bias": file.parameters["fc.bias"] + 1}
    save_network(copied / "net.safetensors", replace(file, parameters=parameters, notes={"start_sha256": None}))
    found, status = followed(copied, reprogram=True)
    assert status["network"] == status["chip 1"] == status["choices"] == status["start 0"] == "differs"
    assert status["number"] == status["data"] == "ok" and not found["holds"]


def test_files_that_are_gone_are_not_there_and_can_be_named_elsewhere(copied):
    for old, new in (("net.safetensors", "moved.safetensors"), ("data", "images")):
        (copied / old).rename(copied / new)
    found, status = followed(copied, reprogram=True)
    assert {status[name] for name in ("network", "data", "choices", "chip 0")} == {"not there"} and found["holds"]
    status = followed(copied, reprogram=True, network=str(copied / "moved.safetensors"), data=str(copied / "images"))[1]
    assert set(status.values()) == {"ok"}
    (copied / "first.safetensors").unlink()
    status = followed(copied, network=str(copied / "moved.safetensors"))[1]
    assert status["start 0"] == status["start 1"] == "not there"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is part of Python from 3.11 on")
@pytest.mark.parametrize("name, changes, spoil", [
    ("cell.toml", {"device": "cell.toml"}, lambda path: path.write_text("no such thing")),
    ("ranges.npz", {"range_network": "ranges.npz", "dac_bits": 6}, lambda path: path.mkdir())], ids=["device", "ranges"])
def test_a_file_of_the_choices_that_cannot_be_read_differs_and_one_that_is_gone_is_not_there(name, changes, spoil, copied):
    path = copied / "results" / "result.json"
    result = json.loads(path.read_text())
    result["protocol"].update(changes)
    path.write_text(json.dumps(result))
    assert followed(copied)[1]["choices"] == "not there"
    spoil(copied / name)
    found, status = followed(copied)
    assert status["choices"] == "differs" and not found["holds"]
    assert name in next(each["what"] for each in found["sources"] if each["link"] == "choices")


def test_other_data_code_and_seed_differ(copied):
    path = copied / "results" / "result.json"
    result = json.loads(path.read_text())
    result["sha256"]["data"]["test"], result["versions"]["refpcm"], result["protocol"]["seed"] = "0" * 64, "0.0.1", 6
    result["code"]["results_version"] -= 1
    path.write_text(json.dumps(result))
    found, status = followed(copied, reprogram=True)
    assert [status[name] for name in ("data", "code", "choices", "chip 2", "network")] == ["differs"] * 4 + ["ok"]


def test_the_parameters_in_which_a_device_is_another_than_noted_are_named(copied):
    path = copied / "results" / "result.json"
    result = json.loads(path.read_text())
    result["device"]["g_max_us"], result["device"]["name"] = 24.0, "mine"
    path.write_text(json.dumps(result))
    found, status = followed(copied)
    assert status["choices"] == "differs" and not found["holds"]
    assert any(each["what"].endswith("; the device has another g_max_us, name than noted") for each in found["sources"])


def test_other_modules_with_the_same_numbers_have_changed_and_the_number_holds(copied):
    path = copied / "results" / "result.json"
    result = json.loads(path.read_text())
    result["versions"]["sources"], changed = "0" * 16, "refpcm/spec/pcm/drift.py drifted_us"
    result["code"]["equations"][changed] = "0" * 16
    path.write_text(json.dumps(result))
    found, status = followed(copied)
    assert status["code"] == "changed" and "whose numbers are the same" in found["sources"][-1]["what"] and found["holds"]
    assert {each["step"] for each in found["equations"] if each["status"] == "changed"} == {"drift"}
    del result["code"]
    path.write_text(json.dumps(result))
    found, status = followed(copied)  # known by the fingerprint
    assert status["code"] == "changed" and {each["status"] for each in found["equations"]} == {"not there"}
    (copied / "data").rename(copied / "images")
    assert followed(copied)[1]["code"] == "not there"


def test_a_digest_of_code_knows_no_prose():
    source = '"""One."""\n# two\ndef f(x):\n    """Three."""\n    return x + 1  # four\n'
    assert text_digest(source) == text_digest("def f(x):\n    return x + 1\n") != text_digest("def f(x):\n    return x + 2\n")


def test_a_result_whose_number_was_changed_is_found_out(copied):
    path = copied / "results" / "result.json"
    result = json.loads(path.read_text())
    row, = (row for row in result["rows"] if (row["t_s"], row["compensation"]) == NUMBER)
    row["mean"] = float(np.nextafter(row["mean"], 1))
    path.write_text(json.dumps(result))
    found, status = followed(copied)
    assert status["number"] == "differs" and not found["holds"]
    assert followed(copied, 25.0, "gdc")[0]["holds"]


def test_a_result_with_odd_entries_gets_a_sentence_at_most(copied):
    path = copied / "results" / "result.json"
    text = path.read_text()
    whole = json.loads(text)
    places = [[key] for key in whole] + [["rows", 3, key] for key in whole["rows"][3]]
    places += [[holder, key] for holder in ("protocol", "sha256") for key in whole[holder]]
    for odd in (None, "x", -1, 10 ** 400, [], {}, [[]]):
        for *way, last in places:
            result = json.loads(text)
            holder = result
            for key in way:
                holder = holder[key]
            holder[last] = odd
            path.write_text(json.dumps(result))
            try:
                units = followed(copied)[0]["units"]
            except RefpcmError as error:
                assert "\n" not in str(error) and str(path) in str(error) or "no number" in str(error)
            else:
                other_units = way == ["protocol"] or last in ("fingerprint", "rows")
                assert other_units or {each["status"] for each in units} == {"ok"}


def test_the_command_prints_the_links_and_its_status_says_whether_they_hold(whole, copied):
    done = command("refpcm.inspect", "trace", whole / "results", *ARGUMENTS, "--reprogram")
    assert done.returncode == 0 and done.stdout.count("\nok ") > 20 and "differs" not in done.stdout, done.stderr
    again = command("refpcm.inspect", "trace", whole / "results", *ARGUMENTS, "--json", "--html", copied / "trace.html")
    assert json.loads(again.stdout) == {**trace_number(whole / "results", *NUMBER), "versions": cli.versions()}
    shown = checked((copied / "trace.html").read_text()).cells()
    assert {"Their chips", "weights to conductances", "every link that is there holds"} <= shown
    next((copied / "results" / "units").glob("*chip0-t1*read0.json")).unlink()
    broken = command("refpcm.inspect", "trace", copied / "results", *ARGUMENTS)
    assert broken.returncode == 1 and "1 of 6 units without a count" in broken.stdout and not broken.stderr


@pytest.mark.parametrize("arguments, said", [
    (["gone"], "is not a folder"), ([".", *ARGUMENTS], "result.json"), (["results"], "several numbers"),
    (["results", "--time", "1year"], "no number"), (["results", "--time", "soon"], "not a time")], ids=str)
def test_a_mistake_gets_one_sentence(copied, arguments, said):
    done = command("refpcm.inspect", "trace", *arguments, cwd=copied)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_folder_of_something_else_is_refused(tmp_path):
    for content in ("[]", '{"fingerprint": "", "protocol": {}, "times": []}', "{"):
        (tmp_path / "result.json").write_text(content)
        with pytest.raises(RefpcmError, match="result.json"):
            trace_number(tmp_path)


@pytest.mark.parametrize("changes", [
    {"compensations": ("gdc", "adabs")}, {"dac_bits": 6, "adc_bits": 6, "range_images": 8},
    {"read_noise": "per_batch", "images": 11}, {"read_noise": "per_product", "per_column": True},
    {"on_chip": "inner", "device": "joshi2020-note2", "kernels": "numpy"}])
def test_the_numbers_of_every_kind_of_protocol_hold(small, changes, tmp_path):  # noqa: F811
    protocol = replace(small, **{"chips": 1, "reads": 1, "times_s": (1e7,), "compensations": ("gdc",), **changes})
    write_report(tmp_path / "results", run(protocol, tmp_path / "results"))
    found, status = followed(tmp_path, 1e7, protocol.compensations[-1], reprogram=True)
    assert found["holds"] and found["units"][0]["status"] == "ok"
    assert {name for name, each in status.items() if each != "ok"} == {"start 0", "code"}  # neither was noted


def test_a_name_beyond_all_limits_is_not_there(copied):
    path = copied / "results" / "result.json"
    result = json.loads(path.read_text())
    result["protocol"]["data"] = "a" * 300
    path.write_text(json.dumps(result))
    assert followed(copied)[1]["data"] == "not there"
