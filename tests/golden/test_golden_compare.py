"""refpcm.golden.compare at the edges of its tolerances, which stand here as powers of two."""

import numpy as np
import pytest

from refpcm.golden.case import Case, Output, Tolerance
from refpcm.golden.compare import compare
from refpcm.golden.precision import judged_as

U = {"float64": 2.0 ** -53, "float32": 2.0 ** -24}
EXPECTED = np.array([3.0, -13 / 128])
BELOW = np.array([2.0, 1 / 16])  # powers of two next below their magnitudes: an ULP is 2 u times these
SCALE = np.array([8.0, 0.25])
UNITS = {"ulp": 2 * BELOW, "cus": SCALE}  # of the tolerance, in u
SHARES = (0.99, -0.99, 1.01, -1.01)  # of the tolerance that an error has


def elements(kind, value, dtype):
    """An Output of the two EXPECTED elements."""
    return Output("x", dtype, (2,), "1", Tolerance(kind, value, ""), {"value": EXPECTED, "scale": SCALE})


def in_float32(output):
    """The Output as it is judged with --precision float32."""
    return judged_as(Case("X", 1, "drifted", "", "", "", {}, (), (output,)), "float32").outputs[0]


def check_elements(output, kind, share, place):
    """An error of `share` of 100 units in one place is judged right."""
    error = np.zeros(2)
    error[place] = 100 * share * UNITS[kind][place] * U[output.dtype]
    verdict = compare(output, (EXPECTED + error).astype(output.dtype))
    assert verdict.ok == (abs(share) < 1) and verdict.index == (place,)
    assert verdict.used == pytest.approx(abs(share), rel=1e-12)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("dtype", U)
@pytest.mark.parametrize("kind", UNITS)
def test_an_element_may_be_off_by_its_tolerance_and_no_more(kind, dtype, share, place):
    check_elements(elements(kind, 100, dtype), kind, share, place)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("kind, stored", [("ulp", 99), ("cus", 100)])
def test_in_float32_one_ulp_more_is_allowed_and_as_many_cus(kind, stored, share):
    check_elements(in_float32(elements(kind, stored, "float64")), kind, share, 0)


# --- a probe: every fifth of 76 elements, of magnitudes 5, 1, 1, ... and signs + - + -, and three sums

TENSOR = np.where(np.arange(76) % 2, -1.0, 1.0)
TENSOR[0] = 5.0
VALUES = np.array([*TENSOR[::5], 4.0, TENSOR @ (1 + np.arange(76) / 97), 80.0])
SCALES = np.array([5.0] * 16 + [80.0, 160.0, 80.0])
CHANGES = {  # place: {element: change} that uses the tolerance 1 there, and less of it elsewhere
    "element [1, 16]": {35: 5},
    "sum": {2: 40, 3: 40},
    "sum of magnitudes": {2: 40, 3: -40},
    "weighted sum": {74: 160 * 97 / 72, 2: -160 * 97 / 72}}


@pytest.mark.parametrize("place", CHANGES)
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("dtype, judged", [("float64", "float64"), ("float32", "float32"), ("float64", "float32")])
def test_an_element_and_a_sum_of_a_probe_may_be_off_by_their_tolerance_and_no_more(dtype, judged, share, place):
    tolerance = 2.0 ** -12
    stored = tolerance if dtype == judged else tolerance * U[dtype] / U[judged]
    output = Output("x", dtype, (4, 19), "1", Tolerance("probe", stored, ""), {"value": VALUES, "scale": SCALES})
    tensor = TENSOR.copy()
    for element, change in CHANGES[place].items():
        tensor[element] += share * tolerance * change
    verdict = compare(output if dtype == judged else in_float32(output), tensor.reshape(4, 19).astype(judged))
    assert verdict.ok == (abs(share) < 1) and verdict.place == place
    assert verdict.used == pytest.approx(abs(share), rel=1e-3 if judged == "float32" else 1e-9)
