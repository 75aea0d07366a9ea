"""L8 chip: the whole way from a network's weights to its logits on a drifted, compensated chip, stage by stage.

All random numbers are inputs. Three reads: read 0 is GDC's reference, reads 1 and 2 are used. Names of layers stand behind
the last dot of a tensor's name, the number of the read before it.
"""

import numpy as np

from refpcm.golden.reference import chosen, compensation, device_equations
from refpcm.spec.compensation import adabs, global_drift
from refpcm.spec.crossbars import to_matrices
from refpcm.spec.network_on_tiles import Analog, EngineOnTiles, analog_forward, input_vectors, layer_inputs
from refpcm.spec.pcm import converters, mapping
from refpcm.spec.pcm.tile import Ranges, Tiles, parts

READS = 3  # the first is the reference of GDC


def chip_inference(inputs, parameters):
    """Program, read, compensate and run a network on tiles -> every tensor on the way, in the order of the signal.

    Inputs: images (N, C, H, W), calibration (n, m, C, H, W), the network's parameters, and for each layer on the chip
    z_prog, z_nu, z_read.<read> standard normal, u_selection, u_conductance uniform, all (2, R, K).
    Parameters: a device, t_0_s .. t_2_s since programming, on_chip "all" or "inner" (first and last layer digital),
    gdc "layer" or "column" (one factor a layer or a column), readout (I-10), tile_rows, dac_bits, adc_bits, and
    input_range.<layer>, output_range.<layer> of the converters, of each layer for itself also where two read one tensor.
    AdaBS starts from the trained statistics at each read, calibrates all batch norms in the same passes, and has GDC
    beneath, then and afterwards. Digital layers have neither converters nor GDC. t_0_s is the time of GDC's reference (E-63);
    pairs of devices are not collapsed (I-8). Shapes of the codes: `conversions` below.
    """
    return whole_chip(inputs, parameters, device_equations, through_tiles, EngineOnTiles)


def whole_chip(inputs, parameters, equations, run, make_engine):
    """Return what `chip_inference` answers, with other forms.

    equations: a module with the operations of `device_equations`; run(net, weights, analog, images) -> codes, logits, as
    `through_tiles`; make_engine(net, analog): as EngineOnTiles.
    """
    net, weights = chosen.network(inputs, parameters)
    matrices = to_matrices(net, weights, parameters["on_chip"])
    w_max = {name: mapping.largest_weight(matrix) for name, matrix in matrices.items()}
    out = staged({"matrix": matrices})
    chip = programmed_chip(matrices, inputs, parameters, equations)
    out.update(staged(chip))
    reference = None
    for number in range(READS):
        read = read_chip(chip, w_max, number, inputs, parameters, equations)
        out.update(staged({f"{stage}.{number}": tensors for stage, tensors in read.items()}))
        if number == 0:
            reference = reference_readouts(chip, read, parameters)
            continue
        alpha = gdc_factors(read["readout"], reference)
        compensated = {name: global_drift.compensated(read["weights"][name], alpha[name]) for name in matrices}
        out.update(staged({f"alpha.{number}": alpha, f"compensated.{number}": compensated}))
        analog = on_tiles(parameters, read["weights"], w_max, alpha)
        codes, logits = run(net, weights, analog, inputs["images"])
        out.update({f"{stage}.{number}.{name}": codes[stage][name] for name in matrices for stage in codes})
        out[f"logits_gdc.{number}"] = logits
        engine = make_engine(net, analog)
        adapted = calibrated(engine, weights, inputs["calibration"])
        for statistic in ("running_mean", "running_var"):
            out.update({f"{statistic}.{number}.{name.rpartition('.')[0]}": value for name, value in adapted.items()
                        if name.endswith(statistic)})
        out[f"logits_adabs.{number}"] = engine.forward(adapted, inputs["images"])
    dtype = inputs["images"].dtype  # readouts and factors are computed in float64
    return {name: value if value.dtype.kind == "i" else np.asarray(value, dtype) for name, value in out.items()}


def staged(stages):
    """Return {"<stage>.<layer>": tensor} of {stage: {layer: tensor}}."""
    return {f"{stage}.{layer}": tensor for stage, tensors in stages.items() for layer, tensor in tensors.items()}


def programmed_chip(matrices, inputs, parameters, equations):
    """Return {"g_target_us", "g_prog_us", "nu": {layer: (2, R, K)}} in the precision of the matrices."""
    g_max_us, found = chosen.device(parameters).g_max_us, {"g_target_us": {}, "g_prog_us": {}, "nu": {}}
    for name, matrix in matrices.items():
        def answer(operation, output, **arrays):
            return getattr(equations, operation)(arrays, parameters)[output].astype(matrix.dtype)
        g_target_us = equations.map_weights({"weights": matrix}, {"g_max_us": g_max_us})["g_target_us"].astype(matrix.dtype)
        g_prog_us = answer("programmed", "g_prog_us", g_target_us=g_target_us, z=inputs[f"z_prog.{name}"])
        found["g_target_us"][name] = g_target_us
        found["g_prog_us"][name] = answer("stuck_devices", "g_prog_us", g_prog_us=g_prog_us,
                                          u_selection=inputs[f"u_selection.{name}"],
                                          u_conductance=inputs[f"u_conductance.{name}"])
        found["nu"][name] = answer("drift_exponents", "nu", g_target_us=g_target_us, z=inputs[f"z_nu.{name}"])
    return found


def read_chip(chip, w_max, number, inputs, parameters, equations):
    """Return {"g_drift_us", "g_us": {layer: (2, R, K)}, "weights": {layer: (R, K)}, "readout": {layer: () or (K,)}}."""
    at = {**parameters, "t_s": parameters[f"t_{number}_s"]}
    found = {"g_drift_us": {}, "g_us": {}, "weights": {}, "readout": {}}
    for name, g_prog_us in chip["g_prog_us"].items():
        dtype = g_prog_us.dtype
        state = {"g_target_us": chip["g_target_us"][name], "g_prog_us": g_prog_us, "nu": chip["nu"][name]}
        drifted = equations.drifted(state, at)["g_drift_us"]
        g_us = equations.read({**state, "g_drift_us": drifted, "z": inputs[f"z_read.{number}.{name}"]}, at)["g_us"]
        g_us = g_us.astype(dtype)
        scale = {"w_max": w_max[name], "g_max_us": chosen.device(parameters).g_max_us}
        found["g_drift_us"][name], found["g_us"][name] = drifted.astype(dtype), g_us
        found["weights"][name] = equations.unmap_weights({"g_us": g_us}, scale)["weights"].astype(dtype)
        found["readout"][name] = readout(g_us, found["weights"][name], parameters)
    return found


def readout(g_us, weights, parameters):
    """Return what GDC measures of a layer: a number, or one for each column."""
    if parameters["gdc"] == "column":
        return global_drift.readout(parameters["readout"], g_us, weights, True)
    return compensation.gdc_readout({"g_us": g_us, "weights": weights}, parameters)["readout"]


def reference_readouts(chip, read, parameters):
    """Return {layer: readout} that later ones are compared with: those of the first read."""
    return read["readout"]


def gdc_factors(readouts, reference):
    """Return {layer: alpha}, of each layer against its own reference."""
    return {name: compensation.gdc_factor({"readout_t": now, "readout_t0": reference[name]}, {})["alpha"]
            for name, now in readouts.items()}


def on_tiles(parameters, weights, w_max, alpha):
    """Return the Analog of one read: weights as they were read; a layer's output is divided by its alpha."""
    tiles = Tiles(parameters["tile_rows"], None, converters.Converter(parameters["dac_bits"]),
                  converters.Converter(parameters["adc_bits"]))
    ranges = {name: Ranges(parameters[f"input_range.{name}"], parameters[f"output_range.{name}"]) for name in weights}
    return Analog(tiles, weights, w_max, ranges, alpha)


def calibrated(engine, weights, calibration):
    """Return the network's parameters after AdaBS, which starts from the trained statistics."""
    return adabs.calibrate(engine, weights, calibration)


def through_tiles(net, weights, analog, images):
    """Return {"codes_in", "codes_out": {layer: codes}} of one forward pass with the trained statistics, and its logits."""
    tape = analog_forward(net, weights, analog, images)
    codes = {"codes_in": {}, "codes_out": {}}
    for name, (driven, sums) in conversions(net, analog, tape.values).items():
        codes["codes_in"][name] = converters.codes(driven, analog.tiles.dac, analog.ranges[name].inputs)
        codes["codes_out"][name] = converters.codes(sums, analog.tiles.adc, analog.ranges[name].outputs)
    return codes, tape.values[net.layers[-1].name]


def conversions(net, analog, values):
    """Return {layer: what its DACs and its ADCs convert}: (N, C, H, W), and (N, P row parts, K, H', W').

    values: {tensor name: array} of a forward pass. The last input of the linear layer is the 1 that drives the biases.
    """
    found = {}
    for layer in net.layers:
        if layer.name not in analog.matrices:
            continue
        x, matrix, ranges = values[layer.inputs[0]], analog.matrices[layer.name], analog.ranges[layer.name]
        analog_inputs = converters.convert(input_vectors(layer, x), analog.tiles.dac, ranges.inputs)
        sums = [analog_inputs[..., begin:end] @ matrix[begin:end] for begin, end in parts(len(matrix), analog.tiles.rows)]
        found[layer.name] = layer_inputs(layer, x), np.stack(sums, 1).transpose(0, 1, 4, 2, 3)
    return found
