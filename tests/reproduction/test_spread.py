"""Means, spreads and 95 % intervals of accuracies: over trainings, else over draws, and of paired differences."""


import numpy as np
import pytest
from scipy.stats import t

from refpcm.reproduction.comparison import paired
from refpcm.reproduction.output import interval
from refpcm.reproduction.spread import spread, spread_of_differences


def test_spread_over_training_runs_is_students_interval_of_their_means():
    values = np.random.default_rng(0).normal(0.9, 0.01, (4, 5, 3))
    found, means = spread(values), values.mean((1, 2))
    half = t.ppf(0.975, 3) * means.std(ddof=1) / 2
    assert found["mean"] == pytest.approx(means.mean())
    assert [found["low"], found["high"]] == pytest.approx([means.mean() - half, means.mean() + half])
    assert (found["interval_over"], found["runs"], found["draws"], found["reads"]) == ("runs", 4, 5, 3)
    assert found["std_draw"] == pytest.approx(values.mean(2).var(axis=1, ddof=1).mean() ** 0.5)


def test_with_one_training_run_the_interval_is_over_its_draws_and_says_so():
    found = spread([[[0.6], [0.7], [0.8]]])
    assert found["interval_over"] == "draws" and found["std_run"] is None and found["std_draw"] == pytest.approx(0.1)
    assert found["high"] - found["mean"] == pytest.approx(t.ppf(0.975, 2) * 0.1 / 3 ** 0.5)
    reads = spread([[[0.8, 0.7], [0.9, 1.0], [1.0, 1.0]]])  # chips of 0.75, 0.95, 1.0
    assert reads["std_draw"] == pytest.approx(np.std([0.75, 0.95, 1.0], ddof=1)) and reads["reads"] == 2
    assert spread([[[0.8]]])["low"] is None and spread([[[0.8]]])["interval_over"] is None


def test_a_difference_is_paired_before_its_interval_is_taken():
    """Three trainings of two chips that differ much, but by the same from one network to the other."""
    base = np.array([[0.5, 0.9], [0.6, 0.7], [0.6, 0.6]])[:, :, None]
    one, other = spread(base + np.array([[[0.01]], [[0.02]], [[0.03]]])), spread(base)
    text, values = paired(one, other)
    half = t.ppf(0.975, 2) * 0.01 / 3 ** 0.5
    assert values == pytest.approx({"difference": 0.02, "low": 0.02 - half, "high": 0.02 + half})
    assert text == f"+2.00 % ({2 - 100 * half:+.2f} .. {2 + 100 * half:+.2f})"
    assert paired(one, spread([[[0.6]], [[0.7]]])) == (
        "+2.00 % (not paired)", {"difference": pytest.approx(0.02), "low": None, "high": None})
    two = [spread(base[:2] + step) for step in (0.01, 0.0)]
    assert paired(*two) == ("+1.00 %", {"difference": pytest.approx(0.01), "low": None, "high": None})
    digital = spread([[[0.5]], [[0.6]], [[0.6]]])  # one accuracy a training
    assert paired(one, digital)[1]["difference"] == pytest.approx(0.31 / 3)


def test_an_interval_of_accuracies_stays_within_0_to_100_percent_and_that_of_differences_does_not():
    near_one, near_zero = [[[1.0]], [[1.0]], [[0.97]]], [[[0.0]], [[0.0]], [[0.03]]]
    assert spread(near_one)["high"] == 1.0 and spread(near_zero)["low"] == 0.0
    assert spread([[[1.0], [1.0], [0.97]]])["high"] == 1.0
    assert spread_of_differences(near_zero)["low"] < 0


def test_fewer_than_three_trainings_or_chips_of_one_get_no_interval():
    for values in ([[[0.8]], [[0.9]]], [[[0.8], [0.9]]]):
        for found in (spread(values), spread_of_differences(values)):
            assert (found["low"], found["high"], found["interval_over"]) == (None, None, None)


def test_bars_over_runs_and_over_draws_are_both_named():
    over = {key: {"interval_over": key} for key in ("runs", "draws", None)}
    assert interval(list(over.values())) == (
        "bars: 95 % intervals of the mean over training runs, or chips or inference runs of one training run")
    assert interval([over["runs"]]).endswith("training runs") and interval([over["draws"]]).endswith("one training run")
    assert interval([over[None]]).startswith("no bars")
