"""The claim: a network trained elsewhere, imported by the commands a user types, has its published accuracy here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.benchmark


def command(*arguments):
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not SHARED.exists(), reason=f"needs CIFAR-10 and the published ResNet-20 in {SHARED}")
@pytest.mark.parametrize("kernels", ["direct", "numpy"])
def test_the_published_resnet20_is_right_on_9173_of_10000_images(tmp_path, kernels):
    """akamaster/pytorch_resnet_cifar10 publishes 8.27 % error; float32 summation order may turn at most two images."""
    command(SHARED / "unpack_cifar10.py", tmp_path / "official")
    command("-m", "data_tools.cifar10", "--from", tmp_path / "official", "--out", tmp_path / "cifar10")
    command("-m", "refpcm.convert", SHARED / "pretrained" / "resnet20-12fca82f.th", tmp_path / "resnet20.safetensors",
            "--architecture", "cifar-resnet20", "--mean", "0.485", "0.456", "0.406", "--std", "0.229", "0.224", "0.225")
    result = json.loads(command("-m", "refpcm.evaluate", "--network", tmp_path / "resnet20.safetensors",
                                "--data", tmp_path / "cifar10", "--digital", "--json", "--kernels", kernels))
    assert result["total"] == 10_000 and abs(result["correct"] - 9173) <= 2
