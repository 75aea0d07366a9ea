"""Claims about speed, by the command that prints it. Needs a machine that does nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.benchmark


def measured(tmp_path, *arguments):
    file = tmp_path / "speed.json"
    done = subprocess.run([sys.executable, "-m", "tests.benchmarks.training_speed", "--json", str(file), *arguments],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text())


def test_the_first_start_compiles_within_20_s_and_later_ones_step_within_3_s(tmp_path):
    starts = measured(tmp_path, "--skip", "steps", "profile", "layers", "epoch", "--runs", "1")["cold start"]
    first, later = starts["compiling"], starts["cached"]
    assert first < 20 and later < 3


@pytest.mark.peers
@pytest.mark.parametrize("kernels, step, inference", [("direct", 1.0, 1.4), ("winograd", 1.8, 1.5)])
def test_training_and_inference_are_faster_than_pytorch_eager(tmp_path, kernels, step, inference):
    """By the factors given, against its better layout."""
    pytest.importorskip("torch")
    results = measured(tmp_path, "--kernels", kernels, "--inference", "128",
                       "--skip", "profile", "layers", "epoch", "cold")
    for name, factor in (("step", step), ("inference 128", inference)):
        ours = results[name].pop("refpcm")
        assert factor * ours < min(results[name].values()), name
