"""The package in a folder that nobody may write to: it trains, and leaves the folder as it was."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import refpcm

STEP = """
import numpy as np, refpcm
from refpcm.spec.resnet import initial_parameters, tiny_resnet8
from refpcm.fast.network.engine import Engine
from refpcm.fast.training.update import update
from refpcm.spec.training.sgd import decayed_names, zero_velocities
print(refpcm.__file__)
network = tiny_resnet8()
parameters = initial_parameters(network, lambda layer, n: np.linspace(-1, 1, n))
before = parameters["conv1.weight"].copy()
engine = Engine(network)
engine.forward(parameters, np.ones((2, 3, 32, 32), np.float32), training=True)
gradients = engine.backward(parameters, np.ones((2, 10), np.float32))
update(parameters, gradients, zero_velocities(parameters), decayed_names(parameters, "weights"), 0.1, 0.9, True, 5e-4)
assert not np.array_equal(before, parameters["conv1.weight"])
"""


def contents(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_a_step_is_trained_from_a_read_only_folder_which_stays_as_it_is(tmp_path):
    """Its modes forbid writing; because an administrator may write all the same, the folder is compared as well."""
    package = tmp_path / "site" / "refpcm"
    shutil.copytree(Path(refpcm.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "golden"))
    folders = [tmp_path / "site", package, *(path for path in package.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    before = contents(tmp_path / "site")
    try:
        done = subprocess.run([sys.executable, "-c", STEP], cwd=tmp_path, capture_output=True, text=True, env={
            **os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"})
        after = contents(tmp_path / "site")
    finally:
        for folder in folders:
            folder.chmod(0o755)  # so that it can be removed
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(package / "__init__.py") and after == before
