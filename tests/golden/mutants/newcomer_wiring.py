"""Mistakes in the wiring of a whole chip: invented without knowledge of the cases.

Of PyTorch users, C++ and Verilog engineers, and physicists with MATLAB or Julia, when kit 2.1 was a draft. A comment says
which inputs show a mistake, where few do.
"""

from dataclasses import replace

import numpy as np

from refpcm.golden.reference import chip, chosen
from refpcm.spec import network, network_on_tiles, nn
from refpcm.spec.compensation import adabs, global_drift
from refpcm.spec.layers import Add, BatchNorm, Conv2d, Linear
from tests.golden.mutants.replacing import changed_inputs, replaced

ANALOG_FORWARD, ON_TILES = network_on_tiles.analog_forward, chip.on_tiles
READ_CHIP, CACHE = chip.read_chip, {"chip": None}


def read_chip_cached(programmed, w_max, number, inputs, parameters, equations):
    if CACHE["chip"] is not programmed:
        CACHE.clear()
        CACHE["chip"] = programmed
    t_s = parameters[f"t_{number}_s"]
    if t_s not in CACHE:
        CACHE[t_s] = READ_CHIP(programmed, w_max, number, inputs, parameters, equations)
    return CACHE[t_s]


PROGRAMMED_CHIP = chip.programmed_chip


def programmed_chip_in_half(matrices, *more):
    found = PROGRAMMED_CHIP(matrices, *more)
    return {stage: {name: value if stage == "g_target_us" else value.astype(np.float16).astype(value.dtype)
                    for name, value in tensors.items()} for stage, tensors in found.items()}


def calibrated_twice_updated(engine, weights, calibration):
    p, statistics = adabs.decay(len(calibration)), {}
    for images in calibration:
        engine.forward(weights, images, training=True)
        for norm, batch in engine.statistics.items():
            for part, own, value in (("running_mean", batch.mean, batch.mean),
                                     ("running_var", nn.unbiased(batch), batch.variance)):
                old = np.asarray(statistics.get(f"{norm}.{part}", weights[f"{norm}.{part}"]), np.float64)
                statistics[f"{norm}.{part}"] = adabs.updated(0.9 * old + 0.1 * own, value, p)
    return {**weights, **{name: value.astype(weights[name].dtype) for name, value in statistics.items()}}


def fold_batch_norm(inputs, parameters):
    net, weights = chosen.network(inputs, parameters)
    for layer in net.layers:
        if isinstance(layer, BatchNorm):
            norm, conv = layer.name, layer.inputs[0]
            scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + nn.EPSILON)
            dtype = weights[f"{norm}.weight"].dtype
            inputs[f"{conv}.weight"] = (weights[f"{conv}.weight"] * scale[:, None, None, None]).astype(dtype)
            inputs[f"{norm}.running_mean"] = (weights[f"{norm}.running_mean"] * scale).astype(dtype)
            inputs[f"{norm}.running_var"] = np.full_like(scale, 1 - nn.EPSILON, dtype)
            inputs[f"{norm}.weight"] = np.ones_like(scale, dtype)


def on_tiles_sorted(parameters, weights, w_max, alpha):
    analog = ON_TILES(parameters, weights, w_max, alpha)
    return replace(analog, ranges=dict(zip(sorted(analog.ranges), analog.ranges.values())))


def add_of_overwritten(layer, inputs, parameters, tape):
    main, skip = inputs
    names = list(tape.values)
    if "relu" in layer.inputs[1]:  # an identity: the buffer holds the output of the next ReLU
        behind = names[names.index(layer.inputs[1]) + 1:]
        skip = tape.values[next(name for name in behind if "relu" in name)]
    return nn.add_forward(main, skip)


def in_fixed_point(function):
    def rounded(layer, inputs, parameters, tape):
        y = function(layer, inputs, parameters, tape)
        return (np.clip(np.rint(y * 256), -32768, 32767) / 256).astype(y.dtype)
    return rounded


TO_MATRICES = chip.to_matrices


def matrices_column_major(net, weights, on_chip):
    turned = {name: np.swapaxes(value, 2, 3) if value.ndim == 4 else value for name, value in weights.items()}
    return TO_MATRICES(net, turned, on_chip)


def vectors_column_major(layer, values):
    view = network_on_tiles.windows(network_on_tiles.layer_inputs(layer, values), *network_on_tiles.window(layer))
    view = view.transpose(0, 2, 3, 1, 5, 4)
    return view.reshape(*view.shape[:3], -1)


GDC_FACTORS, LAST_REFERENCE = chip.gdc_factors, []


def factors_against_read_1(readouts, reference):
    if not (LAST_REFERENCE and LAST_REFERENCE[0] is reference):
        LAST_REFERENCE[:] = [reference]
        reference.update(readouts)
    return GDC_FACTORS(readouts, reference)


SEEN = {}


def read_chip_seen(programmed, w_max, number, inputs, parameters, equations):
    found = READ_CHIP(programmed, w_max, number, inputs, parameters, equations)
    columns = {name: global_drift.readout(parameters["readout"], g_us, found["weights"][name], True)
               for name, g_us in found["g_us"].items()}
    if number == 0:
        SEEN["columns_0"] = columns
    SEEN.update(nu=programmed["nu"], ratio=parameters[f"t_{number}_s"] / parameters["t_0_s"], columns=columns,
                by_column=parameters["gdc"] == "column")
    return found


def theoretical_factors(readouts, reference):
    axes = (0, 1) if SEEN["by_column"] else None
    return {name: np.asarray(SEEN["ratio"] ** -SEEN["nu"][name].astype(np.float64).mean(axes)) for name in readouts}


def least_squares_factors(readouts, reference):
    if SEEN["by_column"]:
        return GDC_FACTORS(readouts, reference)
    found = {}
    for name in readouts:
        now, then = SEEN["columns"][name], SEEN["columns_0"][name]
        found[name] = np.asarray(now @ then / (then @ then) if now.any() and then.any() else 1.0)
    return found


MUTANTS = [
    ("chip-gdc-in-train-mode", "model.eval() is forgotten: the network with GDC normalises with the statistics of the batch",
     replaced(chip, "analog_forward", lambda net, weights, analog, images:
                      ANALOG_FORWARD(net, weights, analog, images, training=True))),
    # only two reads at the same time
    ("chip-reads-cached-by-time", "@lru_cache: a second read at the same time returns that of the first",
     replaced(chip, "read_chip", read_chip_cached)),
    ("chip-state-in-half-precision", "programmed conductances and exponents are kept in half precision",
     replaced(chip, "programmed_chip", programmed_chip_in_half)),
    ("chip-adabs-beside-own-update", "BatchNorm2d in training mode updates its buffers itself, and AdaBS does again",
     replaced(chip, "calibrated", calibrated_twice_updated)),
    ("chip-batch-norm-folded", "batch norm's scale is folded into the weights before they are mapped",
     changed_inputs("chip_inference", fold_batch_norm)),
    # only ranges that differ between layers
    ("chip-ranges-sorted-by-name", "ranges come in the order of the signal, layers in that of a std::map: by name",
     replaced(chip, "on_tiles", on_tiles_sorted)),
    # only networks with a block whose shortcut is the identity
    ("chip-shortcut-buffer-overwritten", "two buffers in turn: the identity shortcut reads what the block's first half has "
       "written there",
     replaced(network_on_tiles, "FORWARD", {**network.FORWARD, Add: add_of_overwritten})),
    ("chip-digital-fixed-point", "digital tensors are 16-bit fixed-point numbers, 8 bits behind the point",
     replaced(network_on_tiles, "FORWARD", {kind: function if kind in (Conv2d, Linear) else in_fixed_point(function)
                                              for kind, function in network.FORWARD.items()})),
    ("chip-windows-column-major", "rows of a convolution: channel, kernel column, kernel row, in matrices and inputs",
     [(chip, "to_matrices", matrices_column_major), (chip, "input_vectors", vectors_column_major),
        (network_on_tiles, "input_vectors", vectors_column_major)]),
    ("chip-reference-counted-from-one", "GDC's reference is the read with the number 1: at read 1 alpha is 1",
     replaced(chip, "gdc_factors", factors_against_read_1)),
    ("chip-gdc-by-law", "alpha = (t / t_ref)^(-mean nu) by the law of drift, nothing is measured",
     [(chip, "read_chip", read_chip_seen), (chip, "gdc_factors", theoretical_factors)]),
    # only one factor a layer
    ("chip-alpha-least-squares", "alpha is the slope of a straight line through the columns' readouts, now over then",
     [(chip, "read_chip", read_chip_seen), (chip, "gdc_factors", least_squares_factors)]),
]
