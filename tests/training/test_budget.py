"""The number of epochs that fit in a time budget, by a clock that is told what to say."""

import dataclasses
from math import inf

import pytest

from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.spec.training.config import TrainingConfig
from refpcm.training import budget, loop

CONFIG = TrainingConfig(batch_size=32, epochs=inf)


@pytest.fixture
def state_and_data(monkeypatch):
    """A run on 320 images, 10 steps an epoch, each of which takes a second of a clock that nothing else moves."""
    whole, clock = load(), [100.0]
    for name in ("monotonic", "perf_counter"):
        monkeypatch.setattr(budget.time, name, lambda: clock[0])

    def train(copy, dataset, after_step, after_epoch):
        for _ in range(1000):
            clock[0] += 1.0
            if after_step(copy, 1000):
                return
    monkeypatch.setattr(budget.loop, "train", train)
    data = dataclasses.replace(whole, train_images=whole.train_images[:320], train_labels=whole.train_labels[:320])
    return loop.start(CONFIG, 10, "data"), data


@pytest.mark.parametrize("seconds, validation, epochs", [
    (100.0, 0, 8.7),    # the rehearsal takes 10 s: 97 - 10 = 87 steps are left
    (100.0, 160, 7.5),  # an epoch costs as much as one of 320 + 0.3 * 160 images
    (10.0, 0, 0.5)])    # 9.7 - 4 s: 5 whole steps
def test_what_is_planned_fits(state_and_data, seconds, validation, epochs):
    state, data = state_and_data
    assert budget.plan(state, data, validation, seconds, 100.0).epochs == epochs


def test_no_more_is_planned_than_is_left_of_the_schedule(state_and_data):
    state, data = state_and_data
    state.config = dataclasses.replace(CONFIG, schedule="step", schedule_epochs=8.0, schedule_start=2.0)
    assert budget.plan(state, data, 0, 1000.0, 100.0).epochs == 6.0


def test_no_more_is_planned_than_the_epochs_asked_for(state_and_data):
    state, data = state_and_data
    state.config = dataclasses.replace(CONFIG, epochs=5.5)
    assert budget.plan(state, data, 0, 1000.0, 100.0).epochs == 5.5
    assert budget.plan(state, data, 0, 50.0, 100.0).epochs < 5.5


def test_less_than_a_tenth_of_an_epoch_is_not_rounded_up(state_and_data):
    state, data = state_and_data
    state.config = dataclasses.replace(CONFIG, batch_size=1)
    assert budget.plan(state, data, 0, 10.0, 100.0).epochs == 5 / 320


def test_more_time_than_there_are_random_numbers_is_refused(state_and_data):
    state, data = state_and_data
    with pytest.raises(RefpcmError, match="more than 2.32 steps; give less"):
        budget.plan(state, data, 0, 1e308, 100.0)


def test_no_time_for_a_step_is_said(state_and_data):
    state, data = state_and_data
    with pytest.raises(RefpcmError, match="give more time"):
        budget.plan(state, data, 0, 4.9, 100.0)


@pytest.mark.parametrize("validation, epochs", [
    (0, 8.3),     # the statistics of the averaged weights cost 0.3 epochs once: a hair below 8.7 - 0.3
    (160, 6.5)])  # and before the validation of each of 3 epochs: (8.7 - 0.3 * 4) / 1.15
def test_what_averaging_costs_is_planned_for(state_and_data, validation, epochs):
    state, data = state_and_data
    state.config = dataclasses.replace(CONFIG, average_epochs=3.0)
    assert budget.plan(state, data, validation, 100.0, 100.0).epochs == epochs


def test_averaged_epochs_that_do_not_fit_are_refused(state_and_data):
    state, data = state_and_data
    state.config = dataclasses.replace(CONFIG, average_epochs=50.0)
    with pytest.raises(RefpcmError, match="--time-budget: average_epochs = 50.0 must be at most"):
        budget.plan(state, data, 0, 100.0, 100.0)
