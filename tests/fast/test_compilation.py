"""The disk cache of compiled kernels, and other CPUs than this one: each in a process of its own."""

import os
import pickle
import platform
import subprocess
import sys

import pytest

CODE = """
import numpy as np
from refpcm.fast.kernels import head
from refpcm.fast.threads import run_tasks
x = np.arange(40, dtype=np.float32).reshape(2, 20)
out = np.zeros((2, 2), np.float32)
run_tasks(head.linear, 2, x, x, np.zeros(2, np.float32), out)
assert np.array_equal(out, x @ x.T)
"""


def python(code, **environment):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, **{name: str(value) for name, value in environment.items()}})
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_second_process_finds_the_kernels_of_the_first(tmp_path):
    assert "compiling" in python(CODE, REFPCM_CACHE=tmp_path)
    assert list((tmp_path / "kernels").glob("*/*.nbc"))
    assert python(CODE, REFPCM_CACHE=tmp_path) == ""


def test_another_version_of_the_sources_does_not_use_them(tmp_path):
    python(CODE, REFPCM_CACHE=tmp_path)
    newer = "import refpcm\nrefpcm.__version__ = '99'\n" + CODE
    assert "compiling" in python(newer, REFPCM_CACHE=tmp_path)


def test_without_a_writable_folder_kernels_still_work(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    python(CODE, REFPCM_CACHE=tmp_path / "file")


def test_a_user_without_a_home_compiles_in_every_process():
    homeless = """
import pathlib
def home():
    raise RuntimeError("no home")
pathlib.Path.home = home
"""
    python(homeless + CODE, REFPCM_CACHE="", XDG_CACHE_HOME="")


def test_damaged_entries_are_compiled_anew(tmp_path):
    python(CODE, REFPCM_CACHE=tmp_path)
    for entry in (tmp_path / "kernels").glob("*/*.nb[ci]"):
        entry.write_bytes(entry.read_bytes()[:40])
    python(CODE, REFPCM_CACHE=tmp_path)


def test_a_flipped_bit_in_machine_code_is_found_before_it_runs(tmp_path):
    python(CODE, REFPCM_CACHE=tmp_path)
    entries = sorted((tmp_path / "kernels").glob("*/*.nbc"))
    for entry in entries:
        content = bytearray(entry.read_bytes())
        content[len(content) // 2] ^= 1
        entry.write_bytes(content)
    assert "compiling" in python(CODE, REFPCM_CACHE=tmp_path)
    assert python(CODE, REFPCM_CACHE=tmp_path) == ""


def test_a_planted_entry_is_not_unpickled(tmp_path):
    """Its digest is not in the list; without the list nothing is believed either."""
    python(CODE, REFPCM_CACHE=tmp_path)
    index = next((tmp_path / "kernels").glob("*/*linear-*.nbi"))
    planted = pickle.dumps(("version", Planted(tmp_path / "ran")))
    for listed in (True, False):
        index.write_bytes(planted)
        if not listed:
            index.with_name(index.name + ".sha256").unlink()
        python(CODE, REFPCM_CACHE=tmp_path)
        assert not (tmp_path / "ran").exists()


class Planted:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="wants POSIX permissions")
def test_a_folder_that_others_may_write_is_not_used_with_a_word(tmp_path):
    python(CODE, REFPCM_CACHE=tmp_path)
    folder, = (tmp_path / "kernels").iterdir()
    folder.chmod(0o777)
    assert "may be written by others" in python(CODE, REFPCM_CACHE=tmp_path)


@pytest.mark.parametrize("setting", [{"NUMBA_DISABLE_JIT": "1"}, {"NUMBA_OPT": "0"}, {"NUMBA_NUM_THREADS": "0"}])
def test_settings_of_numba_that_cannot_work_get_a_sentence(setting, tmp_path):
    done = subprocess.run([sys.executable, "-m", "refpcm.train", "--epochs", "1", "--out", tmp_path / "run"],
                          capture_output=True, text=True, env={**os.environ, **setting, "REFPCM_CACHE": str(tmp_path)})
    assert done.returncode == 2 and done.stderr.startswith("error: NUMBA_") and "Traceback" not in done.stderr


@pytest.mark.slow  # a whole step on such a CPU is in test_engine.py
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names an x86 CPU")
def test_kernels_are_right_on_a_cpu_without_avx512(tmp_path):
    code = """
import sys
sys.path.insert(0, "tests/fast/kernels")
from test_conv_kernels import SHAPES, test_forward_is_exact_up_to_rounding as forward
from test_conv_kernels import test_gradients_are_exact_up_to_rounding as gradients
from refpcm.fast.kernels import conv
from test_winograd import SHAPES as WINOGRAD_SHAPES, test_forward_and_input_gradient_are_exact_up_to_rounding as both
from test_winograd import test_weight_gradient_is_exact_up_to_rounding as weights
from test_winograd4 import SHAPES as SHAPES_4, test_forward_and_input_gradient_are_exact_up_to_rounding as both_4
for shape in SHAPES:
    forward(shape), gradients(shape)
for shape in WINOGRAD_SHAPES:
    both(*shape), weights(*shape)
for shape in SHAPES_4:
    both_4(*shape)
assert "zmm" not in "".join(conv.convolve_rows.inspect_asm().values())
"""
    python(code, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="+avx2,+fma,+avx,+sse4.2,+popcnt,+bmi,+bmi2")
