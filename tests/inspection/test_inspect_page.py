"""docs/inspect.md shows what the commands print."""

import platform
import re
from pathlib import Path

import pytest

from tests.commands import command

PAGE = (Path(__file__).parents[2] / "docs" / "inspect.md").read_text()


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the numbers are those of x86-64 CPUs")
def test_the_first_table_of_the_page_is_what_its_command_prints(tmp_path):
    assert command("refpcm.train", "--out", tmp_path / "runs" / "train-001", timeout=1200).returncode == 0
    shown = re.search(r"<!-- by cause -->\n```\n(.*?)```", PAGE, re.S).group(1).splitlines()
    assert shown[0].startswith("$ python -m refpcm.inspect ")
    done = command("refpcm.inspect", *shown[0].split()[4:], cwd=tmp_path, timeout=1200)
    assert done.returncode == 0, done.stderr
    assert [line for line in shown[1:] if line and line not in done.stdout.splitlines()] == []


def test_the_page_names_every_subcommand():
    from refpcm.inspect import COMMANDS
    assert [name for name in COMMANDS if f"python -m refpcm.inspect {name} " not in PAGE] == []


def test_the_equations_that_the_page_shows_are_there():
    shown = re.findall(r"(refpcm/\S+\.py):\d+ (\w+)", PAGE)
    assert len(shown) == 8
    for file, function in shown:
        assert f"\ndef {function}(" in (Path(__file__).parents[2] / file).read_text(), function
