"""refpcm.files.atomic: the old file or the new one, never half of one."""

import errno
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from refpcm.errors import RefpcmError
from refpcm.files.atomic import atomic_file, check_distinct, check_new, check_writable, write_bytes

OLD, NEW = b"old content", b"new content, longer"


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(OLD)
    return path


def only_old(target):
    return target.read_bytes() == OLD and os.listdir(target.parent) == [target.name]


def test_the_new_content_replaces_the_old_and_nothing_else_is_left(target):
    write_bytes(target, NEW)
    assert target.read_bytes() == NEW and os.listdir(target.parent) == [target.name]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, RefpcmError])
def test_an_error_while_writing_leaves_the_old_file(target, error):
    with pytest.raises(error), atomic_file(target) as stream:
        stream.write(NEW)
        raise error
    assert only_old(target)


@pytest.mark.parametrize("where", ["fsync", "replace"])
@pytest.mark.parametrize("number, words", [
    (errno.ENOSPC, "the disk is full"), (errno.EDQUOT, "the disk is full"), (errno.EROFS, "no permission"),
    (errno.EIO, "Input/output error")])
def test_a_failing_disk_is_reported_and_leaves_the_old_file(target, monkeypatch, where, number, words):
    def fail(*arguments):
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(os, where, fail)
    with pytest.raises(RefpcmError, match=f"file.bin: {words}.*; the file that was there is unchanged"):
        write_bytes(target, NEW)
    assert only_old(target)


def test_a_folder_that_is_to_be_made_need_not_be_there(tmp_path):
    check_writable(tmp_path / "new" / "a.png", tmp_path / "new")
    for path, folder in ((tmp_path / "new" / "a.png", None), (tmp_path / "new" / "sub" / "a.png", tmp_path / "new")):
        with pytest.raises(RefpcmError, match="there is no folder"):
            check_writable(path, folder)


def test_a_new_file_is_one_that_is_not_there(target):
    check_new(target.parent / "other.bin")
    with pytest.raises(RefpcmError, match="file.bin is already there; choose another name"):
        check_new(target)


def test_two_names_of_one_file_are_refused(target):
    check_distinct(target, None, target.parent / "other.bin", None)
    check_distinct(os.devnull, os.devnull)
    with pytest.raises(RefpcmError, match="is named twice"):
        check_distinct(target, target.parent / "." / "file.bin")


def test_a_file_size_limit_leaves_the_old_file_and_says_so(target):
    program = ("import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
               "from refpcm.files.atomic import write_bytes; write_bytes(sys.argv[1], bytes(100000))")
    run = subprocess.run([sys.executable, "-c", program, target], capture_output=True, text=True)
    assert "RefpcmError: cannot write" in run.stderr and "largest file size" in run.stderr
    assert only_old(target)


def as_somebody_else(action):
    """Error text of `action` run in a child process without root's rights, "" if it raised none."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        text = ""
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            action()
        except RefpcmError as error:
            text = str(error)
        finally:
            os.write(writing, text.encode())
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as stream:
        text = stream.read().decode()
    os.waitpid(child, 0)
    return text


def test_a_folder_without_permission_is_named(target):
    target.parent.chmod(0o500)
    text = as_somebody_else(lambda: write_bytes(target, NEW))
    target.parent.chmod(0o700)
    assert "no permission to write in" in text and only_old(target)


@pytest.mark.parametrize("name, words", [
    ("absent/file.bin", "there is no folder .*absent"), ("file.bin/inside", "there is no folder"),
    ("x" * 300, "the name is too long"), (".", "it is a folder")])
def test_impossible_targets_are_refused(target, name, words):
    with pytest.raises(RefpcmError, match=words):
        write_bytes(target.parent / name, NEW)
    assert only_old(target)


@pytest.mark.parametrize("name", ["x" * 255, "名" * 85, "\U0001f642" * 63])
def test_the_longest_names_are_possible(tmp_path, name):
    write_bytes(tmp_path / name, NEW)
    assert os.listdir(tmp_path) == [name]


def test_a_device_or_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(RefpcmError, match="not a regular file"):
            write_bytes(path, NEW)


def test_a_link_stays_a_link_and_permissions_stay(target):
    target.chmod(0o640)
    link = target.parent / "link"
    link.symlink_to(target.name)
    write_bytes(link, NEW)
    assert link.is_symlink() and target.read_bytes() == NEW and target.stat().st_mode & 0o777 == 0o640


def test_leftovers_of_killed_processes_are_removed_after_an_hour(target):
    stale, fresh, other = (target.parent / name for name in (
        ".file.bin.0123abcd.tmp", ".file.bin.89ef0123.tmp", ".other.bin.0123abcd.tmp"))
    for path in (stale, fresh, other):
        path.write_bytes(b"half")
    for path in (stale, other):
        os.utime(path, (time.time() - 7200,) * 2)
    write_bytes(target, NEW)
    assert not stale.exists() and fresh.exists() and other.exists()


def test_a_process_killed_at_any_moment_leaves_a_complete_file(target):
    program = ("import sys; from refpcm.files.atomic import write_bytes\n"
               "print('ready', flush=True)\n"
               "for count in range(10**9): write_bytes(sys.argv[1], bytes([count % 256]) * 200000)")
    for moment in range(6):
        process = subprocess.Popen([sys.executable, "-c", program, target], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.003 * moment + 0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        content = target.read_bytes()
        assert content == OLD or (len(content) == 200000 and len(set(content)) == 1)
        assert all(re.fullmatch(r"file\.bin|\.file\.bin\.[0-9a-f]{8}\.tmp", name) for name in os.listdir(target.parent))
