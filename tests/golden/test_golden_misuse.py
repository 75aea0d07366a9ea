"""Implementations that break the rules of `python -m refpcm.golden`: none passes by accident, none ends the command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from refpcm.golden.kit import HERE
from tests.commands import command

HEAD = "import sys\nimport numpy as np\n\n\ndef drifted(inputs, parameters):\n    "
ANSWERS = {"sys.exit(0)": "raised SystemExit: 0",
           "return {'g_drift_us': [[1], [2, 3]]}": "raised ValueError",
           "return {1: 2, 'x': 3}": "unknown names 1, x were",
           "return {'g_drift_us': None}": "not returned",
           "return [1, 2]": "raised TypeError",
           "return {'g_drift_us': type('T', (), {'__array__': lambda *a, **k: 1 / 0})()}": "raised ZeroDivisionError"}
MODULES = {"import sys; sys.exit(0)": "SystemExit", "def (": "SyntaxError", "1 / 0": "division by zero",
           "x = 1": "no function named like an operation"}
PROGRAMS = {"printf '\\377' >&2; exit 3": "exit status 3", "rm -r \"$3\"": "no such file",
            "kill -9 $$": "exit status -9"}


def check(*arguments, cwd):
    return command("refpcm.golden", "check", "--case", "L1-drift-25s", *arguments, cwd=cwd)


@pytest.mark.parametrize("body", ANSWERS)
def test_an_adapter_that_answers_nonsense_fails_with_the_reason(body, tmp_path):
    (tmp_path / "mine.py").write_text(HEAD + body + "\n")
    done = check("--adapter", "mine", cwd=tmp_path)
    assert done.returncode == 1 and ANSWERS[body] in done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize("content", MODULES)
def test_an_adapter_that_cannot_be_one_is_refused(content, tmp_path):
    (tmp_path / "mine.py").write_text(content + "\n")
    done = check("--adapter", "mine", cwd=tmp_path)
    assert done.returncode == 2 and MODULES[content] in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["", ".mine", "./mine", "mine.py", "nosuch"])
def test_a_name_that_is_no_module_is_refused(name, tmp_path):
    (tmp_path / "mine.py").write_text(HEAD + "return {}\n")
    done = check("--adapter", name, cwd=tmp_path)
    assert done.returncode == 2 and "give the name of a module" in done.stderr


@pytest.mark.parametrize("script", PROGRAMS)
def test_a_program_that_dies_fails_with_the_reason(script, tmp_path):
    (tmp_path / "mine.sh").write_text(script + "\n")
    done = check("--command", "sh mine.sh", cwd=tmp_path)
    assert done.returncode == 1 and PROGRAMS[script] in done.stdout and "Traceback" not in done.stderr


def test_an_open_quotation_is_refused(tmp_path):
    done = check("--command", "'mine", cwd=tmp_path)
    assert done.returncode == 2 and "close the quotation" in done.stderr


@pytest.mark.parametrize("report", ["no/such/folder.json", "."])
def test_a_report_that_cannot_be_written_is_refused_before_the_check(report, tmp_path):
    done = check("--self", "--report", report, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and "cannot write" in done.stderr


@pytest.mark.parametrize("old, new", [('{"type":"int","value":"', '{"type":"int","value":"x'), ('{', '{"a":' * 99999)])
def test_a_manifest_that_is_damaged_is_refused(old, new, tmp_path):
    shutil.copytree(HERE, tmp_path / "kit")
    text = (HERE / "manifest.json").read_text()
    (tmp_path / "kit" / "manifest.json").write_text(text.replace(old, new, 1))
    done = check("--self", "--kit", "kit", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1


def test_the_last_line_counts_what_passed(tmp_path):
    assert "1 cases, 1 passed, 0 failed" in check("--self", cwd=tmp_path).stdout


def test_an_export_that_fails_leaves_nothing(tmp_path):
    line = f"ulimit -f 10; {sys.executable} -m refpcm.golden export cases --level 2"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    assert done.returncode == 2 and "cannot write" in done.stderr and os.listdir(tmp_path) == []
