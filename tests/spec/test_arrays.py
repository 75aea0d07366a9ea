"""refpcm.spec.arrays: integers keep their magnitude at every boundary; masks and imaginary parts are not lost in silence."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast import chip as fast
from refpcm.spec.arrays import real_numbers
from refpcm.spec.compensation.global_drift import readout
from refpcm.spec.pcm import chip as specification
from refpcm.spec.pcm.converters import Converter, codes, convert, saturated
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.pcm.mapping import largest_weight, to_conductances

SMALLEST = {"int8": -128, "int16": -32768, "int32": -2 ** 31, "int64": -2 ** 53}


@pytest.mark.parametrize("dtype, lowest", SMALLEST.items())
def test_the_smallest_integer_is_the_largest_weight(dtype, lowest):
    matrix = np.array([[lowest, lowest // -2]], dtype)
    assert largest_weight(matrix) == -float(lowest)
    assert to_conductances(matrix, largest_weight(matrix), 25.0).max() == 25.0
    assert readout("one_hot", np.ones((2, 1, 2)), matrix) == -0.75 * lowest
    for form in (fast, specification):
        chip = form.program({"m": matrix}, JOSHI2020, 1, 2)
        assert chip.crossbars[0].w_max == -float(lowest) and chip.crossbars[0].g_target_us.max() == 25.0
    assert specification.chip_hash(fast.program({"m": matrix}, JOSHI2020, 1, 2)) == specification.chip_hash(
        specification.program({"m": matrix.astype(np.float64)}, JOSHI2020, 1, 2))


def test_converters_take_integers_for_the_numbers_they_are():
    x = np.array([-128, 64, 3], np.int8)
    np.testing.assert_array_equal(codes(x, Converter(8), 100.0), codes(x.astype(float), Converter(8), 100.0))
    np.testing.assert_array_equal(convert(x, Converter(8), 100.0), convert(x.astype(float), Converter(8), 100.0))
    assert saturated(x, Converter(8), 100.0) == 1


@pytest.mark.parametrize("array, words", [
    (np.ma.masked_array([[1.0, 2.0]], [[True, False]]), "masked"), (np.array([[1j]]), "complex128"),
    (np.array([["1"]]), "real numbers"), (np.array([[None]]), "object")])
def test_what_would_lose_a_part_in_silence_is_refused(array, words):
    for use in (lambda a: real_numbers(a, "x"), largest_weight, lambda a: codes(a, Converter(8), 1.0),
                lambda a: fast.program({"m": a}, JOSHI2020, 1, 2), lambda a: readout("ones", np.ones((2, 1, 1)), a)):
        with pytest.raises(RefpcmError, match=words):
            use(array)


def test_weights_beyond_float32_are_refused_instead_of_becoming_infinite():
    for form in (fast, specification):
        with pytest.raises(RefpcmError, match="beyond float32"):
            form.program({"m": np.array([[1e39]])}, JOSHI2020, 1, 2)
