"""refpcm.evaluation.workers: processes that end when they should, and a sentence when they end too early."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.protocol import Protocol
from refpcm.evaluation.run import run, run_units
from refpcm.evaluation.store import Store
from refpcm.evaluation.workers import chosen_workers, executor
from tests.commands import command

PARENT = """
import os, time
from refpcm.evaluation.workers import executor
if __name__ == "__main__":
    with executor(2) as pool:
        print(*{pool.submit(os.getpid).result() for _ in range(4)}, flush=True)
        time.sleep(60)
"""


def alive(number):
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks processes up in /proc")
def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    program = tmp_path / "parent.py"
    program.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True)
    workers = [int(number) for number in parent.stdout.readline().split()]
    assert workers and all(map(alive, workers))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    limit = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not any(map(alive, workers))


@pytest.mark.parametrize("number, status, wait_s",
                         [(signal.SIGINT, 130, 0.0), (signal.SIGTERM, 143, 0.5), (signal.SIGINT, 130, 2.0)])
def test_a_signal_to_all_processes_of_a_command_ends_it_in_a_word(number, status, wait_s, small, tmp_path):
    """As Ctrl-C in a terminal, while workers begin and while they work. Far more units are left than could be finished."""
    evaluation = subprocess.Popen(
        [sys.executable, "-m", "refpcm.evaluate", "--network", small.network, "--data", small.data, "--chips", "9999",
         "--compensation", "none", "--workers", "2", "--out", tmp_path / "out"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert "units" in evaluation.stderr.readline()
    time.sleep(wait_s)
    os.killpg(evaluation.pid, number)
    _, said = evaluation.communicate(timeout=60)
    words = {signal.SIGINT: "interrupted\n", signal.SIGTERM: "terminated; what was finished before is kept\n"}
    assert (evaluation.returncode, said) == (status, words[number])


STARTING = """
import multiprocessing.popen_spawn_posix as spawn
import os, runpy, signal, threading, time

original = spawn.Popen._launch

def launch(process, obj):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.1)
    return original(process, obj)

if __name__ == "__main__":
    spawn.Popen._launch = launch
    threading.Thread(target=time.sleep, args=(5,), daemon=True).start()  # takes the signal that the main thread does not
    runpy.run_module("refpcm.evaluate", run_name="__main__")
"""


def test_a_signal_while_workers_are_started_ends_the_command_in_a_word(small, tmp_path):
    (tmp_path / "program.py").write_text(STARTING)
    done = subprocess.run([sys.executable, tmp_path / "program.py", "--network", small.network, "--data", small.data, "--chips",
                           "99", "--compensation", "none", "--workers", "2", "--out", tmp_path / "out"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 130 and done.stderr.splitlines()[1:] == ["interrupted"], done.stderr


def always_f(inputs, protocol):
    """The fingerprint of a store that any process may fill."""
    return "f"


def end_at_once(inputs, task):
    os._exit(1)


@dataclass(frozen=True)
class Task:
    """One unit with one part."""
    protocol: Protocol
    name = "x"
    address = {}
    parts = ("gdc",)

    def only(self, parts):
        return self


def test_a_worker_that_is_killed_ends_in_a_sentence(small, tmp_path):
    with pytest.raises(RefpcmError, match="ended from outside.*__main__"), executor(2) as pool:
        run_units(None, [Task(small)], end_at_once, always_f, Store(tmp_path, "f"), pool)


@pytest.mark.parametrize("choice", [{}, {"dac_bits": 8, "adc_bits": 8, "output_noise": 0.02}], ids=["digital", "tiles"])
def test_threads_of_one_process_give_the_same_result(small, tmp_path, choice):
    """Every thread has an engine of its own: with a shared one, 15 images were wrong in 30 of 30 runs."""
    protocol = replace(small, kernels="direct", chips=4, images=15, reads=1, **choice)
    with ThreadPoolExecutor(4) as pool:
        on_threads = run(protocol, tmp_path / "threads", pool)
    assert on_threads == run(protocol, tmp_path / "here")


def test_a_cluster_without_dask_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(RefpcmError, match="pip install 'refpcm\\[distributed\\]'"), executor(1, "tcp://127.0.0.1:8786"):
        pass


@pytest.mark.parametrize("workers, scheduler, said", [(0, None, "must be at least 1"), (2, "tcp://host:8786", "choose one")])
def test_impossible_choices_are_refused(workers, scheduler, said):
    with pytest.raises(RefpcmError, match=said):
        executor(workers, scheduler)


@pytest.mark.parametrize("words", [
    ("evaluate", "--network", "net.safetensors", "--data", "data", "--calibration", "test", "--adabs-batches", "2",
     "--adabs-batch-size", "8"),
    ("inspect", "loss", "--network", "net.safetensors", "--data", "data"), ("reproduce", "fig3")],
                         ids=lambda words: words[0])
def test_every_command_that_evaluates_takes_a_scheduler(words, small, tmp_path):
    """Here as far as the missing package, or the scheduler that does not answer."""
    folder = tmp_path / "distributed"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise ImportError")
    names = {"net.safetensors": small.network, "data": small.data}
    done = command(f"refpcm.{words[0]}", *[names.get(word, word) for word in words[1:]],
                   "--scheduler", "tcp://127.0.0.1:9", "--out", tmp_path / "out", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("error: --scheduler needs the package distributed")


@pytest.mark.parametrize("cores, units, given, wanted", [
    (2, 125, {}, 1), (8, 125, {}, 1), (16, 125, {}, 16), (16, 16, {}, 16), (16, 15, {}, 1), (16, None, {}, 16),
    (16, 125, {"workers": 3}, 3), (16, 125, {"threads": 4}, 1), (16, 125, {"scheduler": "tcp://127.0.0.1:8786"}, 1)])
def test_many_cores_get_a_process_each_where_there_is_work_for_all(cores, units, given, wanted, monkeypatch):
    monkeypatch.setattr("refpcm.cli.cores", lambda: cores)
    options = SimpleNamespace(**{"workers": None, "threads": None, "scheduler": None, **given})
    assert chosen_workers(options, units) == wanted
