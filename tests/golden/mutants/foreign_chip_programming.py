"""Mistakes in matrices, programming and exponents of a whole chip, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden.reference import chip, chosen, device_equations
from refpcm.spec import network_on_tiles
from refpcm.spec.pcm import mapping
from refpcm.spec.resnet import Conv2d, crossbar_layers
from tests.golden.mutants.replacing import changed_inputs, parameter, replaced

MATRICES, PROGRAMMED = chip.to_matrices, chip.programmed_chip
LARGEST, VECTORS = mapping.largest_weight, network_on_tiles.input_vectors


# --- matrices

def _kernel_first(rows, layer):
    """The order of the rows when the channel changes fastest."""
    return np.arange(rows).reshape(layer.in_channels, -1).T.reshape(-1)


def _rows_kernel_first():
    def to_matrices(net, weights, on_chip):
        found = MATRICES(net, weights, on_chip)
        return {
            layer.name: found[layer.name][_kernel_first(len(found[layer.name]), layer)]
            if isinstance(layer, Conv2d)
            else found[layer.name]
            for layer in crossbar_layers(net)
            if layer.name in found
        }

    def input_vectors(layer, values):
        vectors = VECTORS(layer, values)
        return vectors[..., _kernel_first(vectors.shape[-1], layer)] if isinstance(layer, Conv2d) else vectors
    return replaced(chip, "to_matrices", to_matrices) + [
        (place, "input_vectors", input_vectors) for place in (chip, network_on_tiles)
    ]


def _matrices(change):
    """Other matrices: change(name, matrix (R, K)) -> matrix."""
    return replaced(
        chip,
        "to_matrices",
        lambda *arguments: {
            name: np.ascontiguousarray(change(name, matrix)) for name, matrix in MATRICES(*arguments).items()
        },
    )


def _w_max(change):
    """Another W_max: change(matrix, all matrices) -> a number."""
    seen = {}

    def to_matrices(*arguments):
        seen["all"] = MATRICES(*arguments)
        return seen["all"]
    return replaced(chip, "to_matrices", to_matrices) + replaced(
        mapping, "largest_weight", lambda matrix: float(change(matrix, list(seen["all"].values())))
    )


# --- programming: random numbers, then what was programmed

def _random(stage, change):
    """Other random numbers: change(array (2, R, K)) -> array, of all inputs whose names begin with the stage."""
    def changed(inputs, parameters):
        inputs.update({name: change(value) for name, value in inputs.items() if name.startswith(f"{stage}.")})
    return changed_inputs("chip_inference", changed)


def _one_for_both(array):
    return np.stack([array[0], array[0]])


def _programmed(change):
    """Another chip: change(state of a layer, its random numbers, parameters) changes the state in place."""
    def programmed_chip(matrices, inputs, parameters, equations):
        state = PROGRAMMED(matrices, inputs, parameters, equations)
        for name in matrices:
            layer = {stage: tensors[name] for stage, tensors in state.items()}
            numbers = {stage: inputs[f"{stage}.{name}"] for stage in ("z_prog", "z_nu", "u_selection", "u_conductance")}
            change(layer, numbers, parameters)
            for stage, tensor in layer.items():
                state[stage][name] = tensor.astype(matrices[name].dtype)
        return state
    return replaced(chip, "programmed_chip", programmed_chip)


def _nu_exchanged(layer, numbers, parameters):
    layer["nu"] = layer["nu"][::-1]


def _nu_column(layer, numbers, parameters):
    layer["nu"] = np.broadcast_to(layer["nu"].mean((0, 1)), layer["nu"].shape)


def _nu_of_larger(layer, numbers, parameters):
    both = np.broadcast_to(layer["g_target_us"].max(0), layer["nu"].shape)
    layer["nu"] = device_equations.drift_exponents({"g_target_us": both, "z": numbers["z_nu"]}, parameters)["nu"]


def _stuck(numbers, parameters):
    return numbers["u_selection"] < chosen.device(parameters).stuck_fraction


def _idle_never_stuck(layer, numbers, parameters):
    free = device_equations.programmed({"g_target_us": layer["g_target_us"], "z": numbers["z_prog"]}, parameters)[
        "g_prog_us"
    ]
    layer["g_prog_us"] = np.where(layer["g_target_us"] == 0, free, layer["g_prog_us"])


def _stuck_first(layer, numbers, parameters):
    noisy = device_equations.programmed({"g_target_us": layer["g_prog_us"], "z": numbers["z_prog"]}, parameters)[
        "g_prog_us"
    ]
    layer["g_prog_us"] = np.where(_stuck(numbers, parameters), noisy, layer["g_prog_us"])


def _stuck_is_target(layer, numbers, parameters):
    layer["g_target_us"] = np.where(_stuck(numbers, parameters), layer["g_prog_us"], layer["g_target_us"])


MUTANTS = [
    ("wire-rows-kernel-first", "rows in the order kernel, channel, in matrices and inputs", _rows_kernel_first()),
    ("wire-weight-reshaped", "reshape where a transpose belongs",
     _matrices(lambda name, matrix: np.ascontiguousarray(matrix.T).reshape(matrix.shape))),
    ("wire-w-max-of-first", "W_max of the first layer for all",
     _w_max(lambda matrix, everything: LARGEST(everything[0]))),
    ("wire-pair-exponents", "one random exponent for both devices", _random("z_nu", _one_for_both)),
    ("wire-stuck-pairs", "both devices of a pair get stuck", _random("u_selection", _one_for_both)),
    ("wire-stuck-g-plus", "only G+ gets stuck", _random("u_selection", lambda u: np.stack([u[0], 0 * u[1] + 1]))),
    ("wire-devices-last", "random numbers in the order row, column, device",
     _random("z_prog", lambda z: z.reshape(*z.shape[1:], 2).transpose(2, 0, 1))),
    ("wire-columns-first", "random numbers column by column",
     _random("z_prog", lambda z: z.reshape(2, z.shape[2], z.shape[1]).transpose(0, 2, 1))),
    ("wire-nu-exchanged", "exponents of G+ and G- exchanged", _programmed(_nu_exchanged)),
    ("wire-nu-column", "one exponent a column", _programmed(_nu_column)),
    ("wire-nu-of-larger", "exponents of both devices at the pair's larger target", _programmed(_nu_of_larger)),
    ("wire-stuck-not-idle", "only devices with a target get stuck", _programmed(_idle_never_stuck)),
    ("wire-stuck-first", "programming noise on what is stuck", _programmed(_stuck_first)),
    ("wire-stuck-is-target", "stuck conductances count as targets in the read noise", _programmed(_stuck_is_target)),
    ("wire-idle-exact", "idle devices at exactly 0, whatever is asked",
     changed_inputs("chip_inference", parameter("reset_device", "zero"))),
]
