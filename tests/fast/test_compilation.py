"""The disk cache of compiled kernels, and other CPUs than this one: each in a process of its own."""

import os
import pickle
import platform
import shutil
import subprocess
import sys

import numpy as np
import pytest

from data_tools.writing import write

CODE = """
import numpy as np
from refpcm.fast.kernels import head
from refpcm.fast.threads import run_tasks
x = np.arange(40, dtype=np.float32).reshape(2, 20)
out = np.zeros((2, 2), np.float32)
run_tasks(head.linear, 2, x, x, np.zeros(2, np.float32), out)
assert np.array_equal(out, x @ x.T)
"""

# A kernel of 16 lanes, compiled in this process, since machine code out of the cache cannot be inspected.
REGISTERS = """
import numba.core.caching, numpy
from refpcm.fast.kernels import head
head.linear._cache = numba.core.caching.NullCache()
ones = numpy.ones((1, 20), numpy.float32)
head.linear(0, 1, ones, ones, ones[0], ones.copy())
text = "".join(head.linear.inspect_asm().values())
assert "ymm" in text and "zmm" not in text
"""


def python(code, **environment):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, **{name: str(value) for name, value in environment.items()}})
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The cache that a first process fills."""
    folder = tmp_path_factory.mktemp("first")
    assert "compiling" in python(CODE, REFPCM_CACHE=folder)
    assert list((folder / "kernels").glob("*/*.nbc"))
    return folder


@pytest.fixture
def filled(first, tmp_path):
    """A copy of it, for one test."""
    return shutil.copytree(first, tmp_path / "filled")


def test_the_second_process_finds_the_kernels_of_the_first(filled):
    assert python(CODE, REFPCM_CACHE=filled) == ""


def test_another_version_of_the_sources_does_not_use_them(filled):
    newer = "import refpcm\nrefpcm.__version__ = '99'\n" + CODE
    assert "compiling" in python(newer, REFPCM_CACHE=filled)


def test_without_a_writable_folder_kernels_still_work(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    said = python(CODE, REFPCM_CACHE=tmp_path / "file")
    assert said.count("compiled kernels cannot be kept") == 1 and "set REFPCM_CACHE to a folder of your own" in said


def test_a_folder_that_may_not_be_written_is_told_once():
    """Its error names a new file each time."""
    forbidden = """
import tempfile
def forbid(*_, **__):
    raise PermissionError(13, "Permission denied", f"tmp{len(names)}" + str(names.append(None)))
names = []
tempfile.TemporaryFile = forbid
"""
    said = python(forbidden + CODE)
    assert said.count("compiled kernels cannot be kept (Permission denied), so every command compiles them anew") == 1


def test_a_user_without_a_home_compiles_in_every_process():
    homeless = """
import pathlib
def home():
    raise RuntimeError("no home")
pathlib.Path.home = home
"""
    assert "compiled kernels cannot be kept" in python(homeless + CODE, REFPCM_CACHE="", XDG_CACHE_HOME="")


def test_damaged_entries_are_compiled_anew(filled):
    for entry in (filled / "kernels").glob("*/*.nb[ci]"):
        entry.write_bytes(entry.read_bytes()[:40])
    assert "compiling" in python(CODE, REFPCM_CACHE=filled)


def test_a_flipped_bit_in_machine_code_is_found_before_it_runs(filled):
    entries = sorted((filled / "kernels").glob("*/*.nbc"))
    for entry in entries:
        content = bytearray(entry.read_bytes())
        content[len(content) // 2] ^= 1
        entry.write_bytes(content)
    assert "compiling" in python(CODE, REFPCM_CACHE=filled)
    assert python(CODE, REFPCM_CACHE=filled) == ""


def test_a_planted_entry_is_not_unpickled(filled, tmp_path):
    """Its digest is not in the list; without the list nothing is believed either."""
    index = next((filled / "kernels").glob("*/*linear-*.nbi"))
    planted = pickle.dumps(("version", Planted(tmp_path / "ran")))
    for listed in (True, False):
        index.write_bytes(planted)
        if not listed:
            index.with_name(index.name + ".sha256").unlink()
        python(CODE, REFPCM_CACHE=filled)
        assert not (tmp_path / "ran").exists()


class Planted:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="wants POSIX permissions")
def test_a_folder_that_others_may_write_is_not_used_with_a_word(filled):
    folder, = (filled / "kernels").iterdir()
    folder.chmod(0o777)
    assert "may be written by others" in python(CODE, REFPCM_CACHE=filled)


@pytest.mark.parametrize("setting", [{"NUMBA_DISABLE_JIT": "1"}, {"NUMBA_OPT": "0"}, {"NUMBA_NUM_THREADS": "0"}])
def test_settings_of_numba_that_cannot_work_get_a_sentence(setting, tmp_path):
    """With a few images of its own: the built-in ones would have to be made first, and are 12,000."""
    images, labels = np.random.default_rng(0).integers(0, 256, (256, 3, 32, 32), np.uint8), np.zeros(256, np.uint8)
    arrays = {"train_images": images, "train_labels": labels, "test_images": images[:9], "test_labels": labels[:9]}
    write(tmp_path / "data", "few", ["one", "other"], arrays, {})
    done = subprocess.run([sys.executable, "-m", "refpcm.train", "--data", tmp_path / "data", "--epochs", "1",
                           "--validation-images", "0", "--batch-size", "32", "--out", tmp_path / "run"],
                          capture_output=True, text=True, env={**os.environ, **setting, "REFPCM_CACHE": str(tmp_path)})
    assert done.returncode == 2 and done.stderr.startswith("error: NUMBA_") and "Traceback" not in done.stderr


@pytest.mark.parametrize("layer", ["none", "tbb"])
def test_the_threading_layer_of_numba_does_not_matter(layer):
    """Only the number of threads is taken from Numba."""
    done = subprocess.run([sys.executable, "-m", "refpcm.golden", "check", "--self", "--level", "2"], capture_output=True, text=True,
                          env={**os.environ, "NUMBA_THREADING_LAYER": layer})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow  # a whole step on such a CPU is in test_engine.py
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names an x86 CPU")
def test_kernels_are_right_on_a_cpu_without_avx512(tmp_path):
    code = """
import sys
sys.path.insert(0, "tests/fast/kernels")
from test_conv_kernels import SHAPES, test_forward_is_exact_up_to_rounding as forward
from test_conv_kernels import test_gradients_are_exact_up_to_rounding as gradients
from test_winograd import SHAPES as WINOGRAD_SHAPES, test_forward_and_input_gradient_are_exact_up_to_rounding as both
from test_winograd import test_weight_gradient_is_exact_up_to_rounding as weights
from test_winograd4 import SHAPES as SHAPES_4, test_forward_and_input_gradient_are_exact_up_to_rounding as both_4
for shape in SHAPES:
    forward(shape), gradients(shape)
for shape in WINOGRAD_SHAPES:
    both(*shape), weights(*shape)
for shape in SHAPES_4:
    both_4(*shape)
""" + REGISTERS
    python(code, NUMBA_CPU_NAME="haswell", NUMBA_CPU_FEATURES="+avx2,+fma,+avx,+sse4.2,+popcnt,+bmi,+bmi2")
