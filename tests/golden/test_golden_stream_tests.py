"""refpcm.golden.stream_tests: independent rows pass, and rows that repeat a part of one another are named with the shift."""

import re

import numpy as np
import pytest

from refpcm.golden.case import Output, Tolerance
from refpcm.golden.compare import compare

ALPHA, ROWS, N = 1e-6, 6, 20_000
MU, SIGMA = np.linspace(-1, 2, ROWS), np.linspace(0.1, 0.6, ROWS)
Z = np.random.default_rng(5).standard_normal((ROWS, N))


def judged(z, kind="streams"):
    values = MU[:, None] + SIGMA[:, None] * z
    expected = {"mu": MU, "sigma": SIGMA} if kind == "streams-normal" else {}
    return compare(Output("x", "float64", values.shape, "1", Tolerance(kind, ALPHA, ""), expected), values)


@pytest.mark.parametrize("kind", ["streams", "streams-normal"])
def test_independent_rows_pass(kind):
    verdict = judged(Z, kind)
    assert verdict.ok and 0.5 < verdict.used < 0.9  # the largest of 360,015 correlations


@pytest.mark.parametrize("shift", [1, -1, 17, -400, 9_000, -9_000, 0])
def test_a_row_that_is_another_one_moved_on_is_named_with_the_shift(shift):
    long = np.random.default_rng(6).standard_normal(2 * N)
    z = Z.copy()
    z[1], z[4] = long[N // 2:N // 2 + N], long[N // 2 - shift:N // 2 - shift + N]
    verdict = judged(z)
    assert not verdict.ok and verdict.index == (1, 4) and abs(verdict.actual) > 0.98
    row = "second" if shift >= 0 else "first"
    assert verdict.reason == f"correlation of the two rows, the {row} from its number {abs(shift)} on"


def test_a_row_with_a_period_is_found():
    z = Z.copy()
    z[3] = np.tile(z[3, :500], N // 500)
    verdict = judged(z)
    assert not verdict.ok and verdict.index == (3, 3)
    shift = re.fullmatch(r"correlation of the row with itself from its number (\d+) on", verdict.reason)[1]
    assert int(shift) % 500 == 0


def test_correlations_of_0_12_over_half_a_row_are_found_and_small_ones_are_not():
    """0.12 is what the page states."""
    found = []
    for share in (0.12, 0.03):
        z = Z.copy()
        z[2, N // 2:] = share * z[0, :N // 2] + np.sqrt(1 - share ** 2) * z[2, N // 2:]
        found.append(judged(z).ok)
    assert found == [False, True]


@pytest.mark.parametrize("change, what", [
    (lambda z: z - z.mean(1, keepdims=True), "means"), (lambda z: z / z.std(1, keepdims=True), "variances"),
    (lambda z: z + 0.03 * (-1.0) ** np.arange(ROWS)[:, None], "means"), (lambda z: 1.04 * z, "variances")])
def test_rows_that_are_too_even_or_too_uneven_are_found(change, what):
    verdict = judged(change(Z), "streams-normal")
    assert not verdict.ok and verdict.reason.startswith(f"sum of the squares of the rows' {what}")


def test_a_row_of_equal_numbers_is_not_random():
    z = Z.copy()
    z[4] = 0.25
    assert not judged(z, "streams-normal").ok
    assert (judged(z).ok, judged(z).index, judged(z).reason) == (False, (4,), "a row of equal numbers")
