"""The chip: what one programming left behind, and what a read of it gives at any later time.

A chip is its identity (device, seed, chip number) and, for every matrix, the state of both devices of each pair.
Reading changes nothing: the conductances at (t, draw) are a function of the chip. R rows = inputs, K columns = outputs.
"""

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec import random
from refpcm.spec.pcm import drift, mapping, note2, programming, read_noise, transfer
from refpcm.spec.pcm.device import Device
from refpcm.spec.pcm.device_data import device_to_dict

FORMAT = "refpcm chip 1"
STATE = ("g_target_us", "g_prog_us", "nu")


@dataclass(frozen=True, eq=False)
class Crossbar:
    """One matrix on the chip: R rows (inputs), K columns (outputs).

    number: the layer in the random numbers' address. g_target_us, g_prog_us [uS], nu: (2, R, K), G+ then G-.
    """
    name: str
    number: int
    w_max: float
    g_target_us: np.ndarray
    g_prog_us: np.ndarray
    nu: np.ndarray


@dataclass(frozen=True, eq=False)
class Chip:
    """One programming. Two chips are the same if `chip_hash` is."""
    device: Device
    seed: int
    chip: int
    crossbars: tuple


def program(matrices, device, seed, chip, numbers=None, dtype=np.float32):
    """Return a new Chip with the matrices {name: (R, K)} programmed into it.

    numbers: {name: layer number in the random numbers' address}; 0, 1, 2, ... in order if left out. dtype: precision
    of the stored state, float32 or float64; the arithmetic is float64 throughout.
    Raises RefpcmError for a matrix that is empty or not finite, a name that is not text, an identity outside 32 bits,
    another dtype, and layer numbers that are missing, used twice or outside 16 bits.
    """
    crossbars = [Crossbar(name, int(number), *program_matrix(matrix, device, seed, chip, number, dtype))
                 for (name, matrix), number in zip(matrices.items(), layer_numbers(matrices, numbers, dtype))]
    return Chip(device, int(seed), int(chip), tuple(crossbars))


def program_matrix(matrix, device, seed, chip, number, dtype=np.float32):
    """Return W_max, g_target_us, g_prog_us [uS] and nu, each (2, R, K), of one matrix (R, K), stage by stage."""
    shape = (2,) + np.shape(matrix)

    def numbers(distribution, purpose):
        return distribution(seed, chip, purpose, number, 0, 0, int(np.prod(shape))).reshape(shape)

    w_max = mapping.largest_weight(matrix)
    g_target_us = mapping.to_conductances(matrix, w_max, device.g_max_us)
    z, z_nu = (numbers(random.normals, purpose) for purpose in (random.Purpose.PROGRAMMING, random.Purpose.DRIFT_EXPONENT))
    if device.model == "transfer":
        nu = np.zeros(shape)
        g_prog_us = transfer.transferred_us(g_target_us, z, device)
    elif device.model == "note2":
        nu = note2.note2_exponents(g_target_us, z_nu, device)
        g_prog_us = note2.note2_programmed_us(g_target_us, nu, z, device)
    else:
        nu = drift.drift_exponents(g_target_us, z_nu, device)
        g_prog_us = programming.programmed_us(g_target_us, z, device)
    g_prog_us = programming.with_stuck_us(g_prog_us, numbers(random.uniforms, random.Purpose.STUCK_SELECTION),
                                          numbers(random.uniforms, random.Purpose.STUCK_CONDUCTANCE), device)
    return w_max, g_target_us.astype(dtype), g_prog_us.astype(dtype), nu.astype(dtype)


def layer_numbers(matrices, numbers, dtype):
    """Return the layer number of each matrix, all different: two with one number would share all their noise.

    Raises RefpcmError as `program` for the names, the numbers and the dtype.
    """
    unnamed = [name for name in matrices if not isinstance(name, str)]
    if unnamed:
        raise RefpcmError(f"the names of matrices are text, as files have them, not {unnamed[0]!r}")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise RefpcmError(f"a chip's state is float32 or float64, not {np.dtype(dtype)}")
    if numbers is None:
        return list(range(len(matrices)))
    missing = [name for name in matrices if name not in numbers]
    if missing:
        raise RefpcmError(f"layer numbers for the random numbers are missing for {', '.join(map(repr, missing))}; "
                          "give every layer one, or leave out `numbers`")
    chosen = [numbers[name] for name in matrices]
    for name, number in zip(matrices, chosen):
        if chosen.count(number) > 1:
            raise RefpcmError(f"layer {name!r} shares its number {number!r}, and so all its noise, with another; "
                              "give every layer a number of its own")
    return chosen


def read(chip, t_s, draw=0):
    """Return the effective weights {name: (R, K)} at t seconds after programming; draw numbers the reads at that time.

    Raises RefpcmError for a time before t0 or beyond the drift law, and for a draw outside 32 bits.
    """
    return {crossbar.name: effective_weights(chip, crossbar, read_conductances(chip, crossbar, t_s, draw))
            for crossbar in chip.crossbars}


def read_conductances(chip, crossbar, t_s, draw):
    """Return G+ and G- (2, R, K) [uS] of a crossbar at t seconds after programming, for read number `draw`.

    Raises RefpcmError for a time before t0 or beyond the drift law, and for a draw outside 32 bits.
    """
    device, g_prog_us = chip.device, programmed_as_read(chip.device, crossbar)
    drift.check_time(t_s, device)
    if device.model == "transfer":
        return g_prog_us
    if device.model == "note2":
        z = random.normals(chip.seed, chip.chip, random.Purpose.LATE_ERROR, crossbar.number, 0, 0,
                           g_prog_us.size).reshape(g_prog_us.shape)
        state = (array.astype(np.float64) for array in (crossbar.g_target_us, g_prog_us, crossbar.nu))
        return note2.note2_read_us(*state, z, t_s, device).astype(g_prog_us.dtype)
    z = random.normals(chip.seed, chip.chip, random.Purpose.READ_NOISE, crossbar.number, draw, int(read_start(t_s)),
                       g_prog_us.size).reshape(g_prog_us.shape)
    g_drift_us = drift.drifted_us(g_prog_us.astype(np.float64), crossbar.nu.astype(np.float64), t_s, device)
    q_s = read_noise.relative_read_noise(curve_conductance_us(device, crossbar), device)
    return read_noise.read_us(g_drift_us, q_s, z, t_s, device).astype(g_prog_us.dtype)


def read_start(t_s):
    """Return the first element of a read's random numbers: 2^32 times the bit pattern of float32(t). E-44."""
    return np.uint64(int(np.float32(t_s).view(np.uint32)) << 32)


def curve_conductance_us(device, crossbar):
    """Return the conductances (2, R, K) [uS], float64, at which Q_s is taken: the targets or the programmed ones (I-7)."""
    g_us = crossbar.g_target_us if device.read_noise_from == "target" else programmed_as_read(device, crossbar)
    return g_us.astype(np.float64)


def effective_weights(chip, crossbar, g_us):
    """Return the weights (R, K) that conductances (2, R, K) [uS] of this crossbar stand for. E-45."""
    weights = mapping.to_weights(g_us, crossbar.w_max, chip.device.g_max_us)
    return (weights * stretch(chip.device, crossbar)).astype(g_us.dtype)


# --- identity of the pair (I-8): its devices as they are, or the net conductance split again and stretched to G_max

def programmed_as_read(device, crossbar):
    """Return the programmed conductances (2, R, K) [uS] that a read starts from: the devices', or the collapsed pair's.

    E-45.
    """
    if device.identity == "devices":
        return crossbar.g_prog_us
    return collapsed_us(crossbar.g_prog_us, device.g_max_us)


def collapsed_us(g_us, g_max_us):
    """Return pairs (2, R, K) [uS] by their net alone: G+, G- = max(+-net, 0), stretched so that the largest is G_max. E-45."""
    net = g_us[0].astype(np.float64) - g_us[1]
    return mapping.to_conductances(net, largest_net_us(g_us), g_max_us).astype(g_us.dtype)


def stretch(device, crossbar):
    """Return what net conductances were divided by so that the largest became G_max: a collapsed pair's, else 1.

    E-45.
    """
    return 1.0 if device.identity == "devices" else largest_net_us(crossbar.g_prog_us) / device.g_max_us


def largest_net_us(g_us):
    """Return max |G+ - G-| [uS] over the pairs (2, R, K). E-45."""
    return float(np.max(np.abs(g_us[0].astype(np.float64) - g_us[1])))


# --- what a chip is told by

def chip_hash(chip):
    """Return the SHA-256 over identity and state, as hexadecimal: equal for equal chips on any machine."""
    digest = hashlib.sha256(identity_text(chip).encode())
    for crossbar in chip.crossbars:
        for part in STATE:
            array = getattr(crossbar, part)
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def identity_text(chip):
    """Return device, seed, chip number and the layers' names, numbers, W_max and sizes as JSON."""
    layers = [{"name": c.name, "number": c.number, "w_max": c.w_max, "rows": c.nu.shape[1], "columns": c.nu.shape[2]}
              for c in chip.crossbars]
    return json.dumps({"format": FORMAT, "device": device_to_dict(chip.device), "seed": chip.seed, "chip": chip.chip,
                       "layers": layers}, sort_keys=True)
