"""The example adapters, none of which uses refpcm, agree with the kit on what they claim."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from refpcm.golden.kit import Kit
from refpcm.golden.scoreboard import read_report, scoreboard_text
from tests.commands import command

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


def check(tmp_path, *arguments, **options):
    path = tmp_path / "report.json"
    done = command("refpcm.golden", "check", "--report", path, *arguments, cwd=EXAMPLES, timeout=3600, **options)
    return json.loads(path.read_text()), done


def anew():
    """Options with which `check` starts Python anew, for large libraries with threads of their own."""
    return {"env": {**os.environ, "PYTHONPATH": str(ROOT)}}


def counts(tmp_path, *arguments, **options):
    report, done = check(tmp_path, *arguments, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return {level: row["passed"] for level, row in report["counts"].items()}


def test_the_cpp_program_answers_bits_equations_and_codes(tmp_path):
    compiler = next((c for c in ("c++", "g++", "clang++") if shutil.which(c)), None)
    if compiler is None:
        pytest.skip("no C++ compiler on this machine")
    subprocess.run([compiler, "-std=c++17", "-O1", "-ffp-contract=off", str(EXAMPLES / "golden_adapter.cpp"), "-o",
                    str(tmp_path / "adapter")], check=True)
    assert counts(tmp_path, "--command", str(tmp_path / "adapter"), "--level", "0", "1", "3") == \
        {"L0": 20, "L1": 36, "L3": 9}


def test_the_page_has_the_scoreboard_of_the_reports():
    text = scoreboard_text([read_report(path) for path in sorted(EXAMPLES.glob("golden_*_report.json"))])
    page = (ROOT / "docs" / "golden.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 6 and all(row in page for row in rows)


EQUATIONS_IN_FLOAT32 = ["L1-drift-1y", "L1-adabs", "L1-readout-*", "L1-*-constants*", "L1-stuck-other", "L3-ties-*",
                        "L3-codes-*"]


@pytest.mark.parametrize("precision, patterns, passed", [
    ("float64", ["*"], {"L0": 4, "L1": 18, "L3": 2}), ("float32", EQUATIONS_IN_FLOAT32, {"L1": 9, "L3": 1})],
    ids=["float64", "float32"])
def test_the_javascript_program_answers_a_case_of_each_operation(precision, patterns, passed, tmp_path):
    """The first of the kit: every case is a start of node."""
    if shutil.which("node") is None:
        pytest.skip("node is not on this machine")
    first = {case.operation: case.id for case in reversed(Kit().chosen((0, 1, 3), patterns))}
    assert counts(tmp_path, "--command", "node golden_adapter.mjs", "--precision", precision, "--case", *first.values()) == passed


@pytest.mark.slow
@pytest.mark.parametrize("options, passed", [
    (["--level", "0", "1", "3"], {"L0": 17, "L1": 57, "L3": 12}),
    (["--case", *EQUATIONS_IN_FLOAT32, "--precision", "float32"], {"L1": 13, "L3": 9})], ids=["float64", "float32"])
def test_the_javascript_program_answers_bits_equations_and_codes(options, passed, tmp_path):
    if shutil.which("node") is None:
        pytest.skip("node is not on this machine")
    assert counts(tmp_path, "--command", "node golden_adapter.mjs", *options) == passed


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_plain_numpy_answers_equations_codes_and_the_chip(precision, tmp_path):
    assert counts(tmp_path, "--adapter", "golden_chip_adapter", "--level", "1", "3", "8", "--precision", precision) == \
        {"L1": 45, "L3": 14, "L8": 8}


@pytest.mark.peers
@pytest.mark.parametrize("x64, options", [("0", ["--precision", "float32"]), ("1", [])], ids=["float32", "x64"])
def test_jax_answers_equations_layers_codes_networks_and_training(x64, options, tmp_path, monkeypatch):
    pytest.importorskip("jax", reason="wants jax")
    monkeypatch.setenv("JAX_ENABLE_X64", x64)
    assert counts(tmp_path, "--adapter", "golden_jax_adapter", "--level", "1", "2", "3", "4", "5", *options, **anew()) == \
        {"L1": 57, "L2": 76, "L3": 17, "L4": 4, "L5": 8}


@pytest.mark.peers
def test_plain_pytorch_answers_equations_layers_networks_and_training(tmp_path):
    pytest.importorskip("torch")
    assert counts(tmp_path, "--adapter", "golden_torch_adapter", "--level", "1", "2", "4", "5", **anew()) == \
        {"L1": 37, "L2": 58, "L4": 4, "L5": 8}


@pytest.mark.peers
def test_aihwkit_differs_in_exactly_the_named_interpretations(tmp_path):
    pytest.importorskip("aihwkit", reason="wants aihwkit")
    cases = check(tmp_path, "--adapter", "golden_aihwkit_adapter", "--level", "1", "6", **anew())[0]["cases"]
    assert {(c["id"], c["interpretation"]) for c in cases if c["status"] == "failed"} == \
        {("L1-program-zero", "I-5 zero"), ("L1-read-target-25s", "I-7 target"), ("L1-read-target-1d", "I-7 target")}
    assert sum(c["status"] == "passed" for c in cases) == 13
