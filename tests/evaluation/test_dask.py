"""Units on a Dask cluster. Needs the package `distributed`; run with -m peers."""

import numpy as np
import pytest

from data_tools.writing import write
from refpcm.evaluation.protocol import Protocol
from refpcm.evaluation.run import run
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.spec import random
from refpcm.spec.resnet import initial_parameters, tiny_resnet8

pytestmark = pytest.mark.peers


@pytest.mark.parametrize("workers, threads, kernels", [(2, 1, "numpy"), (1, 4, "direct")])
def test_a_dask_cluster_gives_the_same_result(tmp_path, workers, threads, kernels):
    distributed = pytest.importorskip("distributed", reason="wants the package `distributed` (Dask)")
    network, classes = tiny_resnet8(), tuple("abcdefghij")
    parameters = initial_parameters(
        network, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
    save_network(tmp_path / "net.safetensors", NetworkFile(network, parameters, classes, (0.5,) * 3, (0.3,) * 3))
    pixels = np.random.default_rng(0)
    arrays = {f"{split}_{part}": values for split in ("train", "test") for part, values in (
        ("images", pixels.integers(0, 256, (20, 3, 32, 32), np.uint8)), ("labels", np.arange(20, dtype=np.uint8) % 10))}
    write(tmp_path / "data", "noise", classes, arrays, {})
    protocol = Protocol(str(tmp_path / "net.safetensors"), str(tmp_path / "data"), chips=2, times_s=(25.0, 1e7),
                        adabs_batches=2, adabs_batch_size=8, kernels=kernels)
    with distributed.LocalCluster(n_workers=workers, threads_per_worker=threads, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            on_cluster = run(protocol, tmp_path / "cluster", client.get_executor())
    assert on_cluster == run(protocol, tmp_path / "here")
