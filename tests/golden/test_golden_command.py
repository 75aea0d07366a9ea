"""python -m refpcm.golden as a user runs it: right and wrong implementations, the three ways, wrong usage."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from refpcm.golden.kit import KITS, NEWEST
from refpcm.golden.released import RELEASED
from tests.commands import command

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ADAPTER = """
from refpcm.golden import reference

def random_uniforms(inputs, parameters):
    return {"uniforms": reference.random_uniforms(inputs, parameters)["uniforms"] %s}

def random_words(inputs, parameters):
    raise NotImplementedError

def philox4x32(inputs, parameters):
    raise ValueError("no such luck")
"""
PROGRAM = "import sys; sys.exit(77) if 'words' in sys.argv[1] else None"


def golden(*arguments, cwd=None):
    return command("refpcm.golden", *arguments, cwd=cwd)


def test_an_adapter_gets_passed_failed_and_unsupported_apart(tmp_path):
    (tmp_path / "mine.py").write_text(ADAPTER % "")
    done = golden("check", "--adapter", "mine", "--level", 0, "--report", "report.json", cwd=tmp_path)
    status = {c["id"]: c for c in json.loads((tmp_path / "report.json").read_text())["cases"]}
    assert done.returncode == 1 and status["L0-uniforms-plain"]["status"] == "passed"
    assert status["L0-words-plain"]["status"] == status["L0-permutation"]["status"] == "unsupported"
    assert status["L0-philox-known"]["reason"] == "raised ValueError: no such luck"


def test_a_failure_shows_both_values_in_decimal_and_hex_by_how_much_they_differ_and_what_it_looks_like(tmp_path):
    (tmp_path / "mine.py").write_text(ADAPTER % "* 1.5")
    done = golden("check", "--adapter", "mine", "--case", "L0-uniforms-plain", cwd=tmp_path)
    assert done.returncode == 1
    for part in ("first diverging tensor: uniforms", "yours", "expected", "0x1.", " ULP\n",
                 "looks like the expected numbers times 1.5"):
        assert part in done.stdout


def test_a_command_that_writes_nothing_is_found_by_the_poison(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    done = golden("check", "--command", f"{sys.executable} {tmp_path / 'program.py'}", "--case", "L0-words-plain",
                  "L0-uniforms-plain")
    assert done.returncode == 1 and "37 of 37 elements were never written" in done.stdout
    assert "L0          0       1            1" in done.stdout


def test_an_implementation_that_answers_nothing_has_not_passed():
    done = golden("check", "--command", "sh -c 'exit 77'", "--case", "L0-words-plain")
    assert done.returncode == 1 and "no case was answered" in done.stderr


def test_files_answered_elsewhere_are_compared_and_others_are_unsupported(tmp_path):
    from refpcm.golden import reference
    from refpcm.golden.exchange import write_plain
    from refpcm.golden.kit import Kit
    assert golden("export", tmp_path / "cases", "--level", 3).returncode == 0
    case = next(c for c in Kit().cases if c.id == "L3-codes-8bit")
    write_plain(tmp_path / "cases" / case.id / "outputs.safetensors",
                reference.converter_codes(case.input_arrays(), case.values()))
    done = golden("check", "--outputs", tmp_path / "cases", "--level", 3)
    assert done.returncode == 0 and "L3          1       0           16" in done.stdout


def test_explain_shows_equation_parameters_tolerance_and_source():
    done = golden("explain", "L1-drift-1h")
    assert done.returncode == 0
    for part in ("(t / t0)^(-nu)", "3600.0 [s]", "0x1.c200000000000p+11", "catches", "tolerance cus", "def drifted(",
                 "# refpcm/spec/pcm/drift.py", "def drifted_us(", "E-35"):
        assert part in done.stdout


def test_explain_takes_patterns_and_shows_layers_devices_dtypes_and_values_that_are_not_zero():
    done = golden("explain", "L1-program-*", "L5-plain-64", "--kit", 1)
    assert done.returncode == 0
    for part in ("L1-program-programmed: programmed", "L1-program-zero: programmed", "parameter str reset_device = zero",
                 "g_target_us float64 (144,) [uS]: from flat index 4: 1e-06", "Device joshi2020:", "g_max_us = 25.0",
                 "nu_mean logarithm (-0.0155, 0.0244), within 0.049 .. 0.1", "Layers of tiny-resnet8",
                 "kernel 3, stride 2, padding 1", "parameter float momentum = 0.9", "value float64 (19,)"):
        assert part in done.stdout, part


def test_explain_shows_the_equations_that_the_answer_is_built_on():
    shown = golden("explain", "L0-normals-plain", "L3-product-one").stdout
    for part in ("def normals(", "def normal_quantile(", "def philox4x32(", "def product(", "def convert(", "def codes("):
        assert shown.count(part) == 1, part


def test_explain_says_that_an_operation_of_another_kit_has_no_answer_here(tmp_path):
    from dataclasses import replace

    from refpcm.golden.kit import Kit
    from refpcm.golden.kit_writing import write_kit
    case = next(case for case in Kit("1").cases if case.id == "L1-drift-1h")
    write_kit(tmp_path, [replace(case, operation="crystallised")], {}, major=1)
    done = golden("explain", "L1-drift-1h", "--kit", tmp_path)
    assert done.returncode == 0 and "3600.0 [s]" in done.stdout, done.stderr
    assert "L1-drift-1h: crystallised" in done.stdout and "The reference of this refpcm has no answer" in done.stdout


def test_regenerated_values_agree_with_the_stored_ones(tmp_path):
    done = golden("regenerate", "--level", 0, 1, 2, 3, "--out", tmp_path / "kit")
    assert done.returncode == 0 and (tmp_path / "kit" / "manifest.json").exists(), done.stdout + done.stderr


def test_a_kit_that_grows_keeps_its_cases_bit_for_bit(tmp_path):
    """The kit without its cases of 1.1, then what is new added by the code."""
    from refpcm.golden.kit import Kit
    from refpcm.golden.kit_writing import write_kit
    from refpcm.golden.levels import all_cases
    whole = Kit("1")
    old = [case for case in whole.cases if case.level in (1, 5) and "tight" not in case.id]
    write_kit(tmp_path / "old", old, {}, major=1)
    assert {case.id for case in whole.cases if case.level == 5} - {case.id for case in Kit(tmp_path / "old").cases} == {
        f"L5-{kind}-32-tight" for kind in ("plain", "noisy", "clean")}
    write_kit(tmp_path / "new", all_cases([5], 1), {}, Kit(tmp_path / "old"), 1)
    before, after = ({entry["id"]: entry for entry in json.loads((tmp_path / name / "manifest.json").read_text())["cases"]}
                     for name in ("old", "new"))
    assert len(after) == len(before) + 3 and all(after[id] == entry for id, entry in before.items())
    assert (tmp_path / "new" / "l1.safetensors").read_bytes() == (tmp_path / "old" / "l1.safetensors").read_bytes()
    assert len(Kit(tmp_path / "new").cases) == len(after)


def test_errata_are_of_cases_of_the_kit_and_explain_shows_them():
    from refpcm.golden.kit import Kit
    for major in KITS:
        kit = Kit(major)
        assert {erratum["case"] for erratum in kit.errata} <= {case.id for case in kit.cases}
    assert "erratum since 1.0: Its tolerance is wider" in golden("explain", "L5-plain-32", "--kit", 1).stdout


def test_regenerated_values_of_another_kit_are_told_apart(tmp_path, capsys):
    """A sigma of level 6 off by 1 %, and a tolerance by a factor of 10."""
    from refpcm.golden.kit import Kit
    from refpcm.golden.kit_writing import write_kit
    from refpcm.golden.regenerate import regenerate
    shape, moments = (next(c for c in Kit("1").cases if c.id == f"L6-nu-{kind}") for kind in ("kolmogorov", "moments"))
    out, = shape.outputs
    other = replace(out, expected={**out.expected, "sigma": 1.01 * out.expected["sigma"]})
    lax = replace(out, tolerance=replace(moments.outputs[0].tolerance, value=1e-5))
    write_kit(tmp_path, [replace(shape, outputs=(other,)), replace(moments, outputs=(lax,))], {}, major=1)
    assert regenerate(SimpleNamespace(kit=tmp_path, level=[6], out=None)) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "not in the stored kit" not in line] == [
        "L6-nu-moments: operation, inputs, parameters or outputs are others, or a tolerance is",
        "L6-nu-kolmogorov: sigma of nu differs"]


def test_regeneration_compares_scales_and_texts(tmp_path, capsys):
    from refpcm.golden.kit import Kit
    from refpcm.golden.kit_writing import write_kit
    from refpcm.golden.regenerate import regenerate
    case = next(c for c in Kit().cases if c.id == "L1-drift-1h")
    out, = case.outputs
    other = replace(out, unit="mS", expected={**out.expected, "scale": 1.00001 * out.expected["scale"]},
                    tolerance=replace(out.tolerance, why="x"))
    nu = replace(case.inputs[-1], unit="uS")
    write_kit(tmp_path, [replace(case, equation="x", interpretation="I-2", catches="x", outputs=(other,),
                                 inputs=(*case.inputs[:-1], nu))], {})
    assert regenerate(SimpleNamespace(kit=tmp_path, level=[1], out=None)) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "not in the stored kit" not in line] == [f"L1-drift-1h: {what} differs" for what in (
        "equation", "interpretation", "catches", "unit of nu", "unit of g_drift_us",
        "the reason for the tolerance of g_drift_us", "scale of g_drift_us")]


@pytest.mark.parametrize("report", sorted(EXAMPLES.glob("golden_*_report.json")), ids=lambda path: path.name)
def test_the_reports_in_the_docs_are_of_a_released_kit_of_this_version(report):
    found = json.loads(report.read_text())
    assert RELEASED[found["kit"]] == found["kit_sha256"] and found["kit"].startswith(f"{NEWEST}.")


@pytest.mark.parametrize("arguments, says", [
    (("check", "--adapter", "no_such_module"), "cannot be imported"),
    (("check", "--command", "/no/such/program", "--level", 0), "cannot run"),
    (("check", "--outputs", "/no/such/folder"), "is not a folder"),
    (("check", "--self", "--case", "L9*"), "no case fits"),
    (("check", "--self", "--kit", "/no/such/kit"), "no golden kit"),
    (("explain", "L9-nothing"), "no case fits"),
    (("export", "/"), "exists"),
    (("regenerate", "--level", 0, "--out", KITS[NEWEST]), "frozen")])
def test_wrong_usage_is_one_sentence_and_status_two(arguments, says):
    done = golden(*arguments)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("major, limit", [(1, 5_000_000), (2, 8_000_000)])
def test_the_kits_keep_their_limits(major, limit):
    files = [f for f in KITS[major].iterdir() if f.is_file()]
    assert len(files) <= 60 and sum(f.stat().st_size for f in files) <= limit


def test_list_names_every_case_of_a_level():
    done = golden("list", "--level", 3)
    manifest = json.loads((KITS[NEWEST] / "manifest.json").read_text())
    wanted = [case["id"] for case in manifest["cases"] if case["level"] in ("L3", 3)]
    assert done.returncode == 0 and len(wanted) == 17 and all(name in done.stdout for name in wanted)
    assert "L0-" not in done.stdout
