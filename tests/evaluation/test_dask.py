"""Units on a Dask cluster. Needs the package `distributed`; run with -m peers."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.cluster import cluster
from refpcm.evaluation.run import run

distributed = pytest.importorskip("distributed", reason="wants the package `distributed` (Dask)")
pytestmark = pytest.mark.peers
ROOT = str(Path(__file__).parents[2])


@pytest.fixture
def address():
    """A scheduler and two workers in processes of their own, as on other machines: in another folder, two threads each."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as local:
        yield local.scheduler_address


@pytest.mark.parametrize("kernels", ["direct", "numpy"])
def test_a_cluster_gives_the_same_result(small, address, tmp_path, kernels):
    from dataclasses import replace
    protocol = replace(small, kernels=kernels, images=8)
    with cluster(address) as pool:
        on_cluster = run(protocol, tmp_path / "cluster", pool)
    assert on_cluster == run(protocol, tmp_path / "here")


def command(small, folder, *words):
    """`python -m refpcm.evaluate` on the small evaluation, begun."""
    return subprocess.Popen(
        [sys.executable, "-m", "refpcm.evaluate", "--network", "net.safetensors", "--data", "data", "--chips", "40",
         "--times", "25s,1day", "--adabs-batches", "2", "--adabs-batch-size", "8", "--calibration", "train",
         "--out", str(folder), *words],
        cwd=os.path.dirname(small.network), env={**os.environ, "PYTHONPATH": ROOT}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def test_the_command_loses_nothing_when_a_worker_is_killed(small, address, tmp_path):
    """Paths are relative to the command's folder, and one of the two workers is killed while units run."""
    process = command(small, tmp_path / "cluster", "--scheduler", address)
    units, limit = tmp_path / "cluster" / "units", time.monotonic() + 120
    while len(list(units.glob("*.json"))) < 5 and time.monotonic() < limit:
        time.sleep(0.01)
    with distributed.Client(address) as client:
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
    assert len(list(units.glob("*.json"))) < 80  # in its middle
    out, error = process.communicate(timeout=180)
    assert process.returncode == 0, error
    here = command(small, tmp_path / "here")
    assert here.communicate(timeout=180)[0].replace("here", "cluster") == out and here.returncode == 0
    assert files(tmp_path / "cluster") == files(tmp_path / "here")


def files(folder):
    """{name: bytes} of the units and of the table, and what result.json says."""
    result = json.loads((folder / "result.json").read_text())
    return {path.name: path.read_bytes() for path in [*folder.glob("units/*"), folder / "result.csv"]}, result


def test_no_scheduler_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr("refpcm.evaluation.cluster.WAIT_S", 1)
    with pytest.raises(RefpcmError, match="no Dask scheduler answers there"), cluster("tcp://127.0.0.1:9"):
        pass
    with pytest.raises(RefpcmError, match="no Dask scheduler answers there"), cluster("no address at all://"):
        pass


def test_a_scheduler_without_workers_is_said_in_a_sentence(monkeypatch):
    monkeypatch.setattr("refpcm.evaluation.cluster.WAIT_S", 1)
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as local:
        with pytest.raises(RefpcmError, match="has no workers"), cluster(local.scheduler_address):
            pass


def test_a_lost_scheduler_is_said_and_what_is_done_is_kept(small, tmp_path):
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as local:
        process = command(small, tmp_path / "cluster", "--scheduler", local.scheduler_address)
        units, limit = tmp_path / "cluster" / "units", time.monotonic() + 120
        while not list(units.glob("*.json")) and time.monotonic() < limit:
            time.sleep(0.01)
    _, error = process.communicate(timeout=180)
    said = error.splitlines()[-1]
    assert process.returncode == 2 and "Traceback" not in error and "go" in said and "lost" in said, error
    assert list(units.glob("*.json"))


def test_an_error_of_a_unit_is_that_of_the_unit(small, address, tmp_path, monkeypatch):
    """Here a network that a worker finds changed."""
    from dataclasses import replace

    from refpcm.evaluation.inputs import load_inputs
    from refpcm.files.network_file import load_network, save_network
    copy = replace(small, network=str(tmp_path / "net.safetensors"))
    file = load_network(small.network)
    save_network(copy.network, file)
    inputs = load_inputs(copy)
    save_network(copy.network, replace(file, parameters={**file.parameters, "fc.bias": file.parameters["fc.bias"] + 1}))
    with pytest.raises(RefpcmError, match="finds another network"), cluster(address) as pool:
        run(copy, tmp_path / "out", pool, inputs=inputs)
