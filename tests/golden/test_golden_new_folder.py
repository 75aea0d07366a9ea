"""What `export` and `regenerate --out` write is there as a whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from refpcm.errors import RefpcmError
from refpcm.golden.new_folder import new_folder

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
SLOW_EXPORT = """
import sys, time
from refpcm.golden import exchange
from refpcm.golden.__main__ import main
write_case = exchange.write_case
def slowly(folder, case, holes):
    write_case(folder, case, holes)
    open(sys.argv[-1] + ".begun", "w").close()
    time.sleep(0.2)
exchange.write_case = slowly
main()
"""


def export(folder):
    """A process that exports the 11 cases of level 3 and takes 0.2 s for each."""
    return subprocess.Popen([sys.executable, "-c", SLOW_EXPORT, "export", "--level", "3", "--kit",
                             str(Path(__file__).parents[2] / "refpcm" / "golden" / "v1"), "--", str(folder)],
                            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_an_export_that_is_killed_leaves_no_folder_of_that_name(name, tmp_path):
    process = export(tmp_path / "cases")
    wait_for(tmp_path / "cases.begun")
    process.send_signal(getattr(signal, name))
    process.communicate(timeout=60)
    assert process.returncode != 0 and not (tmp_path / "cases").exists()


def test_of_two_exports_at_once_one_is_refused_and_the_folder_is_whole(tmp_path):
    both = [export(tmp_path / "cases") for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert sorted(process.returncode == 0 for process in both) == [False, True]
    assert any("filled by another program" in text or "is not empty" in text for text in said)
    assert len(list((tmp_path / "cases").glob("*/outputs.safetensors"))) == 11


def limited(tmp_path, *arguments):
    """A command that cannot write files above 50 kB."""
    line = f"ulimit -f 100; {sys.executable} -m refpcm.golden {' '.join(arguments)}"
    return subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, env=ENVIRONMENT)


@pytest.mark.parametrize("arguments", [("export", "cases", "--level", "6"),
                                       ("regenerate", "--level", "3", "--out", "kit")])
def test_a_full_disk_leaves_nothing(arguments, tmp_path):
    done = limited(tmp_path, *arguments)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_a_folder_with_something_in_it_is_refused_with_the_reason(tmp_path):
    (tmp_path / "answers").touch()
    with pytest.raises(RefpcmError, match="exists and is not empty: give another"):
        with new_folder(tmp_path, "give another"):
            pass
    assert os.listdir(tmp_path) == ["answers"]


def test_an_error_in_the_block_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        with new_folder(tmp_path / "new", "") as partial:
            (partial / "file").touch()
            1 / 0
    assert os.listdir(tmp_path) == []
