"""Programming and reading of chips in one pass: the fast form of `refpcm.spec.pcm.chip`, same bits."""

import numpy as np

from refpcm.fast import chip_kernels
from refpcm.fast.curve import encode
from refpcm.spec import random
from refpcm.spec.arrays import real_numbers
from refpcm.spec.elementary import log
from refpcm.spec.pcm import chip as specification
from refpcm.spec.pcm import drift, mapping, read_noise
from refpcm.spec.pcm.chip import STATE, Chip, Crossbar, largest_net_us, layer_numbers, read_start
from refpcm.spec.pcm.device import MODEL


def program(matrices, device, seed, chip, numbers=None, dtype=np.float32):
    """Return a new Chip; see `refpcm.spec.pcm.chip.program`."""
    if device.model != MODEL[0]:  # the other models have no fast form
        return specification.program(matrices, device, seed, chip, numbers, dtype)
    curves = tuple(encode(c) for c in (device.programming_us, device.nu_mean, device.nu_sigma))
    crossbars, layers = [], []
    for (name, matrix), number in zip(matrices.items(), layer_numbers(matrices, numbers, dtype)):
        w_max = mapping.largest_weight(matrix)
        flat = np.ascontiguousarray(real_numbers(matrix, "a matrix"))
        random.check_address(seed, chip, random.Purpose.PROGRAMMING, number, 0)
        state = [np.empty((2,) + flat.shape, dtype) for _ in STATE]
        crossbars.append(Crossbar(name, int(number), w_max, *state))
        layers.append((flat.size, (flat.reshape(-1), w_max, (int(seed), int(chip), int(number)), curves,
                                   float(device.g_max_us), device.reset_device == "zero", float(device.stuck_fraction),
                                   *(s.reshape(-1) for s in state))))
    chip_kernels.run_layers(chip_kernels.fill_programmed, layers)
    return Chip(device, int(seed), int(chip), tuple(crossbars))


def read(chip, t_s, draw=0):
    """Return the effective weights {name: (R, K)}; see `refpcm.spec.pcm.chip.read`."""
    if chip.device.model != MODEL[0]:
        return specification.read(chip, t_s, draw)
    weights = [np.empty(c.nu.shape[1:], c.nu.dtype) for c in chip.crossbars]
    _read(chip_kernels.fill_weights, chip, chip.crossbars, t_s, draw, weights)
    return {c.name: w for c, w in zip(chip.crossbars, weights)}


def read_conductances(chip, crossbar, t_s, draw):
    """Return G+ and G- (2, R, K) [uS]; see `refpcm.spec.pcm.chip.read_conductances`."""
    if chip.device.model != MODEL[0]:
        return specification.read_conductances(chip, crossbar, t_s, draw)
    out = np.empty_like(crossbar.g_prog_us)
    _read(chip_kernels.fill_conductances, chip, [crossbar], t_s, draw, [out])
    return out


def _read(kernel, chip, crossbars, t_s, draw, outs):
    """outs[i] <- what the kernel, fill_conductances or fill_weights, makes of crossbars[i]."""
    device = chip.device
    drift.check_time(t_s, device)
    curve, start = encode(device.read_noise), read_start(t_s)
    moment = float(log(t_s / device.t0_s)), read_noise.accumulation(t_s, device)
    layers = []
    for crossbar, out in zip(crossbars, outs):
        random.check_address(chip.seed, chip.chip, random.Purpose.READ_NOISE, crossbar.number, draw)
        state = tuple(getattr(crossbar, part).reshape(-1) for part in STATE)
        net_us = largest_net_us(crossbar.g_prog_us) if device.identity == "collapsed" else device.g_max_us  # as of stretch (I-8)
        scales = tuple(out.dtype.type(x / device.g_max_us) for x in (crossbar.w_max, net_us))
        layers.append((crossbar.nu.size // 2, (
            state, (chip.seed, chip.chip, crossbar.number, int(draw), start), moment, curve, float(device.g_max_us),
            device.read_noise_from == "target", (device.identity == "collapsed", float(net_us)),
            *([scales] if kernel is chip_kernels.fill_weights else []), out.reshape(-1))))
    chip_kernels.run_layers(kernel, layers)
