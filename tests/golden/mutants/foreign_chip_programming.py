"""Mistakes in the wiring of a whole chip, from matrices to reads, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden.reference import chip, chosen, device_equations
from refpcm.spec import network_on_tiles
from refpcm.spec.pcm import mapping, read_noise
from refpcm.spec.resnet import Conv2d, crossbar_layers
from tests.golden.mutants.replacing import changed_inputs, parameter, replaced

MATRICES, PROGRAMMED, READ, DEVICE_READ = chip.to_matrices, chip.programmed_chip, chip.read_chip, device_equations.read
LARGEST, VECTORS, LAYER_INPUTS = mapping.largest_weight, network_on_tiles.input_vectors, chip.layer_inputs


# --- matrices

def _kernel_first(rows, layer):
    """The order of the rows when the channel changes fastest."""
    return np.arange(rows).reshape(layer.in_channels, -1).T.reshape(-1)


def _rows_kernel_first():
    def to_matrices(net, weights, on_chip):
        found = MATRICES(net, weights, on_chip)
        return {layer.name: found[layer.name][_kernel_first(len(found[layer.name]), layer)] if isinstance(layer, Conv2d)
                else found[layer.name] for layer in crossbar_layers(net) if layer.name in found}

    def input_vectors(layer, values):
        vectors = VECTORS(layer, values)
        return vectors[..., _kernel_first(vectors.shape[-1], layer)] if isinstance(layer, Conv2d) else vectors
    return replaced(chip, "to_matrices", to_matrices) + [(place, "input_vectors", input_vectors) for place in (chip, network_on_tiles)]


def _matrices(change):
    """Other matrices: change(name, matrix (R, K)) -> matrix."""
    return replaced(chip, "to_matrices", lambda *arguments: {name: np.ascontiguousarray(change(name, matrix))
                                                              for name, matrix in MATRICES(*arguments).items()})


def _bias_first():
    def layer_inputs(layer, values):
        found = LAYER_INPUTS(layer, values)
        return found if found is values else np.roll(found, 1, 1)
    return (_matrices(lambda name, matrix: np.roll(matrix, 1, 0) if name == "fc" else matrix)
            + [(place, "layer_inputs", layer_inputs) for place in (chip, network_on_tiles)])


def _w_max(change):
    """Another W_max: change(matrix, all matrices) -> a number."""
    seen = {}

    def to_matrices(*arguments):
        seen["all"] = MATRICES(*arguments)
        return seen["all"]
    return (replaced(chip, "to_matrices", to_matrices)
            + replaced(mapping, "largest_weight", lambda matrix: float(change(matrix, list(seen["all"].values())))))


# --- programming: random numbers, then what was programmed

def _random(stage, change):
    """Other random numbers: change(array (2, R, K)) -> array, of all inputs whose names begin with the stage."""
    def changed(inputs, parameters):
        inputs.update({name: change(value) for name, value in inputs.items() if name.startswith(f"{stage}.")})
    return changed_inputs("chip_inference", changed)


def _one_for_both(array):
    return np.stack([array[0], array[0]])


def _programmed(change):
    """Another chip: change(state of a layer, its random numbers, parameters, layer's name) changes the state in place."""
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


def _nu_layer(layer, numbers, parameters):
    layer["nu"] = np.full_like(layer["nu"], layer["nu"].mean())


def _nu_of_larger(layer, numbers, parameters):
    both = np.broadcast_to(layer["g_target_us"].max(0), layer["nu"].shape)
    layer["nu"] = device_equations.drift_exponents({"g_target_us": both, "z": numbers["z_nu"]}, parameters)["nu"]


def _stuck(numbers, parameters):
    return numbers["u_selection"] < chosen.device(parameters).stuck_fraction


def _idle_never_stuck(layer, numbers, parameters):
    free = device_equations.programmed({"g_target_us": layer["g_target_us"], "z": numbers["z_prog"]}, parameters)["g_prog_us"]
    layer["g_prog_us"] = np.where(layer["g_target_us"] == 0, free, layer["g_prog_us"])


def _stuck_first(layer, numbers, parameters):
    noisy = device_equations.programmed({"g_target_us": layer["g_prog_us"], "z": numbers["z_prog"]}, parameters)["g_prog_us"]
    layer["g_prog_us"] = np.where(_stuck(numbers, parameters), noisy, layer["g_prog_us"])


def _stuck_keeps_still(layer, numbers, parameters):
    layer["nu"] = np.where(_stuck(numbers, parameters), 0.0, layer["nu"])


def _stuck_is_target(layer, numbers, parameters):
    layer["g_target_us"] = np.where(_stuck(numbers, parameters), layer["g_prog_us"], layer["g_target_us"])


# --- reads

def _state(change):
    """Reads of another state: change(state, number) -> state."""
    return replaced(chip, "read_chip", lambda state, w_max, number, *rest: READ(change(state, number), w_max, number, *rest))


def _with_nu(change):
    return _state(lambda state, number: {**state, "nu": {name: change(nu, state["g_target_us"][name]).astype(nu.dtype)
                                                         for name, nu in state["nu"].items()}})


def _drifts_on():
    before = {}

    def read_chip(state, w_max, number, *rest):
        found = READ({**state, "g_prog_us": before["g_us"]} if number else state, w_max, number, *rest)
        before["g_us"] = found["g_drift_us"]
        return found
    return replaced(chip, "read_chip", read_chip)


def _conductances(change):
    """Other conductances at a read: change(G, G_drift, G_T, z, s) -> G; s: relative noise."""
    def read(inputs, parameters):
        device, found = chosen.device(parameters), DEVICE_READ(inputs, parameters)["g_us"]
        at = inputs["g_target_us" if device.read_noise_from == "target" else "g_prog_us"]
        s = read_noise.relative_read_noise(at, device) * read_noise.accumulation(parameters["t_s"], device)
        return {"g_us": change(found, inputs["g_drift_us"], inputs["g_target_us"], inputs["z"], s)}
    return replaced(device_equations, "read", read)


def _clipped_weights(state, w_max, *rest):
    found = READ(state, w_max, *rest)
    found["weights"] = {name: np.clip(w, -w_max[name], w_max[name]).astype(w.dtype) for name, w in found["weights"].items()}
    return found


def _times_from_first_read(inputs, parameters):
    first = parameters["t_0_s"] - chosen.device(parameters).t0_s
    parameters.update({f"t_{i}_s": parameters[f"t_{i}_s"] - first for i in range(chip.READS)})


def _noise_adds_up(inputs, parameters):
    for name in [name for name in inputs if name.startswith("z_read.0.")]:
        layer = name.removeprefix("z_read.0.")
        for number in (1, 2):
            inputs[f"z_read.{number}.{layer}"] = inputs[f"z_read.{number}.{layer}"] + inputs[f"z_read.{number - 1}.{layer}"]


def _noise_of_read_0(inputs, parameters):
    for name in list(inputs):
        if name.startswith(("z_read.1.", "z_read.2.")):
            inputs[name] = inputs[f"z_read.0.{name[9:]}"]


MUTANTS = [
    ("wire-rows-kernel-first", "rows in the order kernel, channel, in matrices and inputs", _rows_kernel_first()),
    ("wire-weight-reshaped", "reshape where a transpose belongs",
     _matrices(lambda name, matrix: np.ascontiguousarray(matrix.T).reshape(matrix.shape))),
    ("wire-bias-first", "the bias row comes first", _bias_first()),
    ("wire-w-max-network", "W_max over all layers", _w_max(lambda matrix, everything: max(LARGEST(each) for each in everything))),
    ("wire-w-max-of-first", "W_max of the first layer for all", _w_max(lambda matrix, everything: LARGEST(everything[0]))),
    ("wire-pair-noise", "one programming noise for both devices of a pair", _random("z_prog", _one_for_both)),
    ("wire-pair-exponents", "one random exponent for both devices", _random("z_nu", _one_for_both)),
    ("wire-pair-read", "one read noise for both devices", _random("z_read", _one_for_both)),
    ("wire-pair-opposite", "read noise of G- is that of G+ with the other sign", _random("z_read", lambda z: np.stack([z[0], -z[0]]))),
    ("wire-stuck-pairs", "both devices of a pair get stuck", _random("u_selection", _one_for_both)),
    ("wire-stuck-g-plus", "only G+ gets stuck", _random("u_selection", lambda u: np.stack([u[0], 0 * u[1] + 1]))),
    ("wire-devices-last", "random numbers in the order row, column, device",
     _random("z_prog", lambda z: z.reshape(*z.shape[1:], 2).transpose(2, 0, 1))),
    ("wire-columns-first", "random numbers column by column",
     _random("z_prog", lambda z: z.reshape(2, z.shape[2], z.shape[1]).transpose(0, 2, 1))),
    ("wire-nu-exchanged", "exponents of G+ and G- exchanged", _programmed(_nu_exchanged)),
    ("wire-nu-column", "one exponent a column", _programmed(_nu_column)),
    ("wire-nu-layer", "one exponent a layer", _programmed(_nu_layer)),
    ("wire-nu-of-larger", "exponents of both devices at the pair's larger target", _programmed(_nu_of_larger)),
    ("wire-stuck-not-idle", "only devices with a target get stuck", _programmed(_idle_never_stuck)),
    ("wire-stuck-first", "programming noise on what is stuck", _programmed(_stuck_first)),
    ("wire-stuck-keeps-still", "stuck devices do not drift", _programmed(_stuck_keeps_still)),
    ("wire-stuck-is-target", "stuck conductances count as targets in the read noise", _programmed(_stuck_is_target)),
    ("wire-drifts-on", "each read drifts on from the read before", _drifts_on()),
    ("wire-drift-g-plus", "only G+ drifts", _with_nu(lambda nu, target: np.stack([nu[0], 0 * nu[1]]))),
    ("wire-idle-no-drift", "idle devices do not drift", _with_nu(lambda nu, target: np.where(target, nu, 0))),
    ("wire-time-from-first-read", "times count from the first read", changed_inputs("chip_inference", _times_from_first_read)),
    ("wire-read-of-net", "read noise relative to |G+ - G-|",
     _conductances(lambda g, drifted, target, z, s: np.maximum(drifted + np.abs(drifted[0] - drifted[1]) * s * z, 0))),
    ("wire-read-idle-none", "idle devices are read without noise",
     _conductances(lambda g, drifted, target, z, s: np.where(target, g, drifted))),
    ("wire-read-noise-0", "the noise of read 0 at each read", changed_inputs("chip_inference", _noise_of_read_0)),
    ("wire-read-noise-adds-up", "noise adds up over the reads", changed_inputs("chip_inference", _noise_adds_up)),
    ("wire-read-noise-as-at-first", "read noise has the size of the first read", replaced(device_equations, "read",
     lambda inputs, parameters: DEVICE_READ(inputs, {**parameters, "t_s": parameters.get("t_0_s", parameters["t_s"])}))),
    ("wire-q-at-programmed", "Q_s of the programmed conductances, whatever is asked",
     changed_inputs("chip_inference", parameter("read_noise_from", "programmed"))),
    ("wire-idle-exact", "idle devices at exactly 0, whatever is asked", changed_inputs("chip_inference", parameter("reset_device", "zero"))),
    ("wire-none-stuck", "no stuck devices", changed_inputs("chip_inference", parameter("stuck_fraction", 0.0))),
    ("wire-weights-clipped", "weights limited to +-W_max after a read", replaced(chip, "read_chip", _clipped_weights)),
]
