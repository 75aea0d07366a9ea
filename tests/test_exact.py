"""The disk cache of the exact kernels may only save time."""

import os
import subprocess
import sys

import pytest

CODE = "from refpcm import rng; print(rng.normals(1, 2, 3, 4, 5, 0, 4).tobytes().hex())"


def normals(cache):
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True,
                          env={**os.environ, "REFPCM_CACHE": str(cache)})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow  # tests/kernels/test_cache.py has a quicker one
def test_damaged_entries_are_compiled_anew(tmp_path):
    whole = normals(tmp_path)
    files = [path for path in tmp_path.rglob("*.nb*")]
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[:40])
    assert normals(tmp_path) == whole
