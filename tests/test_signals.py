"""What a command answers to a signal: one line and the exit status that a shell expects, at whatever moment it comes."""

import os
import signal
import subprocess
import sys
import time
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


COMPILER = """
from refpcm.cli import run
import time
inside = {"__name__": "llvmlite.binding.executionengine"}
exec('''
import os, time
def called_back():
    try:
        os.kill(os.getpid(), NUMBER_)
        time.sleep(0.01)
    except BaseException as error:
        print("lost:", repr(error))
''', inside)
def main():
    inside["called_back"]()
    print("out of LLVM")
    time.sleep(20)
run(main)
"""


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_within_llvm_waits_until_that_has_returned(number, status):
    done = subprocess.run([sys.executable, "-c", COMPILER.replace("NUMBER_", str(int(number)))], capture_output=True, text=True,
                          timeout=60, cwd=ROOT)
    assert (done.returncode, done.stdout) == (status, "out of LLVM\n"), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("wait_s", [0.0, 0.7, 1.5, 2.6])
def test_a_signal_while_kernels_are_compiled_ends_the_command(number, status, wait_s, tmp_path):
    """An empty cache; the signal comes some time after the command has said that it compiles."""
    process = subprocess.Popen([sys.executable, "-m", "refpcm.golden", "check", "--self"], stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, text=True, env={**os.environ, "REFPCM_CACHE": str(tmp_path)})
    assert "compiling kernels" in process.stderr.readline()
    time.sleep(wait_s)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == status and "Traceback" not in said and "Exception" not in said, said
