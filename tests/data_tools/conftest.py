"""What the tests of data_tools share: its commands, run as a user runs them."""

from pathlib import Path

import pytest

from tests import commands

SHARED = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture
def command(tmp_path):
    """command(module, *arguments) -> CompletedProcess of `python -m data_tools.<module> ...` in an empty folder.

    The process is forked (tests/commands.py); with options of subprocess.run Python is started anew.
    """
    def run(module, *arguments, **options):
        return commands.command(f"data_tools.{module}", *arguments, cwd=tmp_path, timeout=120, **options)
    return run


@pytest.fixture
def refused(command):
    """refused(module, *arguments) -> the one line on stderr of a command that must end with status 2."""
    def run(module, *arguments, **options):
        done = command(module, *arguments, **options)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        lines = done.stderr.strip().splitlines()
        assert lines[-1].startswith(f"python -m data_tools.{module}: ")
        return lines[-1]
    return run


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real data beside the repository; skips the test where it is missing."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real data in {folder}")
    return folder
