"""Mistakes in what a whole chip does with its reads, invented without knowledge of the cases: GDC and converters."""

from dataclasses import replace

import numpy as np

from refpcm.golden.reference import chip
from refpcm.spec.pcm.converters import convert
from refpcm.spec.pcm.tile import parts
from tests.golden.mutants.replacing import changed_inputs, parameter, replaced

READ, FACTORS, ON_TILES, READOUT = chip.read_chip, chip.gdc_factors, chip.on_tiles, chip.readout


def _readouts(change):
    """Other readouts: change(name, G, G_drift, W, G_T, parameters) -> readout."""
    def read_chip(state, w_max, number, inputs, parameters, equations):
        found = READ(state, w_max, number, inputs, parameters, equations)
        found["readout"] = {
            name: change(
                name, g_us, found["g_drift_us"][name], found["weights"][name], state["g_target_us"][name], parameters
            )
            for name, g_us in found["g_us"].items()
        }
        return found
    return replaced(chip, "read_chip", read_chip)


def _of_drifted(name, g, drifted, w, target, parameters):
    g_net, net = g[0] - g[1], drifted[0] - drifted[1]
    scale = np.abs(w).max() / np.abs(g_net).max()
    return READOUT(drifted, net * scale, parameters)


def _without_bias(name, g, drifted, w, target, parameters):
    return READOUT(g[:, :-1], w[:-1], parameters) if name == "fc" else READOUT(g, w, parameters)


def _of_targets(name, g, drifted, w, target, parameters):
    """Devices without a target are left out."""
    return READOUT(np.where(target > 0, g, 0), w, parameters)


def _column_ratios():
    """The mean of the columns' ratios where one factor a layer is asked."""
    columns = {}

    def read_chip(state, w_max, number, inputs, parameters, equations):
        found = READ(state, w_max, number, inputs, parameters, equations)
        columns["then" if number == 0 else "now"] = {
            name: READOUT(g_us, found["weights"][name], {**parameters, "gdc": "column"})
            for name, g_us in found["g_us"].items()
        }
        return found

    def gdc_factors(readouts, reference):
        found = FACTORS(readouts, reference)
        ratios = FACTORS(columns["now"], columns["then"])
        return {
            name: np.asarray(ratios[name].mean()) if np.ndim(alpha) == 0 else alpha for name, alpha in found.items()
        }
    return replaced(chip, "read_chip", read_chip) + replaced(chip, "gdc_factors", gdc_factors)


def _factors(change):
    """Other factors: change({name: alpha}, reference) -> {name: alpha}."""
    return replaced(chip, "gdc_factors", lambda readouts, reference: change(FACTORS(readouts, reference), reference))


def _of_the_read_before(use):
    """use(factor before, factor now) -> factor; the factor before the first one is 1."""
    before = {}

    def change(alphas, reference):
        if before.get("reference") is not reference:
            before.update(reference=reference, alphas={name: np.ones_like(alpha) for name, alpha in alphas.items()})
        used = {name: use(before["alphas"][name], alpha) for name, alpha in alphas.items()}
        before["alphas"] = alphas
        return used
    return _factors(change)


def _reversed(alphas, reference):
    return {name: np.resize(other, np.shape(alphas[name])) for name, other in zip(alphas, list(alphas.values())[::-1])}


def _one(name):
    return _factors(
        lambda alphas, reference: {each: np.ones_like(a) if each == name else a for each, a in alphas.items()}
    )


# --- products on tiles

def _analog(change):
    """Another Analog: change(Analog) -> Analog."""
    return replaced(chip, "on_tiles", lambda *arguments: change(ON_TILES(*arguments)))


def _bias_row(factor):
    """The bias row of the linear layer times factor(analog)."""
    def change(analog):
        if "fc" not in analog.matrices:
            return analog
        matrix = analog.matrices["fc"].copy()
        matrix[-1] *= factor(analog)
        return replace(analog, matrices={**analog.matrices, "fc": matrix})
    return _analog(change)


def _ranges(change):
    """Other ranges: change(name, Ranges, analog) -> Ranges."""
    return _analog(
        lambda analog: replace(analog, ranges={name: change(name, r, analog) for name, r in analog.ranges.items()})
    )


def _divided_before_dac(analog):
    alphas = {name: float(np.mean(alpha)) for name, alpha in analog.alphas.items()}
    return replace(
        analog,
        alphas={},
        ranges={name: replace(r, inputs=r.inputs * alphas[name]) for name, r in analog.ranges.items()},
        matrices={name: (w / alphas[name]).astype(w.dtype) for name, w in analog.matrices.items()},
    )


def _bits_exchanged(analog):
    return replace(analog, tiles=replace(analog.tiles, dac=analog.tiles.adc, adc=analog.tiles.dac))


def _averaged(analog):
    count = {name: len(parts(len(w), analog.tiles.rows)) for name, w in analog.matrices.items()}
    return replace(analog, alphas={name: np.asarray(alpha) * count[name] for name, alpha in analog.alphas.items()})


MUTANTS = [
    ("wire-readout-drifted", "GDC's readout without read noise", _readouts(_of_drifted)),
    ("wire-readout-columns", "summed column currents, whatever is asked",
     changed_inputs("chip_inference", parameter("readout", "columns"))),
    ("wire-readout-no-bias", "the bias row is left out of the readout", _readouts(_without_bias)),
    ("wire-readout-no-idle", "only devices with a target are read out", _readouts(_of_targets)),
    ("wire-factor-of-columns", "the mean of the columns' ratios", _column_ratios()),
    ("wire-factor-accumulates", "times the factor before", _of_the_read_before(lambda before, now: before * now)),
    ("wire-factor-stale", "the factor of the read before", _of_the_read_before(lambda before, now: before)),
    ("wire-factor-shortcut", "the 1x1 shortcut has the factor of its main path",
     _factors(
         lambda alphas, reference: {
             **alphas,
             **({"down": alphas["conv2"]} if {"down", "conv2"} <= alphas.keys() else {}),
         }
     )),
    ("wire-factor-reversed", "factors handed out in reverse order", _factors(_reversed)),
    ("wire-factor-no-linear", "none for the linear layer", _one("fc")),
    ("wire-factor-not-bias", "the biases are not compensated",
     _bias_row(lambda analog: np.asarray(analog.alphas["fc"]))),
    ("wire-ranges-of-first", "ranges of the first layer for all",
     _ranges(lambda name, r, analog: next(iter(analog.ranges.values())))),
    ("wire-adc-follows-alpha", "the ADC's range is multiplied by alpha",
     _ranges(lambda name, r, analog: replace(r, outputs=r.outputs * float(np.mean(analog.alphas[name]))))),
    ("wire-dac-follows-alpha", "inputs are divided by alpha before the DAC", _analog(_divided_before_dac)),
    ("wire-bits-exchanged", "bits of DAC and ADC exchanged", _analog(_bits_exchanged)),
    ("wire-bias-not-converted", "the bias row is driven by exactly 1",
     _bias_row(lambda analog: 1 / convert(np.ones(1), analog.tiles.dac, analog.ranges["fc"].inputs)[0])),
    ("wire-parts-averaged", "row parts are averaged", _analog(_averaged)),
]
