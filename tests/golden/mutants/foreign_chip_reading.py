"""Mistakes in drift and reads of a whole chip, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden.reference import chip, chosen, device_equations
from refpcm.spec.pcm import read_noise
from tests.golden.mutants.replacing import changed_inputs, parameter, replaced

READ, DEVICE_READ = chip.read_chip, device_equations.read


def _random(stage, change):
    """Other random numbers: change(array (2, R, K)) -> array, of all inputs whose names begin with the stage."""
    def changed(inputs, parameters):
        inputs.update({name: change(value) for name, value in inputs.items() if name.startswith(f"{stage}.")})
    return changed_inputs("chip_inference", changed)


def _one_for_both(array):
    return np.stack([array[0], array[0]])


# --- reads

def _state(change):
    """Reads of another state: change(state, number) -> state."""
    return replaced(
        chip, "read_chip", lambda state, w_max, number, *rest: READ(change(state, number), w_max, number, *rest)
    )


def _with_nu(change):
    return _state(
        lambda state, number: {
            **state,
            "nu": {name: change(nu, state["g_target_us"][name]).astype(nu.dtype) for name, nu in state["nu"].items()},
        }
    )


def _conductances(change):
    """Other conductances at a read: change(G, G_drift, G_T, z, s) -> G; s: relative noise."""
    def read(inputs, parameters):
        device, found = chosen.device(parameters), DEVICE_READ(inputs, parameters)["g_us"]
        at = inputs["g_target_us" if device.read_noise_from == "target" else "g_prog_us"]
        s = read_noise.relative_read_noise(at, device) * read_noise.accumulation(parameters["t_s"], device)
        return {"g_us": change(found, inputs["g_drift_us"], inputs["g_target_us"], inputs["z"], s)}
    return replaced(device_equations, "read", read)


def _noise_adds_up(inputs, parameters):
    for name in [name for name in inputs if name.startswith("z_read.0.")]:
        layer = name.removeprefix("z_read.0.")
        for number in (1, 2):
            inputs[f"z_read.{number}.{layer}"] = (
                inputs[f"z_read.{number}.{layer}"] + inputs[f"z_read.{number - 1}.{layer}"]
            )


MUTANTS = [
    ("wire-pair-read", "one read noise for both devices", _random("z_read", _one_for_both)),
    ("wire-pair-opposite", "read noise of G- is that of G+ with the other sign",
     _random("z_read", lambda z: np.stack([z[0], -z[0]]))),
    ("wire-drift-g-plus", "only G+ drifts", _with_nu(lambda nu, target: np.stack([nu[0], 0 * nu[1]]))),
    ("wire-idle-no-drift", "idle devices do not drift", _with_nu(lambda nu, target: np.where(target, nu, 0))),
    ("wire-read-of-net", "read noise relative to |G+ - G-|",
     _conductances(
         lambda g, drifted, target, z, s: np.maximum(drifted + np.abs(drifted[0] - drifted[1]) * s * z, 0)
     )),
    ("wire-read-idle-none", "idle devices are read without noise",
     _conductances(lambda g, drifted, target, z, s: np.where(target, g, drifted))),
    ("wire-read-noise-adds-up", "noise adds up over the reads", changed_inputs("chip_inference", _noise_adds_up)),
    ("wire-read-noise-as-at-first", "read noise has the size of the first read",
     replaced(
         device_equations,
         "read",
         lambda inputs, parameters: DEVICE_READ(
             inputs, {**parameters, "t_s": parameters.get("t_0_s", parameters["t_s"])}
         ),
     )),
    ("wire-q-at-programmed", "Q_s of the programmed conductances, whatever is asked",
     changed_inputs("chip_inference", parameter("read_noise_from", "programmed"))),
]
