"""refpcm.golden.likeness: what wrong answers look like, and that right and unlike ones look like nothing."""

import numpy as np
import pytest

from refpcm.golden.likeness import likeness

EXPECTED = np.random.default_rng(0).normal(size=(2, 3, 4)) * 10
FLAT = EXPECTED.reshape(-1)


@pytest.mark.parametrize("answer, words", [
    (-EXPECTED, "with the other sign"), (EXPECTED[::-1], "with the first axis reversed"),
    (EXPECTED.reshape(-1, order="F").reshape(EXPECTED.shape), "column by column"),
    (np.roll(FLAT, -1).reshape(EXPECTED.shape), "one place too early"),
    (np.roll(FLAT, 1).reshape(EXPECTED.shape), "one place too late"),
    (np.sort(FLAT).reshape(EXPECTED.shape), "in another order"), (1.01 * EXPECTED, "times 1.01"), (EXPECTED + 0.5, "plus 0.5"),
    (EXPECTED.astype(np.float32), "float32")])
def test_a_simple_relation_is_named(answer, words):
    assert words in likeness(answer, EXPECTED)


@pytest.mark.parametrize("answer, expected", [
    (EXPECTED ** 2, EXPECTED), (EXPECTED * (1 + 4e-16), EXPECTED), (np.full(4, np.nan), FLAT[:4]), (-np.ones(5), np.ones(5)),
    (np.array(2.0), np.array(1.0)), (np.zeros(0), np.zeros(0)), (np.zeros(5), np.arange(5.0)), (np.arange(1.0, 6), np.zeros(5))])
def test_nothing_is_told_of_other_answers_rounding_and_numbers_without_variety(answer, expected):
    assert likeness(answer, expected) == ""


def test_integers_are_compared_too():
    codes = np.array([-7, 3, 0, 5])
    assert "other sign" in likeness(-codes, codes)
