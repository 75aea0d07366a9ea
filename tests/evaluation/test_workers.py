"""refpcm.evaluation.workers: processes that end when they should, and a sentence when they end too early."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.run import run, run_units
from refpcm.evaluation.store import Store
from refpcm.evaluation.workers import executor, work_elsewhere
from refpcm.files.network_file import load_network, save_network

PARENT = """
import os, time
from refpcm.evaluation.workers import executor, work_elsewhere
from refpcm.files.network_file import load_network, save_network
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


def end_at_once(inputs, task):
    os._exit(1)


class Task:
    """One unit with one part."""
    name, address, parts = "x", {}, ("gdc",)

    def __init__(self, protocol):
        self.protocol = protocol

    def only(self, parts):
        return self


def test_a_worker_that_is_killed_ends_in_a_sentence(small, tmp_path):
    with pytest.raises(RefpcmError, match="ended from outside"), executor(2) as pool:
        run_units(None, [Task(small)], end_at_once, Store(tmp_path, "f"), pool)


@pytest.mark.parametrize("choice", [{}, {"dac_bits": 8, "adc_bits": 8, "output_noise": 0.02}], ids=["digital", "tiles"])
def test_threads_of_one_process_give_the_same_result(small, tmp_path, choice):
    """Every thread has an engine of its own: with a shared one, 15 images were wrong in 30 of 30 runs."""
    protocol = replace(small, kernels="direct", chips=4, images=15, **choice)
    with ThreadPoolExecutor(4) as pool:
        on_threads = run(protocol, tmp_path / "threads", pool)
    assert on_threads == run(protocol, tmp_path / "here")


def parameters_of(inputs, task):
    """Work that gives the inputs' parameters themselves."""
    return inputs.file.parameters


def test_a_process_keeps_its_inputs_until_a_file_has_changed(small, tmp_path):
    file = load_network(small.network)
    unit = Task(replace(small, network=str(tmp_path / "net.safetensors")))
    save_network(unit.protocol.network, file)
    first = work_elsewhere(parameters_of, unit)
    assert work_elsewhere(parameters_of, unit) is first
    save_network(unit.protocol.network, replace(file, parameters={**file.parameters, "fc.bias": file.parameters["fc.bias"] + 1}))
    np.testing.assert_array_equal(work_elsewhere(parameters_of, unit)["fc.bias"], first["fc.bias"] + 1)
