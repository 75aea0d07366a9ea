"""refpcm.inspection.causes: a switch changes its own part of a chip's state, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.evaluation.protocol import Protocol
from refpcm.inspection.causes import STATE_SWITCHES, causes_of, chip_with, conductances_with, mean_nu, protocol_with
from refpcm.spec.pcm.chip import program, read, read_conductances
from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.device import DEVICES, JOSHI2020
from refpcm.spec.pcm.drift import drifted_us

WEIGHTS = np.random.default_rng(0).normal(0, 0.1, (40, 30)).astype(np.float32)
WEIGHTS[0, :5] = 0.0  # pairs of which both devices are idle
EVERYTHING = causes_of(Protocol("n"))
T_S = 1e6


def chip_of(device=JOSHI2020):
    return program({"a": WEIGHTS, "b": 2 * WEIGHTS}, device, 3, 1)


def without(*causes):
    return [cause for cause in EVERYTHING if cause not in causes]


@pytest.mark.parametrize("cause, part, where", [
    ("programming noise", "g_prog_us", "target"), ("idle devices", "g_prog_us", "idle"),
    ("spread of nu", "nu", "all"), ("mean drift", "nu", "all")])
def test_a_switch_changes_only_its_own_part_of_the_state(cause, part, where):
    chip = chip_of()
    switched = chip_with(chip, without(cause))
    assert (switched.device, switched.seed, switched.chip) == (chip.device, chip.seed, chip.chip)
    for before, after in zip(chip.crossbars, switched.crossbars, strict=True):
        own = {"target": before.g_target_us > 0, "idle": before.g_target_us == 0, "all": np.ones_like(before.nu, bool)}
        for name in ("g_target_us", "g_prog_us", "nu"):
            was, now = getattr(before, name), getattr(after, name)
            same = ~own[where] if name == part else np.ones_like(own[where])
            assert now.dtype == was.dtype and np.array_equal(now[same], was[same])
        assert (getattr(after, part) != getattr(before, part))[own[where]].mean() > 0.4  # half of the idle devices are at 0
        assert (after.name, after.number, after.w_max) == (before.name, before.number, before.w_max)


def test_what_a_switch_puts_in_its_place():
    crossbar, device = chip_of().crossbars[0], JOSHI2020
    target, idle = crossbar.g_target_us > 0, crossbar.g_target_us == 0
    assert np.array_equal(STATE_SWITCHES["programming noise"](crossbar, device).g_prog_us[target],
                          crossbar.g_target_us[target])
    assert np.all(STATE_SWITCHES["idle devices"](crossbar, device).g_prog_us[idle] == 0)
    mean = curve_value(device.nu_mean, crossbar.g_target_us / 25.0).astype(np.float32)
    assert np.array_equal(STATE_SWITCHES["spread of nu"](crossbar, device).nu, mean)
    assert np.array_equal(STATE_SWITCHES["mean drift"](crossbar, device).nu, crossbar.nu - mean)


def test_stuck_devices_belong_to_the_cause_of_their_target():
    stuck = chip_of(replace(JOSHI2020, stuck_fraction=0.5)).crossbars[0]
    target, idle = stuck.g_target_us > 0, stuck.g_target_us == 0
    noiseless, without_idle = (STATE_SWITCHES[name](stuck, JOSHI2020).g_prog_us for name in ("programming noise", "idle devices"))
    assert (stuck.g_prog_us > 5)[idle].any()  # far beyond the noise of an idle device
    assert np.array_equal(noiseless[idle], stuck.g_prog_us[idle]) and np.array_equal(noiseless[target], stuck.g_target_us[target])
    assert np.all(without_idle[idle] == 0) and np.array_equal(without_idle[target], stuck.g_prog_us[target])


def test_a_chip_with_every_cause_is_the_chip_itself():
    chip = chip_of()
    assert chip_with(chip, EVERYTHING).crossbars == chip.crossbars


@pytest.mark.parametrize("name", ["joshi2020", "hermes", "aihwkit-pcm", "joshi2020-transfer", "joshi2020-note2"])
def test_a_chip_without_any_cause_has_the_weights_that_were_wanted(name):
    chip, conductances = chip_with(chip_of(DEVICES[name]), ()), conductances_with((), read_conductances)
    for crossbar, wanted in zip(chip.crossbars, (WEIGHTS, 2 * WEIGHTS)):
        assert np.all(crossbar.nu == 0) and np.array_equal(crossbar.g_prog_us, crossbar.g_target_us)
        g_us = conductances(chip, crossbar, T_S, 0)
        np.testing.assert_allclose((g_us[0] - g_us[1]) * crossbar.w_max / chip.device.g_max_us, wanted, atol=3e-7)


def test_only_the_spread_leaves_what_differs_from_the_mean_exponent():
    chip = chip_of()
    only, = (c for c in chip_with(chip, ("spread of nu",)).crossbars if c.name == "a")
    crossbar = chip.crossbars[0]
    assert np.array_equal(only.nu, crossbar.nu - mean_nu(crossbar, chip.device))
    assert np.array_equal(only.g_prog_us, crossbar.g_target_us)


@pytest.mark.parametrize("name", ["joshi2020", "aihwkit-pcm", "joshi2020-note2", "joshi2020-transfer"])
def test_the_quiet_read_is_the_read_with_z_of_zero(name, monkeypatch):
    chip = chip_of(DEVICES[name])
    quiet = conductances_with(without("read noise"), read_conductances)
    found = [quiet(chip, crossbar, T_S, 4) for crossbar in chip.crossbars]
    assert conductances_with(EVERYTHING, read_conductances) is read_conductances
    monkeypatch.setattr("refpcm.spec.random.normals", lambda *address: np.zeros(address[6]))
    for g_us, crossbar in zip(found, chip.crossbars):
        assert np.array_equal(g_us, read_conductances(chip, crossbar, T_S, 4)) and g_us.dtype == np.float32


def test_the_quiet_read_is_drift_alone_and_both_forms_agree():
    from refpcm.fast import chip as fast
    chip, crossbar = chip_of(), chip_of().crossbars[1]
    by_hand = drifted_us(crossbar.g_prog_us.astype(float), crossbar.nu.astype(float), T_S, JOSHI2020)
    for form in (read_conductances, fast.read_conductances):
        found = conductances_with((), form)(chip, crossbar, T_S, 0)
        assert np.array_equal(found, by_hand.astype(np.float32))
        assert not np.array_equal(found, form(chip, crossbar, T_S, 0))


def test_negative_exponents_read_alike_in_both_forms():
    from refpcm.fast import chip as fast
    chip = chip_with(chip_of(), without("mean drift"))
    assert min(c.nu.min() for c in chip.crossbars) < 0
    one, other = read(chip, T_S), fast.read(chip, T_S)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_converters_and_output_noise_are_causes_only_where_there_are_some():
    assert EVERYTHING == ("programming noise", "idle devices", "spread of nu", "mean drift", "read noise")
    on_tiles = Protocol("n", adc_bits=8, dac_bits=6, output_noise=0.1)
    assert causes_of(on_tiles)[5:] == ("converters", "output noise")
    assert protocol_with(("converters",), on_tiles) == replace(on_tiles, output_noise=0.0)
    assert protocol_with(("output noise",), on_tiles) == replace(on_tiles, adc_bits=None, dac_bits=None)
    assert protocol_with(causes_of(on_tiles), on_tiles) == on_tiles
