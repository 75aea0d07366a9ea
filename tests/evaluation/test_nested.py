"""refpcm.evaluation.nested and times: closed forms, coverage, refusals."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.nested import normalised_accuracy, summarise, summarise_shares
from refpcm.evaluation.one_chip import interval_of_one_chip
from refpcm.times import EXAMPLE, parse_times, time_text


def test_a_small_example_by_hand():
    """Chip means 2 and 5; MS_read = 2, MS_chip = 9, so sigma_chip^2 = 3.5; t(0.975, 1) = 12.706."""
    s = summarise([[1, 3], [4, 6]])
    assert (s.mean, s.chips, s.reads) == (3.5, 2, 2)
    np.testing.assert_allclose([s.sigma_read ** 2, s.sigma_chip ** 2, s.std ** 2], [2, 3.5, 5.5])
    np.testing.assert_allclose([s.low, s.high], 3.5 + np.array([-1, 1]) * 12.7062047 * 1.5, rtol=1e-8)


def test_estimates_and_interval_are_right_on_average():
    """4,000 designs of 6 chips and 3 reads: variances within 5 %, coverage of the 95 % interval within 1.5 %."""
    rng = np.random.default_rng(0)
    runs = [summarise(0.9 + 0.02 * rng.standard_normal((6, 1)) + 0.01 * rng.standard_normal((6, 3)))
            for _ in range(4000)]
    assert np.mean([s.sigma_read ** 2 for s in runs]) == pytest.approx(1e-4, rel=0.05)
    assert np.mean([s.sigma_chip ** 2 for s in runs]) == pytest.approx(4e-4, rel=0.05)
    assert np.mean([s.low <= 0.9 <= s.high for s in runs]) == pytest.approx(0.95, abs=0.015)


def test_with_reads_alone_the_interval_of_one_chip_is_about_twice_as_wide():
    """Three chips that do not differ, ten reads each: 95 % of reads lie within 1.96."""
    accuracies = 0.5 + 0.01 * np.random.default_rng(3).standard_normal((2000, 3, 10))
    widths = [high - low for low, high in map(interval_of_one_chip, accuracies)]
    assert np.median(widths) / (2 * 1.96 * 0.01) == pytest.approx(2.3, abs=0.2)


@pytest.mark.parametrize("reads, least, most", [(1, 0.94, 0.96), (3, 0.945, 0.975)])
def test_one_more_chip_lies_in_its_interval_as_often_as_promised(reads, least, most):
    """4,000 designs of 5 chips: exact for one read a chip, a little too wide for three."""
    rng = np.random.default_rng(2)
    accuracies = 0.7 + 0.02 * rng.standard_normal((4000, 6, 1)) + 0.01 * rng.standard_normal((4000, 6, reads))
    inside = [low <= one[5, 0] <= high for one in accuracies for low, high in [interval_of_one_chip(one[:5])]]
    assert least < np.mean(inside) < most


def test_the_interval_of_one_chip_by_hand_and_its_limits():
    """Three chips: mean 0.5, std 0.1, t(0.975, 2) = 4.3027, half 4.3027 * 0.1 * sqrt(4 / 3)."""
    np.testing.assert_allclose(interval_of_one_chip([[0.4], [0.5], [0.6]]), 0.5 + np.array([-1, 1]) * 0.49682754, atol=1e-8)
    assert interval_of_one_chip([[0.1], [0.5], [0.9]]) == (0.0, 1.0) and interval_of_one_chip([[0.4], [0.5]]) is None


def test_what_cannot_be_estimated_is_none():
    one_chip, one_read, both = summarise([[0.5, 0.7]]), summarise([[0.5], [0.7]]), summarise([[0.5]])
    assert one_chip.sigma_read is not None and one_chip.low is None and one_chip.sigma_chip is None
    assert one_read.sigma_read is None and one_read.std == pytest.approx(np.std([0.5, 0.7], ddof=1))
    assert (both.mean, both.std, both.low) == (0.5, None, None)


def test_intervals_of_accuracies_stay_within_0_and_1_and_are_otherwise_students():
    near_one, near_zero, inside = [[0.99], [1.0], [0.95]], [[0.0], [0.02], [0.0]], [[0.90], [0.91], [0.92]]
    assert summarise(near_one).high > 1.0 and summarise(near_zero).low < 0.0
    assert summarise_shares(near_one).high == 1.0 and summarise_shares(near_zero).low == 0.0
    assert summarise_shares(near_one).low == summarise(near_one).low
    assert summarise_shares(inside) == summarise(inside)


def test_truncation_leaves_the_coverage_as_it_is():
    """4,000 designs of 4 chips near 1: the truncated interval covers the mean exactly as often as the whole one."""
    rng = np.random.default_rng(1)
    designs = [np.minimum(0.98 + 0.02 * rng.standard_normal((4, 1)), 1.0) for _ in range(4000)]
    mean = np.mean([design.mean() for design in designs])
    whole, cut = ([form(design).low <= mean <= form(design).high for design in designs]
                  for form in (summarise, summarise_shares))
    assert whole == cut and np.mean(cut) > 0.85


def test_fewer_than_three_chips_get_no_interval_of_accuracies():
    two = summarise_shares([[0.5, 0.6], [0.7, 0.8]])
    assert two.low is None and two.high is None and two.sigma_chip is not None
    assert summarise_shares([[0.5], [0.6], [0.7]]).low is not None


def test_a_negative_variance_estimate_counts_as_zero():
    assert summarise([[0.4, 0.6], [0.6, 0.4]]).sigma_chip == 0.0


def test_normalised_accuracy_is_1_in_software_and_0_when_guessing():
    assert normalised_accuracy(0.94, 0.94, 10) == 1.0 and normalised_accuracy(0.1, 0.94, 10) == 0.0
    assert normalised_accuracy(0.3, 0.1, 10) is None and normalised_accuracy(0.3, 0.05, 10) is None


@pytest.mark.parametrize("text, seconds", [
    (EXAMPLE, (25.0, 3600.0, 86400.0, 2592000.0, 31536000.0)), ("1 hour, 30 min 1.5 h", (1800.0, 3600.0, 5400.0)),
    ("2days,1d", (86400.0, 172800.0)), ("60s, 1min", (60.0,)), ("1e3s", (1000.0,)), ("2 years", (63072000.0,))])
def test_times_are_read_with_units(text, seconds):
    assert parse_times(text) == seconds


@pytest.mark.parametrize("text", ["", "25", "h", "1 fortnight", "-1h", "1h,,x", "1h;2h", "nan s", "30000ms", "1M"])
def test_what_is_no_time_is_refused_with_the_units(text):
    with pytest.raises(RefpcmError, match="s, min, h, day, month, year"):
        parse_times(text)


def test_times_are_told_in_the_largest_whole_unit():
    assert [time_text(t) for t in parse_times(EXAMPLE)] == ["25 s", "1 h", "1 day", "1 month", "1 year"]
    assert time_text(90.0) == "90 s" and time_text(0.5) == "0.5 s"
    assert time_text(1234567.5) == "1234567.5 s" and time_text(1e15 + 1) == "1000000000000001 s"
