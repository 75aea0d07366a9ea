"""Windows, as far as it can be tried elsewhere: what only POSIX has is asked for before it is used, and can be absent."""

import ast
import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_tools import matlab_file, new_folder, renaming, synthetic
from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.evaluation import workers
from refpcm.files import atomic, lock
from refpcm.golden import program

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for folder in ("refpcm", "data_tools") for path in (ROOT / folder).rglob("*.py"))
POSIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"}
POSIX_NAMES = {"os": {"fork", "forkpty", "wait", "killpg", "setsid", "getpgid", "getuid", "geteuid", "getgid", "chown", "fchmod",
                      "fchown", "mkfifo", "statvfs", "uname", "sched_getaffinity", "register_at_fork", "posix_fadvise",
                      "pread", "pwrite", "sync", "getloadavg", "sysconf", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC"},
               "signal": {"SIGHUP", "SIGKILL", "SIGALRM", "SIGPIPE", "SIGUSR1", "SIGUSR2", "alarm", "setitimer", "pause"},
               "time": {"tzset", "clock_gettime"}}
WITHOUT_POSIX = f"""
import contextlib, os, runpy, signal, sys
import concurrent.futures, multiprocessing.popen_spawn_posix, numba, numpy, PIL.Image, scipy.special, subprocess, tempfile, uuid
for module, names in {POSIX_NAMES!r}.items():
    for name in names:
        with contextlib.suppress(AttributeError):
            delattr(sys.modules[module], name)
for name in {POSIX_MODULES!r}:
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def in_all_modules(problems):
    """[file:line words] of what problems(tree) yields, (node, words), in every module."""
    return [f"{path.relative_to(ROOT)}:{node.lineno} {words}" for path in MODULES
            for node, words in problems(ast.parse(path.read_text(encoding="utf-8")))]


def unguarded(found):
    """Imports of POSIX's modules outside of a `try`, and names of POSIX in a module that asks for none by hasattr."""
    tried = {id(inner) for outer in ast.walk(found) if isinstance(outer, ast.Try) for inner in ast.walk(outer)}
    guarded = {node.args[0].id for node in ast.walk(found) if isinstance(node, ast.Call)
               and isinstance(node.func, ast.Name) and node.func.id == "hasattr" and isinstance(node.args[0], ast.Name)}
    for node in ast.walk(found):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else {node.module}
            if names & POSIX_MODULES and id(node) not in tried:
                yield node, "an import that Windows has not"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in POSIX_NAMES.get(node.value.id, ()) and not guarded & {"os", "signal"}:
                yield node, f"{node.value.id}.{node.attr} without a guard"


def of_the_systems_own_form(found):
    """Texts that are written in the encoding and with the line ends of the system."""
    for node in ast.walk(found):
        name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", None))
        if not isinstance(node, ast.Call) or name not in ("open", "write_text"):
            continue
        modes = [each.value for each in [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "mode")]
                 if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        writes = name == "write_text" or name == "open" and any(set(mode) & set("wax") and "b" not in mode for mode in modes)
        named, same = {keyword.arg for keyword in node.keywords}, ("devnull", "json.dumps")  # the latter: one line of ASCII
        if writes and not {"encoding", "newline"} <= named and not any(words in ast.unparse(node) for words in same):
            yield node, "a text without encoding and newline"


def test_what_only_posix_has_is_asked_for_before_it_is_used():
    assert in_all_modules(unguarded) == []
    assert list(unguarded(ast.parse("import fcntl"))) and list(unguarded(ast.parse("os.fork()")))


def test_files_are_written_with_the_same_bytes_everywhere():
    assert in_all_modules(of_the_systems_own_form) == []
    assert list(of_the_systems_own_form(ast.parse("path.write_text(words)")))
    assert list(of_the_systems_own_form(ast.parse("open(path, 'w')")))


def without_posix(*arguments, cwd):
    done = subprocess.run([sys.executable, "-c", WITHOUT_POSIX, *map(str, arguments)], cwd=cwd, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}, timeout=300)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_commands_run_in_a_python_without_what_only_posix_has(tmp_path):
    synthetic.make(tmp_path / "set", 256, 20)
    without_posix("refpcm.train", "--data", "set", "--epochs", 1, "--validation-images", 0, "--out", "run", cwd=tmp_path)
    without_posix("refpcm.evaluate", "--network", "run/network.safetensors", "--data", "set", "--chips", 1, "--times", "25s",
                  "--compensation", "gdc", "--out", "results", cwd=tmp_path)
    without_posix("refpcm.golden", "export", "cases", "--case", "L1-*", cwd=tmp_path)


@pytest.mark.parametrize("make", [lambda folder: lock.locked(folder), lambda folder: new_folder.new_folder(folder / "new")])
def test_folders_are_usable_without_locks(make, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with make(tmp_path):
        (tmp_path / "file").write_text("x")


def test_a_folder_that_cannot_be_opened_keeps_no_file_from_being_written(tmp_path, monkeypatch):
    """Windows opens no folders, so that none can be flushed to the disk."""
    def refuse(path, *_):
        raise PermissionError(errno.EACCES, "no folders", path)
    monkeypatch.setattr(os, "open", refuse)
    atomic.write_bytes(tmp_path / "file", b"x")
    assert (tmp_path / "file").read_bytes() == b"x"


def test_a_file_that_another_program_reads_is_replaced_a_moment_later(tmp_path, monkeypatch):
    calls = []

    def replace(source, target):
        calls.append(source)
        if len(calls) < 3:
            raise PermissionError(errno.EACCES, "in use", target)
    monkeypatch.setattr(renaming, "os", Windows)
    renaming.into_place("a", "b", replace)
    assert calls == ["a"] * 3
    monkeypatch.setattr(renaming, "PAUSES_S", (0.0,) * 2)
    with pytest.raises(PermissionError):
        renaming.into_place("a", "b", lambda *_: replace(calls.clear() or "a", "b"))


class Windows:
    """The module `os` as some functions see it there."""
    name = "nt"


def test_command_lines_of_windows_keep_their_backslashes(monkeypatch):
    assert program.split_command("'my program' --x") == ["my program", "--x"] and cli.quoted("a b") == "'a b'"
    for module in (program, cli):
        monkeypatch.setattr(module, "os", Windows)
    assert program.split_command(r'"C:\my programs\p.exe" --out C:\x') == [r"C:\my programs\p.exe", "--out", r"C:\x"]
    assert cli.quoted(r"C:\runs\one") == r"C:\runs\one" and cli.quoted(r"C:\my runs") == r'"C:\my runs"'


def test_more_processes_than_the_system_allows_are_refused_in_a_sentence(monkeypatch):
    def pool(*_, **__):
        raise ValueError("max_workers must be <= 61")
    monkeypatch.setattr("refpcm.evaluation.processes.Processes", pool)
    with pytest.raises(RefpcmError, match="--workers 100: max_workers must be <= 61; choose fewer"):
        workers.executor(100)


def test_a_program_is_killed_without_process_groups(monkeypatch):
    monkeypatch.delattr(os, "killpg", raising=False)
    with pytest.raises(subprocess.TimeoutExpired), contextlib.ExitStack() as stack:
        streams = [stack.enter_context(open(os.devnull, "wb")) for _ in range(2)]
        program._run([sys.executable, "-c", "import time; time.sleep(60)"], *streams, 0.1)


def test_a_matlab_file_is_read_without_limits_of_resources(tmp_path, monkeypatch):
    scipy_io = pytest.importorskip("scipy.io")
    import numpy as np
    synsets = np.zeros((2, 1), [("ILSVRC2012_ID", "O"), ("WNID", "O")])
    synsets[:, 0] = [(1, "n01440764"), (2, "n01682714")]
    scipy_io.savemat(tmp_path / "meta.mat", {"synsets": synsets})
    (tmp_path / "resource.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert matlab_file.read_class_numbers(tmp_path / "meta.mat") == {1: "n01440764", 2: "n01682714"}


def test_on_windows_tests_of_what_only_posix_has_are_skipped(monkeypatch):
    from tests import conftest
    marked = []

    class Item:
        def __init__(self, function):
            self.function, self.add_marker = function, lambda mark: marked.append(function.__name__)
    items = [Item(test_a_program_is_killed_without_process_groups), Item(uses_a_pipe)]
    conftest.pytest_collection_modifyitems(items)
    assert marked == []
    monkeypatch.setattr(conftest, "os", Windows)
    conftest.pytest_collection_modifyitems(items)
    assert marked == ["uses_a_pipe"]


def uses_a_pipe(path):
    os.mkfifo(path)
