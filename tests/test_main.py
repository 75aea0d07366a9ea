"""`python -m refpcm` lists the commands, and each of them is there."""

import subprocess
import sys

import pytest

from refpcm.__main__ import COMMANDS


def test_the_list_names_every_command_with_a_line():
    done = subprocess.run([sys.executable, "-m", "refpcm"], capture_output=True, text=True)
    assert done.returncode == 0
    for command, what in COMMANDS.items():
        assert any(command in line and what in line for line in done.stdout.splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_listed_command_takes_help(command):
    done = subprocess.run([sys.executable, *command.split()[1:], "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "usage" in done.stdout
