"""From an installed wheel to a first report, without a clone: what a maintainer does who wants the kit in another project."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MINUTES = 3
ADAPTER = """
def drifted(inputs, parameters):
    t0_s = parameters.get("t0_s", 20.0)
    return {"g_drift_us": inputs["g_prog_us"] * (parameters["t_s"] / t0_s) ** -inputs["nu"]}
"""


@pytest.mark.slow
def test_from_the_wheel_to_a_first_report_takes_less_than_three_minutes(tmp_path):
    """With NumPy, Numba, SciPy and Pillow from the package index, and an empty cache of kernels."""
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT], check=True)
    (tmp_path / "my_adapter.py").write_text(ADAPTER)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python, (wheel,) = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python", tmp_path.glob("*.whl")
    subprocess.run([python, "-m", "pip", "install", "-q", wheel], check=True, env=environment)
    done = subprocess.run([python, "-m", "refpcm.golden", "check", "--adapter", "my_adapter"], cwd=tmp_path, text=True,
                          env={**environment, "REFPCM_CACHE": str(tmp_path / "cache")}, capture_output=True)
    assert done.returncode == 0 and "211 cases, 7 passed, 0 failed" in done.stdout, done.stdout + done.stderr
    assert time.monotonic() - began < 60 * MINUTES
