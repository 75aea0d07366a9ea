"""docs/examples/golden_repository: another repository with the kit in its tests, as pytest and as a command see it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from refpcm.errors import RefpcmError
from refpcm.golden import pytest_cases
from refpcm.golden.pin import find_kit
from tests.commands import command

ROOT = Path(__file__).parents[2]
ENTRY = Path("tests") / "test_golden.py"
XFAIL = '"L1-program-programmed" = "idle devices are exactly 0 here, not programmed at g = 0 (interpretation I-5)"'


@pytest.fixture
def repository(tmp_path):
    """A copy of the example."""
    return shutil.copytree(ROOT / "docs" / "examples" / "golden_repository", tmp_path / "repository")


def pytest_in(repository):
    """What pytest says of the repository: (exit status, text)."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider"], cwd=repository,
                          capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return done.returncode, done.stdout


def test_its_tests_pass(repository):
    status, text = pytest_in(repository)
    assert status == 0 and "15 passed, 137 skipped, 1 xfailed" in text, text


def test_its_entry_has_at_most_twenty_lines(repository):
    assert len((repository / ENTRY).read_text().splitlines()) <= 20


def test_the_command_says_the_same(repository):
    done = command("refpcm.golden", "check", "--adapter", "my_simulator.golden_adapter", "--profile", "golden.toml",
                   "--junit", "golden.xml", "--markdown", "golden.md", "--badge", "golden_badge.json", cwd=repository)
    assert done.returncode == 0 and "15 passed, 1 failed, 1 of them as expected" in done.stdout
    assert all((repository / name).exists() for name in ("golden.xml", "golden.md", "golden_badge.json"))


def test_what_breaks_the_profile_fails_there_with_the_text_of_the_report(repository):
    """A wrong function, a lost one, an expectation that is out of date: all at once, to start pytest once only."""
    simulator, profile = repository / "my_simulator" / "__init__.py", repository / "golden.toml"
    simulator.write_text(simulator.read_text().replace("F(t_s) / F(t0_s)", "F(t_s + 20) / F(t0_s)"))
    adapter = repository / "my_simulator" / "golden_adapter.py"
    adapter.write_text(adapter.read_text().replace("def map_weights", "def mapped"))
    profile.write_text(profile.read_text().replace(XFAIL, f'{XFAIL}\n"linear" = "we hope so"'))
    status, text = pytest_in(repository)
    assert status == 1 and "12 failed, 3 passed, 137 skipped, 1 xfailed" in text, text
    for part in ("FAILED L1-drift-1h (drifted)", "first diverging tensor: g_drift_us",
                 "NOT ANSWERED L1-map (map_weights)",
                 "PASSED L2-linear-64 (linear), which the profile expects to fail (we hope so)"):
        assert part in text, part


def test_a_program_can_be_asked_and_one_of_both_is_wanted(tmp_path):
    case, = (parameter.values[0] for parameter in pytest_cases.cases(patterns=["L1-map"]))
    (tmp_path / "mine.sh").write_text("exit 3\n")
    with pytest.raises(pytest.fail.Exception, match="exit status 3"):
        pytest_cases.check(case, command=f"sh {tmp_path / 'mine.sh'}")
    pytest_cases.check(case, adapter="refpcm.golden.reference")
    for arguments in ({}, {"adapter": "x", "command": "y"}):
        with pytest.raises(RefpcmError, match="one of them"):
            pytest_cases.check(case, **arguments)


def test_cases_of_a_kit_that_is_older_or_edited_are_refused(tmp_path):
    (tmp_path / "golden.json").write_text('{"kit": "1.7"}')
    with pytest.raises(RefpcmError, match="older"):
        pytest_cases.cases(tmp_path / "golden.json")
    edited = shutil.copytree(find_kit("1.0").folder, tmp_path / "kit")
    manifest = json.loads((edited / "manifest.json").read_text())
    manifest["cases"][0]["catches"] = "x"
    (edited / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "other.json").write_text(json.dumps({"kit": str(edited)}))
    with pytest.raises(RefpcmError, match="is not a released one"):
        pytest_cases.cases(tmp_path / "other.json")
