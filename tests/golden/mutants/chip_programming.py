"""Mistakes in the wiring of a whole chip up to the weights that a read finds (L8).

STAGES says where the report must put the first difference: the beginning of a tensor's name.
"""

import numpy as np

from refpcm.golden.reference import chip, device_equations
from refpcm.spec.pcm import drift, mapping
from tests.golden.mutants.replacing import changed_inputs, parameter, replaced

ON = "chip_inference"
ORIGINAL_READ, ORIGINAL_PROGRAMMED, ORIGINAL_MATRICES = chip.read_chip, chip.programmed_chip, chip.to_matrices
OWN_W_MAX = mapping.largest_weight
NOISE = ("z_prog", "z_nu", "z_read")


def _scaled(*kinds, by=0.0):
    """A change for `changed_inputs`: the random numbers of these kinds times a factor."""
    def change(inputs, parameters):
        for name in [name for name in inputs if name.split(".")[0] in kinds]:
            inputs[name] = by * inputs[name]
    return change


def _same_noise_for_a_pair(inputs, parameters):
    for name in [name for name in inputs if name.split(".")[0] == "z_prog"]:
        inputs[name] = np.stack([inputs[name][0]] * 2)


def _no_device_is_stuck(inputs, parameters):
    parameters["stuck_fraction"] = 0.0


def _nu_noise_is_that_of_programming(inputs, parameters):
    for name in [name for name in inputs if name.startswith("z_nu.")]:
        inputs[name] = inputs["z_prog." + name[5:]]


def _same_read_noise_at_every_read(inputs, parameters):
    for name in [name for name in inputs if name.startswith("z_read.")]:
        inputs[name] = inputs["z_read.0." + name.split(".")[2]]


def _transposed_kernels(net, weights, on_chip):
    """Rows in the order kernel row, kernel column, channel."""
    found = ORIGINAL_MATRICES(net, weights, on_chip)
    for name in ("conv1", "conv2"):
        if name in found:
            w = weights[f"{name}.weight"]
            found[name] = np.ascontiguousarray(w.transpose(0, 2, 3, 1).reshape(len(w), -1).T)
    return found


def _bias_row_first(net, weights, on_chip):
    found = ORIGINAL_MATRICES(net, weights, on_chip)
    if "fc" in found:
        found["fc"] = np.roll(found["fc"], 1, 0)
    return found


def _largest_but_of_the_bias_row(weights):
    """The linear layer is the one of 7 rows."""
    return OWN_W_MAX(weights[:-1] if len(weights) == 7 else weights)


def _w_max_of_each_column(inputs, parameters):
    w = np.asarray(inputs["weights"], np.float64)
    return {"g_target_us": np.stack([np.maximum(w, 0), np.maximum(-w, 0)]) / np.abs(w).max(0) * parameters["g_max_us"]}


def _w_max_of_the_network():
    """All layers scaled by the largest weight of the network."""
    seen = {}

    def to_matrices(net, weights, on_chip):
        found = ORIGINAL_MATRICES(net, weights, on_chip)
        seen["w_max"] = max(float(np.abs(matrix).max()) for matrix in found.values())
        return found
    return replaced(chip, "to_matrices", to_matrices) + replaced(mapping, "largest_weight", lambda w: seen["w_max"])


def _changed_chip(change):
    """The chip after programming, changed: change(found, inputs, parameters) works in place."""
    def programmed_chip(matrices, inputs, parameters, equations):
        found = ORIGINAL_PROGRAMMED(matrices, inputs, parameters, equations)
        change(found, inputs, parameters)
        return found
    return replaced(chip, "programmed_chip", programmed_chip)


def _nu_of_programmed(found, inputs, parameters):
    for name, g_us in found["g_prog_us"].items():
        arrays = {"g_target_us": g_us, "z": inputs[f"z_nu.{name}"]}
        found["nu"][name] = device_equations.drift_exponents(arrays, parameters)["nu"].astype(g_us.dtype)


def _stuck_do_not_drift(found, inputs, parameters):
    for name, nu in found["nu"].items():
        found["nu"][name] = np.where(inputs[f"u_selection.{name}"] < parameters["stuck_fraction"], 0, nu).astype(nu.dtype)


def _nu_of_the_layer(found, inputs, parameters):
    for name, nu in found["nu"].items():
        found["nu"][name] = np.full_like(nu, nu.mean())


def _changed_before_reading(change):
    """The chip before a read, changed: change(chip, number, parameters) -> chip."""
    def read_chip(state, w_max, number, inputs, parameters, equations):
        return ORIGINAL_READ(change(state, number, parameters), w_max, number, inputs, parameters, equations)
    return replaced(chip, "read_chip", read_chip)


def _rolled(part):
    def change(state, number, parameters):
        return {**state, part: {name: np.roll(array, number) for name, array in state[part].items()}}
    return change


def _reading_changes_the_chip():
    """The conductances that a read finds are what the next one starts from."""
    def read_chip(state, w_max, number, inputs, parameters, equations):
        found = ORIGINAL_READ(state, w_max, number, inputs, parameters, equations)
        state["g_prog_us"] = found["g_us"]
        return found

    def programmed_chip(*arguments):
        return {stage: dict(tensors) for stage, tensors in ORIGINAL_PROGRAMMED(*arguments).items()}
    return replaced(chip, "read_chip", read_chip) + replaced(chip, "programmed_chip", programmed_chip)


def _drifting_on():
    """A read drifts on from what the one before had left, by the whole time since programming."""
    def read_chip(state, w_max, number, inputs, parameters, equations):
        found = ORIGINAL_READ(state, w_max, number, inputs, parameters, equations)
        state["g_prog_us"] = found["g_drift_us"]
        return found
    return replaced(chip, "read_chip", read_chip)


def _hours(g_prog_us, nu, t_s, device):
    return g_prog_us * (t_s / 3600 / device.t0_s) ** -nu


def _since_the_first_read(state, w_max, number, inputs, parameters, equations):
    """Times counted from the first read on instead of from programming on."""
    shifted = {**parameters, f"t_{number}_s": max(parameters[f"t_{number}_s"] - parameters["t_0_s"], 200.0)} if number else parameters
    return ORIGINAL_READ(state, w_max, number, inputs, shifted, equations)


def _only_g_plus(state, w_max, number, inputs, parameters, equations):
    found = ORIGINAL_READ(state, w_max, number, inputs, parameters, equations)
    for name, g_us in found["g_us"].items():
        found["weights"][name] = (g_us[0] * (w_max[name] / g_us.max())).astype(g_us.dtype)
    return found


def _w_max_of_what_was_read(state, w_max, number, inputs, parameters, equations):
    """Weights scaled so that the largest that was read is W_max again."""
    found = ORIGINAL_READ(state, w_max, number, inputs, parameters, equations)
    for name, w in found["weights"].items():
        found["weights"][name] = (w * (w_max[name] / np.abs(w).max())).astype(w.dtype)
    return found


CATALOGUE = [  # stage, name, what is wrong, replacements
    ("matrix", "chip-row-order", "rows of a convolution by kernel, then channel", replaced(chip, "to_matrices", _transposed_kernels)),
    ("matrix", "chip-bias-first", "the bias row before the others", replaced(chip, "to_matrices", _bias_row_first)),
    ("matrix", "chip-always-inner", "first and last layer digital whatever is asked", changed_inputs(ON, parameter("on_chip", "inner"))),
    ("g_target_us", "chip-w-max-without-bias", "W_max without the bias row",
     replaced(mapping, "largest_weight", _largest_but_of_the_bias_row)),
    ("g_target_us", "chip-w-max-per-column", "W_max per column", replaced(device_equations, "map_weights", _w_max_of_each_column)),
    ("g_target_us", "chip-w-max-of-network", "one W_max for all layers", _w_max_of_the_network()),
    ("g_prog_us", "chip-no-programming-noise", "no programming noise", changed_inputs(ON, _scaled("z_prog"))),
    ("g_prog_us", "chip-pair-shares-noise", "G+ and G- share their programming noise", changed_inputs(ON, _same_noise_for_a_pair)),
    ("g_prog_us", "chip-nobody-stuck", "stuck devices left out", changed_inputs(ON, _no_device_is_stuck)),
    ("nu", "chip-nu-of-programmed", "nu from the programmed conductance", _changed_chip(_nu_of_programmed)),
    ("nu", "chip-nu-shares-noise", "nu with the random numbers of programming",
     changed_inputs(ON, _nu_noise_is_that_of_programming)),
    ("nu", "chip-nu-mean", "every device drifts with its mean exponent", changed_inputs(ON, _scaled("z_nu"))),
    ("nu", "chip-nu-of-layer", "one exponent for all devices of a layer", _changed_chip(_nu_of_the_layer)),
    ("nu", "chip-stuck-without-drift", "stuck devices do not drift", _changed_chip(_stuck_do_not_drift)),
    ("g_drift_us.0", "chip-hours", "hours for seconds", replaced(drift, "drifted_us", _hours)),
    ("g_drift_us.1", "chip-nu-redrawn", "nu redrawn at each read", _changed_before_reading(_rolled("nu"))),
    ("g_drift_us.1", "chip-programming-redrawn", "programming redrawn at each read", _changed_before_reading(_rolled("g_prog_us"))),
    ("g_drift_us.1", "chip-read-is-kept", "a read's noise stays in the devices", _reading_changes_the_chip()),
    ("g_drift_us.1", "chip-drift-twice", "a read drifts on from the one before, by the whole time", _drifting_on()),
    ("g_drift_us.1", "chip-time-since-read", "time counted from the first read", replaced(chip, "read_chip", _since_the_first_read)),
    ("g_us.0", "chip-no-read-noise", "no read noise", changed_inputs(ON, _scaled("z_read"))),
    ("g_us.1", "chip-read-noise-once", "the same read noise at every read", changed_inputs(ON, _same_read_noise_at_every_read)),
    ("weights.0", "chip-only-g-plus", "G- left out of the weights", replaced(chip, "read_chip", _only_g_plus)),
    ("weights.0", "chip-weights-renormalised", "weights scaled to W_max after each read",
     replaced(chip, "read_chip", _w_max_of_what_was_read)),
]
MUTANTS = [(name, what, replacements) for _, name, what, replacements in CATALOGUE]
STAGES = {name: stage for stage, name, _, _ in CATALOGUE}
