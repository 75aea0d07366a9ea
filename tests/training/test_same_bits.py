"""The bits of a training on this machine are those of others (docs/kernels.md, "Same inputs, same bits")."""

import json

import pytest

from tests.commands import command
from tests.results.files import RESULTS

IDENTITY = "bd1c33bd819644fab20349e5e9f7e7678e0e69265d2385be5a0f4d9e20ec2cae"  # of the synthetic images
NETWORK = RESULTS / "joshi2020-resnet32" / "network.safetensors"


@pytest.mark.slow
def test_sixty_steps_of_the_papers_network_lose_what_they_lost_elsewhere(tmp_path):
    """The number is that of an Intel Xeon with code for AVX-512 and for AVX2 (docs/results/logs/same_bits.txt)."""
    made = command("data_tools.synthetic", "--out", tmp_path / "data", "--train", 7680, "--test", 128)
    assert made.returncode == 0, made.stderr
    done = command("refpcm.train", "--preset", "joshi2020-cifar10-short", "--data", tmp_path / "data", "--start",
                   NETWORK, "--epochs", 1, "--schedule", "constant",
                   "--learning-rate", 0.01, "--cutout", 8, "--kernels", "winograd", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["data_identity"] == IDENTITY  # else it is not the kernels that differ
    assert json.loads((tmp_path / "run" / "metrics.jsonl").read_text())["train_loss"] == 0.9415378411947052
