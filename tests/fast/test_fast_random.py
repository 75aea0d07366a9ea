"""refpcm.fast.random, refpcm.fast.outside: the branches of the quick normals, at chosen words and starts, on other CPUs."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

from refpcm.fast import random as fast
from refpcm.fast.outside import GROUP, positions_outside
from refpcm.fast.random import CENTRE_FIRST, CENTRE_LAST, PART, chunk_normals, normal_at, normals_of_words, uniform_at
from refpcm.spec import random
from tests.threads import on_threads

SEAMS = [word + d for word in (0, CENTRE_FIRST, 2 ** 31, CENTRE_LAST, 2 ** 32 - 1) for d in range(-3, 4)
         if 0 <= word + d < 2 ** 32]
RANDOM = np.random.default_rng(0).integers(0, 2 ** 32, PART, np.uint32)
CASES = {"seams": SEAMS, "all in the centre": [2 ** 31] * 50, "all in the low tail": [5] * 50,
         "all in the high tail": [2 ** 32 - 9] * 50, "random": RANDOM, "one": [0], "none": []}


def padded(words, fill):
    """The words and more of another kind up to a multiple of GROUP."""
    return np.concatenate([words, np.full(-len(words) % GROUP, fill)]).astype(np.uint32)


def normals_of(words, fill=0):
    given, out = padded(words, fill), np.empty(len(words))
    normals_of_words(given, np.empty(given.size + GROUP, np.int32), np.empty(given.size), out)
    return out


def every_case():
    """Against the specification; also run by another process for another CPU."""
    for words in CASES.values():
        expected = random.normal_quantile((np.array(words, np.uint32) + 0.5) / 2.0 ** 32)
        for fill in (0, 2 ** 31, 2 ** 32 - 1):
            assert normals_of(words, fill).tobytes() == expected.tobytes()


def every_start():
    address = (1, 2, 16, 3, 4)
    whole = random.normals(*address, 2 ** 34, 3 * PART)
    for start in (0, 1, 2, 3, PART - 1, PART, PART + 5):
        for count in (1, 2, GROUP - 1, GROUP, GROUP + 1, PART - 1, PART, PART + 1, PART + GROUP + 3):
            for dtype in (np.float64, np.float32):
                out = np.full(count + 2, 7, dtype)
                chunk_normals(*address, 2 ** 34 + start, out[1:-1])
                assert np.array_equal(out[1:-1], whole[start:start + count].astype(dtype))
                assert out[0] == out[-1] == 7


def test_the_seam_is_where_the_definition_puts_it():
    assert all(abs((word + 0.5) / 2 ** 32 - 0.5) <= 0.425 for word in (CENTRE_FIRST, CENTRE_LAST))
    assert all(abs((word + 0.5) / 2 ** 32 - 0.5) > 0.425 for word in (CENTRE_FIRST - 1, CENTRE_LAST + 1))


def test_chosen_words_give_the_bits_of_the_specification():
    every_case()


def test_any_start_and_length_give_that_part_of_the_sequence_and_nothing_beside():
    every_start()


@pytest.mark.parametrize("low, high", [(0, 0), (10, 2 ** 32 - 11), (0, 2 ** 32 - 1), (2 ** 31, 2 ** 31 + 2 ** 20)])
def test_positions_outside_are_found_in_order(low, high):
    words = padded([*SEAMS, *RANDOM], 0)
    where = np.empty(words.size + GROUP, np.int32)
    expected = np.flatnonzero((words < low) | (words > high))
    assert np.array_equal(where[:positions_outside(words, low, high - low, where)], expected)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 CPUs")
@pytest.mark.parametrize("cpu, features", [
    ("haswell", "+avx2,+fma,+avx,+sse4.2,+popcnt,+bmi,+bmi2"), pytest.param("x86-64", "+sse2", marks=pytest.mark.slow)])
def test_normals_are_the_same_bits_on_cpus_without_avx512(cpu, features, tmp_path):
    code = ("import sys; sys.path.insert(0, 'tests/fast'); import test_fast_random as t\n"
            "t.every_case(); t.every_start(); text = ''.join(t.normals_of_words.inspect_asm().values())\n"
            "assert 'zmm' not in text and 'vfm' not in text")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, "NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features,
                               "REFPCM_CACHE": str(tmp_path)})
    assert done.returncode == 0, done.stderr


ADDRESS = (1, 2, random.Purpose.PROGRAMMING, 3, 4)


@pytest.mark.parametrize("start, count", [(0, 100_003), (3, 50_000), (1, 1), (4095, 4099), (2 ** 33 + 1, 9),
                                          (2 ** 63 + 2, 5), (2 ** 64 - 7, 7), (5, 0)])
def test_every_function_agrees_with_the_specification_bit_for_bit(start, count):
    for name in ("words", "uniforms"):
        assert np.array_equal(getattr(fast, name)(*ADDRESS, start, count), getattr(random, name)(*ADDRESS, start, count))
    for dtype in (np.float64, np.float32):
        found = fast.normals(*ADDRESS, start, count, dtype)
        assert found.dtype == dtype and np.array_equal(found, random.normals(*ADDRESS, start, count, dtype))
    assert np.array_equal(fast.permutation(*ADDRESS, count), random.permutation(*ADDRESS, count))


def test_kernel_functions_agree_with_the_bulk_forms_bit_for_bit():
    address = tuple(int(a) for a in ADDRESS)
    indices = range(2 ** 34 + 1, 2 ** 34 + 501)
    assert [normal_at(*address, i) for i in indices] == list(random.normals(*ADDRESS, 2 ** 34 + 1, 500))
    assert [uniform_at(*address, i) for i in indices] == list(random.uniforms(*ADDRESS, 2 ** 34 + 1, 500))


def test_the_number_of_threads_does_not_matter():
    one, two = on_threads((1, 2), lambda: fast.normals(1, 2, 16, 3, 4, 5, 300_001).tobytes())
    assert one == two
