"""The bits of a training on this machine are those of others (docs/kernels.md, "Same inputs, same bits")."""

import json

import pytest

from tests.benchmarks.results_format import RESULTS
from tests.training.commands import command

NETWORK = RESULTS / "shorter" / "115" / "network.safetensors"


@pytest.mark.slow
def test_sixty_steps_of_the_papers_network_lose_what_they_lost_elsewhere(tmp_path):
    """The number is of an Intel Xeon with AVX-512 (16 threads) and of an AMD EPYC with AVX2 (2 threads), November 2026."""
    made = command("data_tools.synthetic", "--out", tmp_path / "data", "--train", 7680, "--test", 128)
    assert made.returncode == 0, made.stderr
    done = command("refpcm.train", "--preset", "joshi2020-cifar10-short", "--data", tmp_path / "data", "--start",
                   NETWORK, "--epochs", 1, "--schedule", "constant",
                   "--learning-rate", 0.01, "--cutout", 8, "--kernels", "winograd4", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "metrics.jsonl").read_text())["train_loss"] == 1.0071626581661322
