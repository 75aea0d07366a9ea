"""The training loop's memory: no growth from step to step."""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np

from refpcm.datasets.dataset import Dataset
from refpcm.spec.training.config import TrainingConfig
from refpcm.training.loop import start, train

CONFIG = TrainingConfig(epochs=10.0, batch_size=16, weight_noise=0.038, clip_sigma=2.0, cutout=8)


def measured():
    """Return {step: (bytes held, peak since the last step named)} at steps 8, 24, 40."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 3, 32, 32), np.uint8)
    labels = np.arange(64, dtype=np.uint8) % 10
    dataset = Dataset("noise", tuple("abcdefghij"), pixels, labels, pixels[:1], labels[:1], (0.5,) * 3, (0.3,) * 3)
    held = {}

    def after_step(state, total):
        if state.step == 8:
            tracemalloc.reset_peak()
        if state.step in (8, 24, 40):
            held[state.step] = tracemalloc.get_traced_memory()
        if state.step == 24:
            tracemalloc.reset_peak()
        return False
    tracemalloc.start()
    try:
        assert train(start(CONFIG, 10, "noise"), dataset, after_step, lambda state, record: None)
    finally:
        tracemalloc.stop()
    return held


def test_a_training_needs_no_more_memory_after_forty_steps_than_after_eight():
    """Augmentation, noise, update, clipping included; NumPy reports its arrays to tracemalloc.

    In a process of its own: tracemalloc sees what threads of other tests allocate, too.
    """
    words = "import json; from tests.training.test_memory import measured; print(json.dumps(measured()))"
    done = subprocess.run([sys.executable, "-c", words], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    held = {int(step): found for step, found in json.loads(done.stdout).items()}
    assert sorted(held) == [8, 24, 40]
    assert held[40][0] - held[8][0] < 200_000  # bytes; one activation of the network has more
    assert held[40][1] - held[24][1] < 200_000  # the peaks between them
