"""The chip: what one programming left behind, and what a read of it gives at any later time.

A chip is its identity (device, seed, chip number) and, for every matrix, the state of both devices of each pair.
Reading changes nothing: the conductances at (t, draw) are a function of the chip.
"""

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from refpcm import rng
from refpcm.elementary import log
from refpcm.errors import RefpcmError
from refpcm.pcm import drift, fused, mapping, programming, read_noise
from refpcm.pcm.curve import encode
from refpcm.pcm.device import Device
from refpcm.pcm.device_file import device_from_dict, device_to_dict

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

    def read(self, t_s, draw=0):
        """Effective weights {name: (R, K)} at t seconds after programming; draw numbers the reads at that time.

        Raises RefpcmError for a time before t0 or beyond the drift law, and for a draw outside 32 bits.
        """
        weights = [np.empty(c.nu.shape[1:], c.nu.dtype) for c in self.crossbars]
        _read(fused.fill_weights, self, self.crossbars, t_s, draw, weights)
        return {c.name: w for c, w in zip(self.crossbars, weights)}


def program(matrices, device, seed, chip, numbers=None, dtype=np.float32):
    """Program matrices {name: (R, K)} into a new Chip.

    numbers: {name: layer number in the random numbers' address}; 0, 1, 2, ... in order if left out. dtype: precision
    of the stored state, float32 or float64; the arithmetic is float64 throughout.
    Raises RefpcmError for a matrix that is empty or not finite, an identity outside 32 bits, another dtype, and
    layer numbers that are missing, used twice or outside 16 bits.
    """
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise RefpcmError(f"a chip's state is float32 or float64, not {np.dtype(dtype)}")
    numbers = _numbers(matrices, numbers)
    curves = tuple(encode(c) for c in (device.programming_us, device.nu_mean, device.nu_sigma))
    crossbars, layers = [], []
    for (name, matrix), number in zip(matrices.items(), numbers):
        w_max = mapping.largest_weight(matrix)
        flat = np.ascontiguousarray(matrix, np.float64 if np.asarray(matrix).dtype == np.float64 else np.float32)
        rng.check_address(seed, chip, rng.Purpose.PROGRAMMING, number, 0)
        state = [np.empty((2,) + flat.shape, dtype) for _ in STATE]
        crossbars.append(Crossbar(name, int(number), w_max, *state))
        layers.append((flat.size, (flat.reshape(-1), w_max, (int(seed), int(chip), int(number)), curves,
                                   float(device.g_max_us), device.reset_device == "zero", float(device.stuck_fraction),
                                   *(s.reshape(-1) for s in state))))
    fused.run_layers(fused.fill_programmed, layers)
    return Chip(device, int(seed), int(chip), tuple(crossbars))


def _numbers(matrices, numbers):
    """The layer number of each matrix, all different: two with one number would share all their noise."""
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


def read_conductances(chip, crossbar, t_s, draw):
    """Conductances G+ and G- (2, R, K) [uS] of a crossbar at t seconds after programming, for read number `draw`.

    Raises RefpcmError for a time before t0 or beyond the drift law, and for a draw outside 32 bits.
    """
    out = np.empty_like(crossbar.g_prog_us)
    _read(fused.fill_conductances, chip, [crossbar], t_s, draw, [out])
    return out


def _read(kernel, chip, crossbars, t_s, draw, outs):
    """outs[i] <- what the kernel, one of fused.fill_conductances and fused.fill_weights, makes of crossbars[i]."""
    device = chip.device
    drift.check_time(t_s, device)
    curve, start = encode(device.read_noise), read_start(t_s)
    moment = float(log(t_s / device.t0_s)), read_noise.accumulation(t_s, device)
    layers = []
    for crossbar, out in zip(crossbars, outs):
        rng.check_address(chip.seed, chip.chip, rng.Purpose.READ_NOISE, crossbar.number, draw)
        state = tuple(getattr(crossbar, part).reshape(-1) for part in STATE)
        net_us = largest_net_us(crossbar) if device.identity == "collapsed" else device.g_max_us
        scales = tuple(out.dtype.type(x / device.g_max_us) for x in (crossbar.w_max, net_us))
        layers.append((crossbar.nu.size // 2, (
            state, (chip.seed, chip.chip, crossbar.number, int(draw), start), moment, curve, float(device.g_max_us),
            device.read_noise_from == "target", (device.identity == "collapsed", float(net_us)),
            *([scales] if kernel is fused.fill_weights else []), out.reshape(-1))))
    fused.run_layers(kernel, layers)


def effective_weights(chip, crossbar, g_us):
    """Weights (R, K) that conductances (2, R, K) [uS] of this crossbar stand for."""
    weights = mapping.to_weights(g_us, crossbar.w_max, chip.device.g_max_us)
    if chip.device.identity == "collapsed":
        weights = weights * (largest_net_us(crossbar) / chip.device.g_max_us)
    return weights.astype(g_us.dtype)


def programmed_as_read(device, crossbar):
    """I-8: the devices' own state, or the net conductance split again and stretched to G_max (as aihwkit does)."""
    if device.identity == "devices":
        return crossbar.g_prog_us
    net = crossbar.g_prog_us[0].astype(np.float64) - crossbar.g_prog_us[1]
    return mapping.to_conductances(net, largest_net_us(crossbar), device.g_max_us).astype(crossbar.g_prog_us.dtype)


def largest_net_us(crossbar):
    """max |G+ - G-| [uS] over the pairs, as programmed."""
    return float(np.max(np.abs(crossbar.g_prog_us[0].astype(np.float64) - crossbar.g_prog_us[1])))


def read_start(t_s):
    """First element of a read's random numbers: 2^32 times the bit pattern of float32(t)."""
    return np.uint64(int(np.float32(t_s).view(np.uint32)) << 32)


def chip_hash(chip):
    """SHA-256 over identity and state, as hexadecimal: equal for equal chips on any machine."""
    digest = hashlib.sha256(_identity(chip).encode())
    for crossbar in chip.crossbars:
        for part in STATE:
            array = getattr(crossbar, part)
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _identity(chip):
    layers = [{"name": c.name, "number": c.number, "w_max": c.w_max, "rows": c.nu.shape[1], "columns": c.nu.shape[2]}
              for c in chip.crossbars]
    return json.dumps({"format": FORMAT, "device": device_to_dict(chip.device), "seed": chip.seed, "chip": chip.chip,
                       "layers": layers}, sort_keys=True)


def save_chip(path, chip):
    """Write the chip to one checksummed file (safetensors layout), atomically."""
    from refpcm.files.tensors import write_tensors
    tensors = {f"{c.name}/{part}": getattr(c, part) for c in chip.crossbars for part in STATE}
    write_tensors(path, tensors, {"chip": _identity(chip), "hash": chip_hash(chip)})


def load_chip(path):
    """Read a chip back. Raises RefpcmError for files that are damaged, or no chip."""
    from refpcm.files.tensors import read_tensors
    tensors, metadata = read_tensors(path)
    if "chip" not in metadata:
        raise RefpcmError(f"{path} is not a chip written by refpcm; program one, or choose another file")
    try:
        identity = json.loads(metadata["chip"])
        crossbars = tuple(Crossbar(layer["name"], layer["number"], layer["w_max"],
                                   *(tensors[f"{layer['name']}/{part}"] for part in STATE))
                          for layer in identity["layers"])
        chip = Chip(device_from_dict(identity["device"]), identity["seed"], identity["chip"], crossbars)
        whole = identity["format"] == FORMAT and chip_hash(chip) == metadata["hash"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RefpcmError):
        whole = False
    if not whole:
        raise RefpcmError(f"{path}: this version cannot read the chip ({FORMAT} wanted), or it was altered; program it "
                          "again, or take another copy of the file")
    return chip


# --- the specification of `program` and `read_conductances`, on NumPy

def program_naive(matrix, device, seed, chip, number, dtype=np.float32):
    """One matrix (R, K), stage by stage: w_max, g_target_us, g_prog_us, nu."""
    shape = (2,) + np.shape(matrix)

    def numbers(form, purpose):
        return form(seed, chip, purpose, number, 0, 0, int(np.prod(shape))).reshape(shape)

    w_max = mapping.largest_weight(matrix)
    g_target_us = mapping.to_conductances(matrix, w_max, device.g_max_us)
    g_prog_us = programming.programmed_us(g_target_us, numbers(rng.normals_naive, rng.Purpose.PROGRAMMING), device)
    g_prog_us = programming.with_stuck_us(g_prog_us, numbers(rng.uniforms_naive, rng.Purpose.STUCK_SELECTION),
                                          numbers(rng.uniforms_naive, rng.Purpose.STUCK_CONDUCTANCE), device)
    nu = drift.drift_exponents(g_target_us, numbers(rng.normals_naive, rng.Purpose.DRIFT_EXPONENT), device)
    return w_max, g_target_us.astype(dtype), g_prog_us.astype(dtype), nu.astype(dtype)


def read_conductances_naive(chip, crossbar, t_s, draw):
    """`read_conductances`, stage by stage."""
    g_prog = programmed_as_read(chip.device, crossbar)
    z = rng.normals_naive(chip.seed, chip.chip, rng.Purpose.READ_NOISE, crossbar.number, draw, int(read_start(t_s)),
                          g_prog.size).reshape(g_prog.shape)
    g_curve = crossbar.g_target_us if chip.device.read_noise_from == "target" else g_prog
    g_drift = drift.drifted_us(g_prog.astype(np.float64), crossbar.nu.astype(np.float64), t_s, chip.device)
    q_s = read_noise.relative_read_noise(g_curve.astype(np.float64), chip.device)
    return read_noise.read_us(g_drift, q_s, z, t_s, chip.device).astype(g_prog.dtype)
