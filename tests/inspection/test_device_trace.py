"""refpcm.inspection.device_trace: the steps shown are those that make the chip."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.files.network_file import load_network
from refpcm.inspection.device_trace import times_between, trace_weight
from refpcm.inspection.report import as_text
from refpcm.inspection.tables import device_blocks
from refpcm.spec import random
from refpcm.spec.crossbars import program_network
from refpcm.spec.pcm.chip import read, read_conductances
from refpcm.spec.pcm.device import DEVICES, JOSHI2020
from tests.evaluation.conftest import small  # noqa: F401

PLACE = ("layer2.0.conv1", 7, 11)
T_S = 1e6


@pytest.fixture
def file(small):  # noqa: F811
    return load_network(small.network)


def found(steps, quantity, t_s=None):
    step, = (step for step in steps if step["quantity"] == quantity and step["t_s"] == t_s)
    return step["plus"] if step["minus"] is None else np.array([step["plus"], step["minus"]])


@pytest.mark.parametrize("name", [*DEVICES, "stuck"])
def test_the_trace_ends_in_the_conductances_and_the_weight_of_the_chip(file, name):
    device = replace(JOSHI2020, stuck_fraction=0.5) if name == "stuck" else DEVICES[name]
    times = (device.t0_s, T_S)
    steps = trace_weight(file, device, *PLACE, times, seed=5, chip=2, draw=3)
    chip = program_network(file.network, file.parameters, device, 5, 2)
    crossbar, = (each for each in chip.crossbars if each.name == PLACE[0])
    at = (slice(None), *PLACE[1:])
    assert np.array_equal(found(steps, "G_prog [uS]"), crossbar.g_prog_us[at])
    assert np.array_equal(found(steps, "nu"), crossbar.nu[at])
    for t_s in times:
        assert np.array_equal(found(steps, "G(t) [uS]", t_s), read_conductances(chip, crossbar, t_s, 3)[at])
        assert found(steps, "W(t)", t_s) == read(chip, t_s, 3)[PLACE[0]][PLACE[1:]]
    json.dumps(steps)
    assert "G(t) [uS]" in as_text(device_blocks(steps))


@pytest.mark.parametrize("name, numbers", [
    ("joshi2020", "28 29 31 32 34 35 36 37 38 30"), ("joshi2020-transfer", "28 29 31 39 30"),
    ("joshi2020-note2", "28 29 31 41 40 42 43 30"), ("aihwkit-pcm", "28 29 31 32 34 45 35 36 37 38 45")])
def test_formulas_carry_the_numbers_of_their_equations(file, name, numbers):
    formulas = " ".join(step["formula"] for step in trace_weight(file, DEVICES[name], *PLACE, (T_S,), seed=5))
    assert re.findall(r"\(E-(\d+)\)", formulas) == numbers.split()


def test_every_formula_holds_between_the_numbers_shown(file):
    steps = trace_weight(file, JOSHI2020, *PLACE, (T_S,), seed=5)

    def at(quantity):
        return found(steps, quantity, T_S)
    weight, w_max = found(steps, "W"), found(steps, "W_max")
    assert found(steps, "G_T [uS]") == pytest.approx(np.maximum([weight, -weight], 0) * 25 / w_max, rel=1e-6)
    noisy = found(steps, "G_T [uS]") + found(steps, "sigma_prog [uS]") * found(steps, "z_prog")
    assert found(steps, "G_prog [uS]") == pytest.approx(np.maximum(noisy, 0), rel=1e-6)
    assert found(steps, "nu") == pytest.approx(np.abs(found(steps, "mu_nu") + found(steps, "sigma_nu") * found(steps, "z_nu")))
    assert at("G_drift [uS]") == pytest.approx(found(steps, "G_prog [uS]") * (T_S / 20) ** -found(steps, "nu"))
    conductance = at("G_drift [uS]") * (1 + at("Q_s") * at("s(t)") * at("z_read"))
    assert at("G(t) [uS]") == pytest.approx(np.maximum(conductance, 0), rel=1e-6)
    assert at("W(t)") == pytest.approx((at("G(t) [uS]")[0] - at("G(t) [uS]")[1]) * w_max / 25, rel=1e-5)


@pytest.mark.parametrize("times_s", [(t_s,) for t_s in (20.0, 25.0, 1e5 / 3, 31536000.0)] + [(20.0, 86400.0)])
def test_times_of_a_curve_stay_between_those_given(times_s):
    found = times_between(times_s)
    assert (found[0], found[-1], len(found)) == (times_s[0], times_s[-1], 60 if len(times_s) > 1 else 1)


def test_an_address_gives_its_number(file):
    for step in trace_weight(file, JOSHI2020, *PLACE, (T_S,), seed=5, chip=9, draw=1):
        for value, address in zip((step["plus"], step["minus"]), step["address"] or ()):
            seed, chip, purpose, layer, draw, element = address
            assert random.normals(seed, chip, random.Purpose[purpose], layer, draw, element, 1)[0] == value


@pytest.mark.parametrize("place, said", [(("conv9", 0, 0), "no crossbar layer 'conv9'"),
                                         (("conv1", 27, 0), "rows 0 .. 26"), (("conv1", 0, -1), "columns 0 .. 15")])
def test_places_that_are_not_there_are_refused(file, place, said):
    with pytest.raises(RefpcmError, match=said):
        trace_weight(file, JOSHI2020, *place, (25.0,))
