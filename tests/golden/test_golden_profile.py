"""Profiles, --require, version pins, JUnit, scoreboard and badge: what a maintainer puts into CI."""

import json
import sys
from xml.etree import ElementTree

import pytest

from refpcm.errors import RefpcmError
from refpcm.golden.pin import find_kit
from refpcm.golden.profile import read_profile, shortfall
from refpcm.golden.scoreboard import badge, scoreboard_text
from tests.commands import command

KIT = find_kit("1.0")
ADAPTER = """
from refpcm.golden import reference

map_weights, unmap_weights = reference.map_weights, reference.unmap_weights


def drifted(inputs, parameters):
    return {"g_drift_us": 1.001 * inputs["g_prog_us"]}
"""
CHECK = "refpcm.golden", "check", "--kit", "1.0"
CASES = "L1-map", "L1-map-zero", "L1-unmap", "L1-drift-1h", "L1-nu"


def check(folder, *arguments, profile=None, cases=CASES):
    """A check of ADAPTER with a profile, of a few cases."""
    (folder / "mine.py").write_text(ADAPTER)
    if profile is not None:
        (folder / "golden.toml").write_text(profile)
        arguments = (*arguments, "--profile", "golden.toml")
    return command(*CHECK, "--adapter", "mine", "--case", *cases, *arguments, cwd=folder)


FAILS = '[expected-to-fail]\n"L1-drift-*" = "we drift by 0.1 %"\n'


@pytest.mark.parametrize("profile, status, says", [
    ("required = []", 1, "FAILED L1-drift-1h"),
    (FAILS, 0, "3 passed, 1 failed, 1 of them as expected"),
    ('required = ["map_weights", "L1-unmap"]\n' + FAILS, 0, ""),
    ('required = ["*_weights", "drift_exponents"]\n' + FAILS, 4, "not answered, though the profile wants it: "
                                                                 "drift_exponents (L1-nu)"),
    ('required = ["drift_exponents"]\n', 1, "FAILED L1-drift-1h"),
    (FAILS + '"L1-map" = "wrong"\n', 1, "PASSED L1-map (map_weights), which the profile expects to fail (wrong)"),
    (FAILS + '"L1-nu" = "wrong"\n', 4, "drift_exponents (L1-nu)"),
    ('required = ["*"]\n[skipped]\n"drift*" = "no drift here"\n"L1-*" = "x"', 1, "5 skipped by the profile")])
def test_the_exit_status_follows_the_profile(profile, status, says, tmp_path):
    done = check(tmp_path, profile=profile)
    assert done.returncode == status and says in done.stdout + done.stderr, done.stdout + done.stderr


def test_require_on_the_command_line_adds_to_the_profile(tmp_path):
    assert check(tmp_path, "--require", "map_weights", profile=FAILS).returncode == 0
    done = check(tmp_path, "--require", "drift_exponents", profile=FAILS)
    assert done.returncode == 4 and "L1-nu" in done.stderr


def test_an_implementation_that_loses_an_operation_does_not_stay_green(tmp_path):
    assert check(tmp_path, "--require", "map_weights", "unmap_weights", cases=["L1-map", "L1-unmap"]).returncode == 0
    (tmp_path / "lost").mkdir()
    (tmp_path / "lost" / "mine.py").write_text("from refpcm.golden.reference import map_weights")
    done = command(*CHECK, "--adapter", "mine", "--case", "L1-map", "L1-unmap", "--require",
                   "map_weights", "unmap_weights", cwd=tmp_path / "lost")
    assert done.returncode == 4 and "unmap_weights (L1-unmap)" in done.stderr


def test_what_the_profile_wants_and_nobody_asked_is_counted(tmp_path):
    done = check(tmp_path, "--require", "map_weights", "drift_exponents", cases=["L1-map"])
    assert done.returncode == 0 and "2 cases that the profile wants were not asked" in done.stderr


def test_a_case_falls_short_of_the_profile_in_three_ways():
    assert [[shortfall(wanted, status) for status in ("passed", "failed", "unsupported", "skipped")]
            for wanted in ("", "required", "expected-to-fail")] == [
        ["", "failed", "", ""], ["", "failed", "not answered", ""], ["passed unexpectedly", "", "not answered", ""]]


@pytest.mark.parametrize("text, says", [
    ('requires = ["x"]', "unknown key 'requires'; known are kit, precision"),
    ('required = "conv2d"', "required must be a list of texts"),
    ("required = [1]", "required must be a list of texts"),
    ('skipped = ["L7-*"]', "skipped must be a table of texts, each with a reason"),
    ('[skipped]\n"L7-*" = ""', "each with a reason"),
    ('precision = "float16"', "precision 'float16' is unknown; known are float64, float32"),
    ('arithmetic = "fp8"', "known are winograd, tf32, bf16"),
    ("kit = 1.1", "kit must be a text"),
    ('required = ["drfted"]', "no operation and no case of this kit fits 'drfted'"),
    ('[skipped]\n"L1-moon" = "x"', "fits 'L1-moon'"),
    ("=", "it is not TOML")])
def test_a_profile_with_a_mistake_is_one_sentence_and_status_two(text, says, tmp_path):
    done = check(tmp_path, profile=text)
    assert done.returncode == 2 and says in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_profile_names_the_kit(tmp_path):
    (tmp_path / "golden.toml").write_text('kit = "1.9"')
    done = command("refpcm.golden", "check", "--self", "--profile", "golden.toml", cwd=tmp_path)
    assert done.returncode == 2 and "--kit 1.9: the kit of this refpcm is 1.1, which is older" in done.stderr


def test_a_profile_may_be_json_and_the_command_line_overrides_it(tmp_path):
    (tmp_path / "golden.json").write_text('{"precision": "float32", "required": ["drifted"]}')
    profile = read_profile(tmp_path / "golden.json")
    assert profile.precision == "float32" and profile.required == ("drifted",)
    done = check(tmp_path, "--profile", "golden.json", "--precision", "float64", "--report", "report.json")
    assert done.returncode == 1 and json.loads((tmp_path / "report.json").read_text())["precision"] == "float64"


# --- versions

def test_a_version_is_a_lower_bound_and_a_digest_names_one_kit(tmp_path):
    for wanted in ("1.0", "1.1", f"1.1@{KIT.digest[:8]}", f"1.0@{KIT.digest}"):
        assert find_kit(wanted).digest == KIT.digest
    assert find_kit(KIT.folder).digest == KIT.digest and find_kit().released
    for wanted, says in (("1.2", "the kit of this refpcm is 1.1, which is older"), ("99.0", "no kit of version 99"),
                         ("1.1@00000000", f"is 1.1@{KIT.digest[:12]}, another one"), (tmp_path, "no golden kit")):
        with pytest.raises(RefpcmError, match=says):
            find_kit(wanted)


@pytest.mark.parametrize("action", [["list"], ["explain", "L1-nu"], ["check", "--self", "--case", "L1-nu"]])
def test_every_action_takes_a_version(action):
    assert command("refpcm.golden", *action, "--kit", "1.1").returncode == 0
    done = command("refpcm.golden", *action, "--kit", "1.7")
    assert done.returncode == 2 and "older" in done.stderr


# --- reports for others

def test_junit_has_a_test_for_each_case_with_what_the_profile_says_of_it(tmp_path):
    profile = FAILS + '"L1-map" = "<wrong>"\n[skipped]\n"L1-map-zero" = "not now"\n'
    assert check(tmp_path, "--junit", "golden.xml", "--require", "drift_exponents", profile=profile).returncode == 1
    suite = ElementTree.parse(tmp_path / "golden.xml").getroot()
    assert suite.tag == "testsuite" and suite.get("name") == "refpcm golden kit 1.1"
    assert [suite.get(name) for name in ("tests", "failures", "skipped", "errors")] == ["5", "2", "2", "0"]
    results = {case.get("name"): [(part.tag, part.get("message")) for part in case] for case in suite.iter("testcase")}
    assert results["L1-unmap"] == []
    assert results["L1-drift-1h"] == [("skipped", "failed as expected: we drift by 0.1 %")]
    assert results["L1-map-zero"] == [("skipped", "not now")] and results["L1-nu"] == [("failure", "not answered")]
    assert results["L1-map"] == [("failure", "passed unexpectedly")]
    assert suite.find("testcase").get("classname") == "golden.L1.map_weights"
    assert "expects to fail (<wrong>)" in suite.find("testcase/failure").text
    properties = {entry.get("name"): entry.get("value") for entry in suite.iter("property")}
    assert properties["implementation"] == "adapter mine" and properties["kit_sha256"] == KIT.digest


def test_junit_of_a_failure_has_the_text_of_the_report_without_control_characters(tmp_path):
    (tmp_path / "mine.sh").write_text("printf 'a\\033[31m<b>\\001' >&2; exit 3\n")
    command(*CHECK, "--command", "sh mine.sh", "--case", "L1-nu", "--junit", "golden.xml", cwd=tmp_path)
    failure = ElementTree.parse(tmp_path / "golden.xml").getroot().find("testcase/failure")
    assert "exit status 3: a\\x1b[31m<b>\\x01" in failure.text and failure.get("type") == "failed"


def test_junit_of_a_check_in_which_nothing_was_answered_has_a_failure(tmp_path):
    done = command(*CHECK, "--command", "sh -c 'exit 77'", "--case", "L1-nu", "--junit", "golden.xml", cwd=tmp_path)
    suite = ElementTree.parse(tmp_path / "golden.xml").getroot()
    assert done.returncode == 1 and [suite.get(name) for name in ("tests", "failures", "skipped")] == ["2", "1", "1"]
    assert "no case was answered" in suite.find("testcase/failure").get("message")


def test_a_scoreboard_has_a_row_for_each_report(tmp_path):
    check(tmp_path, "--report", "one.json", "--markdown", "one.md")
    command(*CHECK, "--self", "--level", 0, 1, "--precision", "float32", "--report", "two.json",
            cwd=tmp_path)
    done = command("refpcm.golden", "scoreboard", "one.json", "two.json", "--markdown", "both.md", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout == (tmp_path / "both.md").read_text()
    assert "| implementation | kit | judged in | L0 | L1 |" in done.stdout
    assert "| adapter mine | 1.1 f14cf22e | float64 |  | 3 of 5 (1 failed) |" in done.stdout
    assert "| refpcm, fast | 1.1 f14cf22e | float32 | 18 of 18 | 28 of 28 |" in done.stdout
    assert "Failed in adapter mine:\n\n- L1-drift-1h, g_drift_us" in done.stdout
    assert "3 of 5 (1 failed)" in (tmp_path / "one.md").read_text()


def test_texts_of_a_report_cannot_end_a_cell_or_become_html(tmp_path):
    check(tmp_path, "--report", "one.json")
    report = json.loads((tmp_path / "one.json").read_text())
    text = scoreboard_text([{**report, "implementation": "a|b <img> `c`\n"}])
    assert "| a\\|b \\<img\\> \\`c\\`\\\\n |" in text


@pytest.mark.parametrize("change", [
    lambda r: r.pop("counts"), lambda r: r.update(cases={}), lambda r: r["counts"]["L1"].pop("passed"),
    lambda r: r["cases"].append(3), lambda r: r["counts"].update(L1=[]),
    lambda r: r.update(precision=32), lambda r: r.update(arithmetic=["tf32"])])
def test_a_scoreboard_of_something_else_is_refused(change, tmp_path):
    check(tmp_path, "--report", "one.json")
    report = json.loads((tmp_path / "one.json").read_text())
    change(report)
    (tmp_path / "one.json").write_text(json.dumps(report))
    done = command("refpcm.golden", "scoreboard", "one.json", cwd=tmp_path)
    assert done.returncode == 2 and "one.json is not a report" in done.stderr


def test_a_badge_says_how_many_passed_and_whether_something_is_wrong(tmp_path):
    assert check(tmp_path, "--badge", "badge.json", profile=FAILS).returncode == 0
    made = json.loads((tmp_path / "badge.json").read_text())
    assert made == {"schemaVersion": 1, "label": "golden kit 1.1", "message": "3 of 5 passed", "color": "brightgreen"}
    check(tmp_path, "--badge", "badge.json", "--require", "drift_exponents")
    made = json.loads((tmp_path / "badge.json").read_text())
    assert (made["message"], made["color"]) == ("2 wrong, 3 passed", "red")
    report = {"kit": "1.1", "kit_released": False, "interrupted": None, "cases": []}
    assert badge(report)["color"] == "lightgrey"
    assert badge({**report, "kit_released": True, "interrupted": "L1-nu"})["message"] == "interrupted"


@pytest.mark.parametrize("option", ["--junit", "--markdown", "--badge"])
def test_a_file_that_cannot_be_written_is_refused_before_the_check(option, tmp_path):
    done = check(tmp_path, option, "no/such/folder.x")
    assert done.returncode == 2 and done.stdout == "" and "cannot write" in done.stderr


def test_all_files_may_be_written_at_once_and_two_to_one_place_is_refused(tmp_path):
    files = "--report", "a", "--junit", "b", "--markdown", "c", "--badge", "d"
    assert check(tmp_path, *files, profile=FAILS).returncode == 0
    assert all((tmp_path / name).stat().st_size for name in "abcd")
    done = check(tmp_path, "--report", "a", "--junit", "a")
    assert done.returncode == 2 and "a is named twice" in done.stderr
    done = command("refpcm.golden", "scoreboard", "a", "--markdown", "a", cwd=tmp_path)
    assert done.returncode == 2 and "a is named twice" in done.stderr


def test_the_command_of_a_program_that_loses_an_operation_has_status_four(tmp_path):
    (tmp_path / "program.py").write_text("import sys; sys.exit(77)")
    done = command(*CHECK, "--command", f"{sys.executable} {tmp_path / 'program.py'}", "--case",
                   "L1-map", "--require", "map_weights")
    assert done.returncode == 4 and "no case was answered" in done.stderr
