"""A kit is believed for its digests: what was edited is refused or said, whatever is broken is one sentence."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.golden.case import Recipe
from refpcm.golden.kit import KITS, NEWEST, Kit
from refpcm.golden.kit_writing import SCHEMA, write_kit
from refpcm.golden.released import RELEASED
from tests.commands import command
from tests.golden.kit_versions import of_2_1, of_2_2

OF_2_0 = "cb8ecbd9435a7fa733bc4390889f47f6bbadfaff6366c3bb01645271ae9617fc"  # SHA-256 of the entries of kit 2.0, by id
OF_2_1 = "760c5e272ec7730be8f0067b7e9adf303504c92dab657b87a690babd34009e7d"  # of 2.1


@pytest.fixture
def kit(tmp_path):
    """A copy of the kit."""
    return shutil.copytree(KITS[NEWEST], tmp_path / "kit")


def change_manifest(kit, change):
    manifest = json.loads((kit / "manifest.json").read_text())
    change(manifest)
    (kit / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("major", KITS)
def test_the_stored_kits_are_the_released_ones_of_their_versions(major):
    kit = Kit(str(major))
    assert kit.major == major and kit.released and RELEASED[kit.manifest["version"]] == kit.digest


def test_the_newest_kit_is_asked_unless_another_is_named():
    assert Kit().folder == KITS[2] and Kit("1").folder == KITS[1]
    done = command("refpcm.golden", "check", "--self", "--case", "L1-drift-1h", "--kit", 1)
    assert done.returncode == 0 and "kit 1.1 (released, " in done.stdout


def test_cases_that_version_2_carries_over_have_the_values_of_version_1_bit_for_bit():
    old, new = ({case.id: case for case in Kit(str(major)).cases} for major in (1, 2))
    both = set(old) & set(new)
    assert len(both) == 100 and len(new) == 211
    for id in both:
        before, after = old[id], new[id]
        assert (before.operation, before.parameters, before.equation) == (after.operation, after.parameters, after.equation)
        for a, b in zip(before.inputs, after.inputs, strict=True):
            assert isinstance(b.content, Recipe) and a == b or a.array().tobytes() == b.array().tobytes(), id
        for a, b in zip(before.outputs, after.outputs, strict=True):
            assert a.tolerance == b.tolerance and a.expected.keys() == b.expected.keys()
            assert all(a.expected[part].tobytes() == b.expected[part].tobytes() for part in a.expected), id


def test_kit_2_2_has_the_165_cases_of_2_0_and_the_206_of_2_1_unchanged():
    of_2_1_alone, of_2_2_alone = of_2_1(), of_2_2()
    assert len(of_2_1_alone) == 41 and len(of_2_2_alone) == 5
    for younger, count, digest in ((of_2_1_alone | of_2_2_alone, 165, OF_2_0), (of_2_2_alone, 206, OF_2_1)):
        entries = {entry["id"]: entry for entry in Kit().manifest["cases"] if entry["id"] not in younger}
        text = json.dumps([entries[id] for id in sorted(entries)])
        assert len(entries) == count and hashlib.sha256(text.encode()).hexdigest() == digest


def test_inputs_of_version_2_are_stored_except_those_of_the_largest_networks():
    made = {case.id for case in Kit("2").cases for i in case.inputs if isinstance(i.content, Recipe)}
    assert made == {"L4-resnet32-64", "L4-resnet32-32", "L4-resnet32-batch-64", "L4-resnet34-32"}


def test_the_newest_kit_goes_into_the_wheel():
    from configparser import ConfigParser
    from fnmatch import fnmatch
    setup = ConfigParser()
    setup.read(KITS[NEWEST].parents[2] / "setup.cfg")
    patterns = setup["options.package_data"]["refpcm.golden"].split()
    files = [f"{KITS[NEWEST].name}/{path.name}" for path in KITS[NEWEST].iterdir()]
    assert len(files) == 13 and all(any(fnmatch(file, pattern) for pattern in patterns) for file in files)


def test_devices_and_networks_that_cases_name_are_in_the_manifest():
    kit = Kit()
    named = {name: {case.values()[name] for case in kit.cases if name in case.values()} for name in ("device", "architecture")}
    assert set(kit.manifest["devices"]) == named["device"] - {"constants"}
    assert set(kit.manifest["networks"]) == named["architecture"]
    assert kit.manifest["devices"]["joshi2020"]["g_max_us"] == (25.0).hex()
    last = kit.manifest["networks"]["chip-block"]["layers"][-1]
    assert last == {"name": "fc", "kind": "Linear", "inputs": ["avgpool"], "in_features": 6, "out_features": 5}


def test_the_stored_and_a_new_manifest_fit_the_json_schema(tmp_path):
    jsonschema = pytest.importorskip("jsonschema", reason="wants jsonschema, of the extra test")
    write_kit(tmp_path / "new", [case for case in Kit().cases if case.level in (2, 3)], {})
    for folder in (*KITS.values(), tmp_path / "new"):
        schema = json.loads((folder / SCHEMA).read_text())
        manifest = json.loads((folder / "manifest.json").read_text())
        jsonschema.validate(manifest, schema)
        manifest["cases"] = [{**manifest["cases"][0], "surplus": 1}]
        with pytest.raises(jsonschema.ValidationError, match="'surplus' was unexpected"):
            jsonschema.validate(manifest, schema)


def test_an_edited_tolerance_does_not_pass_silently(kit, tmp_path):
    """A wrong adapter passes the edited case; status and text say that this is no released kit."""
    def edit(manifest):
        case, = [case for case in manifest["cases"] if case["id"] == "L1-drift-1h"]
        case["outputs"][0]["tolerance"]["value"] = (1e16).hex()
    change_manifest(kit, edit)
    (tmp_path / "mine.py").write_text("def drifted(inputs, parameters):\n"
                                      "    return {'g_drift_us': inputs['g_prog_us']}\n")
    done = command("refpcm.golden", "check", "--adapter", "mine", "--case", "L1-drift-1h", "--kit", kit, "--report",
                   "report.json", cwd=tmp_path)
    assert done.returncode == 3 and "1 passed" in done.stdout and "kit 2.2 (NOT released, " in done.stdout
    assert "not a released one" in done.stderr and RELEASED["2.2"] in done.stderr
    assert json.loads((tmp_path / "report.json").read_text())["kit_released"] is False


def test_check_names_version_and_digest_of_a_released_kit():
    done = command("refpcm.golden", "check", "--self", "--case", "L1-drift-1h")
    assert done.returncode == 0 and f"kit 2.2 (released, {RELEASED['2.2'][:12]})" in done.stdout


def test_an_edited_tensor_is_refused_even_with_a_new_digest_of_its_file(kit):
    """The digest of the case covers its tensors."""
    from refpcm.files.reading import sha256_of
    tensors, _ = read_tensors(kit / "l1.safetensors")
    key = "L1-drift-1h/out/g_drift_us/value"
    tensors[key] = np.nextafter(tensors[key], np.inf)
    write_tensors(kit / "l1.safetensors", tensors)
    with pytest.raises(RefpcmError, match="l1.safetensors is not the file of this kit: its SHA-256"):
        Kit(kit)
    change_manifest(kit, lambda manifest: manifest["files"].update({"l1.safetensors": sha256_of(kit / "l1.safetensors")}))
    with pytest.raises(RefpcmError, match="the tensors of case L1-drift-1h do not agree with its SHA-256"):
        Kit(kit)


def test_every_file_of_the_manifest_is_verified(kit):
    """Also one that no case names."""
    def nobody_asks_level_3(manifest):
        manifest["cases"] = [case for case in manifest["cases"] if case["level"] != 3]
    change_manifest(kit, nobody_asks_level_3)
    assert len(Kit(kit).cases) == 211 - 17
    data = bytearray((kit / "l3.safetensors").read_bytes())
    data[-1] ^= 1
    (kit / "l3.safetensors").write_bytes(data)
    with pytest.raises(RefpcmError, match="l3.safetensors is not the file"):
        Kit(kit)


def made_input(manifest):
    """The first input that is made by a recipe."""
    return next(entry for case in manifest["cases"] for entry in case["inputs"] if "recipe" in entry)


BROKEN = {
    "no cases": lambda m: m.pop("cases"),
    "cases that are a number": lambda m: m.update(cases=3),
    "a version that is a number": lambda m: m.update(version=1),
    "files that are a list": lambda m: m.update(files=list(m["files"])),
    "a file elsewhere": lambda m: m["files"].update({"../x.safetensors": "0" * 64}),
    "a case named like a path": lambda m: m["cases"][0].update(id="../../x"),
    "a case of level 9": lambda m: m["cases"][0].update(level=9),
    "an operation with dots": lambda m: m["cases"][0].update(operation="os.system"),
    "an unknown kind of tolerance": lambda m: m["cases"][0]["outputs"][0]["tolerance"].update(kind="lax"),
    "a tolerance that is no hexadecimal": lambda m: m["cases"][0]["outputs"][0]["tolerance"].update(value="x"),
    "an output without its scale": lambda m: next(
        case for case in m["cases"] if case["id"] == "L1-unmap")["outputs"][0]["expected"].pop("scale"),
    "an output of another shape": lambda m: m["cases"][0]["outputs"][0].update(shape=[5]),
    "an input of another dtype": lambda m: m["cases"][0]["inputs"][0].update(dtype="float64"),
    "an input without a key": lambda m: m["cases"][0]["inputs"][0].pop("key"),
    "a parameter that is no integer": lambda m: m["cases"][2]["parameters"]["count"].update(value="x7"),
    "an output named by a list": lambda m: m["cases"][0]["outputs"][0].update(name=[]),
    "an output of bytes": lambda m: m["cases"][0]["outputs"][0].update(dtype="uint8"),
    "a size that is a fraction": lambda m: m["cases"][2]["outputs"][0].update(shape=[1.5]),
    "a number for what a case catches": lambda m: m["cases"][0].update(catches=3),
    "a parameter without text for its unit": lambda m: m["cases"][2]["parameters"]["count"].update(unit=None),
    "an erratum for a list of cases": lambda m: m["errata"][0].update(case=["L0-philox-known"]),
    "a recipe of 2^40 numbers": lambda m: made_input(m).update(shape=[2 ** 40]),
    "a recipe of whole numbers": lambda m: made_input(m).update(dtype="int64"),
    "a recipe with a seed below 0": lambda m: made_input(m)["recipe"].update(seed=-1),
    "a recipe with a text for its layer": lambda m: made_input(m)["recipe"].update(layer="fc"),
    "errata without a text": lambda m: m["errata"][0].pop("text")}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_manifest_is_one_clear_sentence(name, kit):
    change_manifest(kit, BROKEN[name])
    with pytest.raises(RefpcmError, match="is not the manifest of a golden kit .*; take an intact copy") as error:
        Kit(kit)
    assert "\n" not in str(error.value) and str(kit / "manifest.json") in str(error.value)


@pytest.mark.parametrize("text, says", [
    (b"{", "it is not JSON"), (b"\xff\xfe", "it is not JSON"), (b"", "the file is empty"), (b"[]", "is not the manifest"),
    (b'{"a":' * 99999, "nested too deeply"), (b'{"version": "3.0"}', "reads versions 1.x and 2.x")])
def test_a_manifest_that_is_none_is_refused_by_the_command(text, says, kit):
    (kit / "manifest.json").write_bytes(text)
    done = command("refpcm.golden", "list", "--kit", kit)
    assert done.returncode == 2 and says in done.stderr and done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_missing_file_is_named(kit):
    (kit / "l1.safetensors").unlink()
    with pytest.raises(RefpcmError, match="l1.safetensors: there is no such file"):
        Kit(kit)


def test_texts_of_a_kit_cannot_command_the_terminal(kit):
    change_manifest(kit, lambda m: m["cases"][0].update(catches="\x1b[31mred\nline"))
    for action in (["list", "--level", 0], ["explain", "L0-philox-known"]):
        done = command("refpcm.golden", *action, "--kit", kit)
        assert done.returncode == 0 and "\\x1b[31mred" in done.stdout and "\x1b" not in done.stdout
