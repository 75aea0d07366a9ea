"""`python -m data_tools.synthetic --contact-sheet`: what must not stand where the picture goes.

That a file is replaced, and what the picture shows: test_synthetic.py.
"""

import os
import stat
import subprocess
import sys

import pytest


def command(target, cwd):
    return subprocess.run([sys.executable, "-m", "data_tools.synthetic", "--contact-sheet", target], cwd=cwd,
                          capture_output=True, text=True, timeout=60)


def test_no_folder_is_made_for_a_picture(tmp_path):
    done = command("nope/deep/sheet.png", tmp_path)
    assert done.returncode == 2 and "there is no folder" in done.stderr and os.listdir(tmp_path) == []


@pytest.mark.parametrize("target", ["pipe", "link-to-pipe", "folder"])
def test_what_is_no_file_is_refused_and_stays(tmp_path, target):
    os.mkfifo(tmp_path / "pipe")
    os.symlink("pipe", tmp_path / "link-to-pipe")
    (tmp_path / "folder").mkdir()
    done = command(target, tmp_path)
    assert done.returncode == 2 and "not a regular file" in done.stderr and len(done.stderr.splitlines()) == 1
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode) and (tmp_path / "link-to-pipe").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["folder", "link-to-pipe", "pipe"]
