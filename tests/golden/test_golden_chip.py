"""The chip level is what refpcm's own programs do: the same numbers come from program, read, GDC, tiles and AdaBS."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from refpcm.golden.kit import Kit
from refpcm.golden.reference import chosen
from refpcm.golden.reference.chip import on_tiles
from refpcm.spec import random
from refpcm.spec.compensation import adabs, global_drift
from refpcm.spec.compensation.global_drift import Readout
from refpcm.spec.crossbars import program_network
from refpcm.spec.network_on_tiles import EngineOnTiles
from refpcm.spec.pcm import chip as chips
from refpcm.spec.pcm.chip import read_start

CASES = {case.id: case for case in Kit().cases if case.level == 8}
KINDS = {random.Purpose.PROGRAMMING: "z_prog", random.Purpose.DRIFT_EXPONENT: "z_nu",
         random.Purpose.STUCK_SELECTION: "u_selection", random.Purpose.STUCK_CONDUCTANCE: "u_conductance"}
LAYERS = ("conv1", "conv2", "down", "fc")


def random_numbers_of(inputs, values):
    """`refpcm.spec.random` with the numbers of a case in the place of its own."""
    reads = {int(read_start(values[f"t_{read}_s"])): read for read in range(3)}

    def numbers(seed, chip, purpose, layer, draw, start, count):
        name = KINDS.get(purpose) or f"z_read.{reads[start]}"
        return inputs[f"{name}.{LAYERS[layer]}"].ravel()
    return SimpleNamespace(normals=numbers, uniforms=numbers, Purpose=random.Purpose)


@pytest.mark.parametrize("id", [f"L8-{name}-64" for name in ("layer", "column", "inner")])
def test_a_whole_chip_is_what_the_programs_of_refpcm_make_of_these_random_numbers(id, monkeypatch):
    case = CASES[id]
    inputs, values = case.input_arrays(), case.values()
    expected = {output.name: output.expected["value"] for output in case.outputs}

    def agrees(name, array):
        np.testing.assert_allclose(array, expected[name], rtol=1e-12, atol=1e-12, err_msg=name)
    monkeypatch.setattr(chips, "random", random_numbers_of(inputs, values))
    net, weights = chosen.network(inputs, values)

    def program(matrices, device, seed, number, numbers):
        return chips.program(matrices, device, seed, number, numbers, np.float64)
    chip = program_network(net, weights, chosen.device(values), 0, 0, values["on_chip"], program)
    for crossbar in chip.crossbars:
        for part in ("g_target_us", "g_prog_us", "nu"):
            agrees(f"{part}.{crossbar.name}", getattr(crossbar, part))
    how = Readout(values["readout"], values["gdc"] == "column")
    reference = global_drift.reference_readouts(chip, how, values["t_0_s"])
    for read in (1, 2):
        raw, compensated, alphas = global_drift.compensated_read(chip, values[f"t_{read}_s"], 0, reference, how)
        for name in raw:
            for stage, found in (("weights", raw), ("alpha", alphas), ("compensated", compensated)):
                agrees(f"{stage}.{read}.{name}", found[name])
        engine = EngineOnTiles(net, on_tiles(values, raw, {c.name: c.w_max for c in chip.crossbars}, alphas))
        agrees(f"logits_gdc.{read}", engine.forward(weights, inputs["images"]))
        adapted = adabs.calibrate(engine, weights, inputs["calibration"])
        agrees(f"running_var.{read}.bn3", adapted["bn3.running_var"])
        agrees(f"logits_adabs.{read}", engine.forward(adapted, inputs["images"]))


def test_codes_and_alphas_change_the_logits():
    """Without converters and without GDC the logits are others by far more than their tolerance."""
    case = CASES["L8-layer-64"]
    inputs, values = case.input_arrays(), case.values()
    expected = {output.name: output.expected["value"] for output in case.outputs}
    net, weights = chosen.network(inputs, values)
    raw = {name: expected[f"weights.1.{name}"] for name in LAYERS}
    alphas = {name: expected[f"alpha.1.{name}"] for name in LAYERS}
    analog = on_tiles(values, raw, dict.fromkeys(LAYERS, 1.0), alphas)
    for other in (replace(analog, alphas={}), replace(analog, tiles=replace(analog.tiles, adc=replace(analog.tiles.adc, bits=4)))):
        logits = EngineOnTiles(net, other).forward(weights, inputs["images"])
        assert np.abs(logits - expected["logits_gdc.1"]).max() > 0.01
