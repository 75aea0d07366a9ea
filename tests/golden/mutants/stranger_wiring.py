"""Mistakes in the wiring of a whole chip: invented by strangers to the cases of kit 2.0.

A comment says which inputs show the mistake, where few do.
"""

from dataclasses import replace

import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import chip, chosen, device_equations
from refpcm.spec import network as passes
from refpcm.spec import network_on_tiles, nn
from refpcm.spec.layers import BatchNorm, Linear
from refpcm.spec.pcm import converters, mapping, read_noise, tile
from tests.golden.mutants.replacing import changed_inputs, replaced

CHIP_INFERENCE, PROGRAMMED_CHIP, READ_CHIP = chip.chip_inference, chip.programmed_chip, chip.read_chip
CHIP_READOUT, CHIP_CALIBRATED, ANALOG_LAYER = chip.readout, chip.calibrated, network_on_tiles._analog_layer
PARTS, PRODUCT = tile.parts, tile.product
READ, EXPONENTS, FORWARD = device_equations.read, device_equations.drift_exponents, passes.FORWARD


def q_of_other_device(inputs, parameters):
    device = chosen.device(parameters)
    at = inputs["g_target_us" if device.read_noise_from == "target" else "g_prog_us"][::-1]
    q_s = read_noise.relative_read_noise(at, device)
    return {"g_us": read_noise.read_us(inputs["g_drift_us"], q_s, inputs["z"], parameters["t_s"], device)}


def measured(found, w_max, parameters, g_us):
    """{layer: readout} of these conductances."""
    weights = {name: mapping.to_weights(g, w_max[name], chosen.device(parameters).g_max_us) for name, g in g_us.items()}
    return {name: chip.readout(g_us[name], weights[name], parameters) for name in found["readout"]}


def reference_without_noise(state, w_max, number, inputs, parameters, equations):
    found = READ_CHIP(state, w_max, number, inputs, parameters, equations)
    return {**found, "readout": measured(found, w_max, parameters, found["g_drift_us"])} if number == 0 else found


def readout_with_noise_of_reference(state, w_max, number, inputs, parameters, equations):
    found = READ_CHIP(state, w_max, number, inputs, parameters, equations)
    same = {**inputs, **{f"z_read.{number}.{name}": inputs[f"z_read.0.{name}"] for name in found["g_us"]}}
    return {**found, "readout": READ_CHIP(state, w_max, number, same, parameters, equations)["readout"]}


def readout_through_converters(state, w_max, number, inputs, parameters, equations):
    found = READ_CHIP(state, w_max, number, inputs, parameters, equations)
    if parameters["readout"] != "ones":
        return found
    analog = chip.on_tiles(parameters, found["weights"], w_max, {})
    readouts = {}
    for name, weights in found["weights"].items():
        ones = np.ones((1, len(weights)), weights.dtype)
        columns = np.abs(PRODUCT(ones, weights, analog.tiles, analog.ranges[name])[0]).astype(np.float64)
        readouts[name] = columns if parameters["gdc"] == "column" else columns.sum()
    return {**found, "readout": readouts}


def readout_of_first_tile(g_us, weights, parameters):
    begin, end = PARTS(len(weights), parameters["tile_rows"])[0]
    return CHIP_READOUT(g_us[:, begin:end], weights[begin:end], parameters)


def exponents_at_stuck(matrices, inputs, parameters, equations):
    found, fraction = PROGRAMMED_CHIP(matrices, inputs, parameters, equations), chosen.device(parameters).stuck_fraction
    for name, nu in found["nu"].items():
        here = {"g_target_us": found["g_prog_us"][name], "z": inputs[f"z_nu.{name}"]}
        at_stuck = EXPONENTS(here, parameters)["nu"].astype(nu.dtype)
        found["nu"][name] = np.where(inputs[f"u_selection.{name}"] < fraction, at_stuck, nu)
    return found


def zero_weights_programmed(matrices, inputs, parameters, equations):
    found = PROGRAMMED_CHIP(matrices, inputs, parameters, equations)
    other = PROGRAMMED_CHIP(matrices, inputs, {**parameters, "reset_device": "programmed"}, equations)
    for name, matrix in matrices.items():
        found["g_prog_us"][name][0][matrix == 0] = other["g_prog_us"][name][0][matrix == 0]
    return found


def reset_after_stuck(matrices, inputs, parameters, equations):
    found = PROGRAMMED_CHIP(matrices, inputs, parameters, equations)
    if chosen.device(parameters).reset_device == "zero":
        for name, targets in found["g_target_us"].items():
            found["g_prog_us"][name][targets == 0] = 0.0
    return found


def digital_bias_forgotten(inputs, parameters):
    if parameters["on_chip"] == "inner":
        inputs["fc.bias"] = 0 * inputs["fc.bias"]


def one_input_range_a_tensor(inputs, parameters):
    for name in [name for name in parameters if name.startswith("input_range.")]:
        other = {"down": "conv2"}.get(name.removeprefix("input_range."), name.removeprefix("input_range.").replace(
            "downsample.0", "conv1"))
        parameters[name] = parameters.get(f"input_range.{other}", parameters[name])


def converted_in_place(layer, number, analog, values, first_image, counts):
    out = ANALOG_LAYER(layer, number, analog, values, first_image, counts)
    if layer.inputs[0] != "image":
        values[...] = converters.convert(values, analog.tiles.dac, analog.ranges[layer.name].inputs)
    return out


def bias_on_own_tile(layer, number, analog, values, first_image, counts):
    if not isinstance(layer, Linear) or analog.tiles.output_noise or analog.variances:
        return ANALOG_LAYER(layer, number, analog, values, first_image, counts)
    weights, ranges = analog.matrices[layer.name], analog.ranges[layer.name]
    one = np.ones((len(values), 1), values.dtype)
    y = (PRODUCT(values, weights[:-1], analog.tiles, ranges) + PRODUCT(one, weights[-1:], analog.tiles, ranges))
    return (y / np.asarray(analog.alphas.get(layer.name, 1.0), y.dtype))[:, :, None, None]


def calibrated_with_alpha_before():
    kept = {}

    def inference(inputs, parameters):
        kept.clear()
        return CHIP_INFERENCE(inputs, parameters)

    def calibrated(engine, weights, calibration):
        stale = type(engine)(engine.network, replace(engine.analog, alphas=kept.get("alphas", {})))
        kept["alphas"] = engine.analog.alphas
        return CHIP_CALIBRATED(stale, weights, calibration)
    return [(reference, "chip_inference", inference), (chip, "calibrated", calibrated)]


def used_without_gdc(engine, weights, calibration):
    adapted = CHIP_CALIBRATED(engine, weights, calibration)
    engine.analog = replace(engine.analog, alphas={})
    return adapted


def layer_by_layer():
    done = set()

    def norm_forward(layer, inputs, parameters, tape):
        if tape.training and layer.name in done:
            return nn.batch_norm_inference(inputs[0], *(parameters[f"{layer.name}.{part}"] for part in (
                "weight", "bias", "running_mean", "running_var")))
        return FORWARD[BatchNorm](layer, inputs, parameters, tape)

    def calibrated(engine, weights, calibration):
        adapted = dict(weights)
        try:
            for layer in engine.network.layers:
                if isinstance(layer, BatchNorm):
                    found = CHIP_CALIBRATED(engine, adapted, calibration)
                    adapted.update({name: found[name] for part in ("running_mean", "running_var")
                                    for name in [f"{layer.name}.{part}"]})
                    done.add(layer.name)
        finally:
            done.clear()
        return adapted
    return [(network_on_tiles, "FORWARD", {**FORWARD, BatchNorm: norm_forward}), (chip, "calibrated", calibrated)]


MUTANTS = [
    ("wire-q-of-other-device", "Q_s at the conductance of the other device of the pair",
     replaced(device_equations, "read", q_of_other_device)),
    ("wire-reference-without-noise", "GDC's reference, and it alone, without read noise",
     replaced(chip, "read_chip", reference_without_noise)),
    ("wire-readout-noise-of-reference", "readouts at all times with the read noise of the reference",
     replaced(chip, "read_chip", readout_with_noise_of_reference)),
    # readout ones
    ("wire-readout-through-converters", "readout ones: measured through DAC and ADC",
     replaced(chip, "read_chip", readout_through_converters)),
    # layers of more than one row part
    ("wire-readout-of-first-tile", "only the first row part is read out for GDC",
     replaced(chip, "readout", readout_of_first_tile)),
    # stuck devices
    ("wire-nu-at-stuck-conductance", "stuck devices have the exponent of the conductance they are stuck at",
     replaced(chip, "programmed_chip", exponents_at_stuck)),
    # reset_device zero, weights of exactly 0
    ("wire-zero-weight-idle-once", "idle devices at zero: G+ of a weight of zero counts as programmed",
     replaced(chip, "programmed_chip", zero_weights_programmed)),
    # the same, stuck devices
    ("wire-reset-after-stuck", "idle devices are reset to zero after devices were stuck",
     replaced(chip, "programmed_chip", reset_after_stuck)),
    # on_chip inner
    ("wire-digital-bias-forgotten", "the digital last layer has no bias",
     changed_inputs("chip_inference", digital_bias_forgotten)),
    # where the two layers that read one tensor have different ranges
    ("wire-input-range-of-tensor", "the 1x1 shortcut has the input range of the layer that reads the same tensor",
     changed_inputs("chip_inference", one_input_range_a_tensor)),
    # the same
    ("wire-dac-in-place", "a layer's converted inputs replace the tensor that the shortcut reads, too",
     replaced(network_on_tiles, "_analog_layer", converted_in_place)),
    ("wire-bias-tile-of-its-own", "the bias row's share is converted apart from the other rows'",
     replaced(network_on_tiles, "_analog_layer", bias_on_own_tile)),
    ("wire-adabs-alpha-of-read-before", "AdaBS is calibrated with the factors of the read before",
     calibrated_with_alpha_before()),
    ("wire-adabs-used-without-gdc", "calibrated with GDC, used without",
     replaced(chip, "calibrated", used_without_gdc)),
    ("wire-adabs-layer-by-layer", "one batch norm after the other: those before already have their new statistics",
     layer_by_layer()),
]
