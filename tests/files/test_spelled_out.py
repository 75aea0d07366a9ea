"""Networks whose architecture is spelled out, not listed: every program takes their files."""

import json

import numpy as np
import pytest
from test_convert import checkpoint, convert

import refpcm
from data_tools.writing import write
from refpcm.files.checkpoints import load_checkpoint
from refpcm.files.network_file import load_network
from refpcm.files.tensors import read_tensors
from tests import commands

NAME = "cifar-resnet-8x1-12x2-projection"


def command(module, *arguments, folder):
    done = commands.command(module, *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An imported network n.safetensors and 64 images."""
    path, draw = tmp_path_factory.mktemp("spelled"), np.random.default_rng(5)
    parameters = refpcm.initial_parameters(refpcm.build(NAME))
    (path / "c.pt").write_bytes(checkpoint(parameters=parameters))
    assert convert("c.pt", "n.safetensors", folder=path).returncode == 0
    images, labels = draw.integers(0, 256, (64, 3, 32, 32), np.uint8), (np.arange(64) % 10).astype(np.uint8)
    classes = load_network(path / "n.safetensors").classes
    write(path / "data", "noise", classes, {"train_images": images, "train_labels": labels, "test_images": images[:32],
                                            "test_labels": labels[:32]}, {})
    return path


def test_the_file_says_its_architecture_by_name(folder):
    metadata = read_tensors(folder / "n.safetensors")[1]
    assert metadata["architecture"] == NAME and metadata["version"] == "1"
    assert load_network(folder / "n.safetensors").network == refpcm.build(NAME)


def test_it_is_evaluated_digitally_and_on_chips(folder):
    digital = json.loads(command("refpcm.evaluate", "--network", "n.safetensors", "--data", "data", "--digital", "--json",
                                 folder=folder))
    assert digital["architecture"] == NAME and digital["total"] == 32
    result = refpcm.evaluate(folder / "n.safetensors", folder / "data", times="25s", chips=1, adabs_batches=1, adabs_batch_size=8)
    assert result["architecture"] == NAME and len(result["rows"]) == 3


def test_batch_norm_is_made_for_its_chips(folder):
    command("refpcm.expect", "--network", "n.safetensors", "--data", "data", "--out", "e.safetensors", "--chips", 1, "--images",
            8, folder=folder)
    assert load_network(folder / "e.safetensors").network == refpcm.build(NAME)


def test_training_goes_on_with_it_and_is_resumed(folder):
    command("refpcm.train", "--architecture", NAME, "--start", "n.safetensors", "--data", "data", "--epochs", 1, "--batch-size",
            32, "--validation-images", 0, "--out", "run", folder=folder)
    assert load_network(folder / "run" / "network.safetensors").network == refpcm.build(NAME)
    assert load_checkpoint(folder / "run" / "checkpoint.safetensors").config.architecture == NAME
    command("refpcm.train", "--resume", "run", folder=folder)
