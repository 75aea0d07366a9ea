"""What a command answers to a signal: one line and the exit status that a shell expects, at whatever moment it comes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMANDS = {"refpcm.train": ["--epochs", "1"], "refpcm.evaluate": ["--network", "n"], "refpcm.reproduce": ["all"],
            "refpcm.expect": ["--network", "n", "--out", "x.npz"], "refpcm.inspect": ["loss", "--network", "n"],
            "refpcm.golden": ["check", "--self"], "refpcm.convert": ["a", "b.npz"],
            "data_tools.cifar10": ["--out", "x"], "data_tools.imagenet": ["--from", "tree", "--out", "x"],
            "data_tools.synthetic": ["--out", "x"]}


def interrupted_in_import(module, number, tmp_path):
    """The command, to which the signal comes while it imports NumPy: what it returned and printed."""
    (tmp_path / "numpy.py").write_text(f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(5)\n")
    return subprocess.run([sys.executable, "-m", module, *COMMANDS[module]], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}, timeout=60)


@pytest.mark.parametrize("module", COMMANDS)
def test_ctrl_c_while_a_command_imports_is_no_traceback(module, tmp_path):
    done = interrupted_in_import(module, signal.SIGINT, tmp_path)
    words = "interrupted\n" if module.startswith("refpcm") else f"python -m {module}: stopped\n"
    assert (done.returncode, done.stderr) == (130, words)


@pytest.mark.parametrize("module", COMMANDS)
def test_sigterm_is_answered_with_a_word_and_its_status(module, tmp_path):
    done = interrupted_in_import(module, signal.SIGTERM, tmp_path)
    words = "terminated; what was finished before is kept\n"
    assert (done.returncode, done.stderr) == (143, words if module.startswith("refpcm") else f"python -m {module}: terminated\n")
