"""Schedules against their closed forms."""

from math import sqrt

import pytest

from refpcm.errors import RefpcmError
from refpcm.spec.training.schedules import SCHEDULES, learning_rate


def test_constant_stays():
    assert learning_rate("constant", 0.1, 77, 100) == 0.1


@pytest.mark.parametrize("epoch, lr", [
    (0, 0.1), (59, 0.1), (60, 0.02), (119, 0.02), (120, 0.004), (159, 0.004), (160, 0.0008), (199, 0.0008)])
def test_multi_step_is_the_wide_resnet_schedule(epoch, lr):
    assert learning_rate("multi-step", 0.1, epoch, 200) == pytest.approx(lr, rel=1e-12)


@pytest.mark.parametrize("epoch, lr", [
    (0, 0.1), (49, 0.1), (50, 0.01), (99, 0.01), (100, 1e-3), (149, 1e-3), (150, 1e-4), (199, 1e-4)])
def test_step_divides_by_ten_every_50_of_200_epochs(epoch, lr):
    assert learning_rate("step", 0.1, epoch, 200) == pytest.approx(lr, rel=1e-12)


def test_cosine_starts_full_is_half_midway_and_ends_near_zero():
    assert learning_rate("cosine", 1, 0, 100) == 1
    assert learning_rate("cosine", 1, 50, 100) == pytest.approx(0.5)
    assert learning_rate("cosine", 1, 99, 100) == pytest.approx(0.000246719817, rel=1e-9)  # (1 + cos(0.99 pi)) / 2


def test_one_cycle_rises_from_a_25th_to_the_peak_and_falls_to_a_10000th():
    rates = [learning_rate("one-cycle", 0.2, step, 1000) for step in range(1000)]
    changes = [after - before for before, after in zip(rates, rates[1:])]
    assert rates[0] == pytest.approx(0.2 / 25) and rates[300] == 0.2 == max(rates)
    assert rates[-1] == pytest.approx(0.2e-4, rel=0.1)
    assert min(changes[:300]) > 0 > max(changes[300:])
    assert rates[75] == pytest.approx(0.2 * (1 - 24 / 25 * (1 + sqrt(0.5)) / 2), rel=1e-12)  # half a cosine up,
    assert rates[150] == pytest.approx(0.2 * (1 / 25 + 1) / 2, rel=1e-12)
    assert rates[650] == pytest.approx(0.2 * (1 + 1e-4) / 2, rel=1e-12)  # and half a cosine down


def test_warm_up_is_linear_and_ends_at_the_schedule():
    assert [learning_rate("constant", 1, step, 10, warmup=4) for step in range(5)] == [0.25, 0.5, 0.75, 1, 1]


def test_warm_up_multiplies_a_schedule_that_has_begun():
    assert learning_rate("cosine", 1, 5, 100, warmup=10) == pytest.approx(0.6 * learning_rate("cosine", 1, 5, 100), rel=1e-15)
    assert learning_rate("cosine", 1, 10, 100, warmup=10) == learning_rate("cosine", 1, 10, 100) < 1


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_defined_for_a_run_of_one_step(name):
    assert 0 < learning_rate(name, 0.1, 0, 1) <= 0.1


def test_an_unknown_schedule_is_refused_with_the_known_ones():
    with pytest.raises(RefpcmError, match="cosine"):
        learning_rate("stairs", 0.1, 0, 1)
