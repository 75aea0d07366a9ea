"""Addresses of a chip's random numbers, times that are no whole seconds, the stretch of collapsed pairs: for kit 2.2."""

from dataclasses import replace
from enum import IntEnum
from types import SimpleNamespace

import numpy as np

from refpcm.golden import reference
from refpcm.spec import random
from refpcm.spec.pcm import chip, drift, mapping, read_noise
from refpcm.spec.random import Purpose
from tests.golden.mutants.replacing import changed_inputs, exchanged, replaced


def _numbers(change):
    """Other numbers of a chip: change(function, seed, chip, purpose, layer, draw, start, count) -> numbers."""
    def of(function):
        return lambda *address: change(function, *address)
    return replaced(chip, "random", SimpleNamespace(normals=of(random.normals), uniforms=of(random.uniforms), Purpose=Purpose))


def _purposes(first, second):
    numbers = {purpose.name: int(purpose) for purpose in Purpose}
    numbers[first], numbers[second] = numbers[second], numbers[first]
    return replaced(chip, "random", SimpleNamespace(normals=random.normals, uniforms=random.uniforms,
                                                    Purpose=IntEnum("Purpose", numbers)))


def _by_pair(function, *address):
    return function(*address).reshape(-1, 2).T.ravel()


def _minus_first(function, *address):
    return function(*address).reshape(2, -1)[::-1].ravel()


def _time_left_out(function, seed, number, purpose, layer, draw, start, count):
    return function(seed, number, purpose, layer, draw, int(start) % 2 ** 32, count)


def _counted_on(function, seed, number, purpose, layer, draw, start, count):
    return function(seed, number, purpose, 0, draw, int(start) + layer * count, count)


def _whole(t_s):
    return float(int(t_s))


def _whole_t0(equation):
    def changed(*arguments):
        *rest, device = arguments
        return equation(*rest, replace(device, t0_s=_whole(device.t0_s)))
    return changed


def _net_not_stretched(inputs, parameters):
    return {"weights": mapping.to_weights(inputs["g_us"], parameters["w_max"], parameters["g_max_us"])}


def _stretched_by_the_read(inputs, parameters):
    net = np.abs(inputs["g_us"][0] - inputs["g_us"][1]).max()
    return {"weights": _net_not_stretched(inputs, parameters)["weights"] * net / parameters["g_max_us"]}


MUTANTS = [
    ("chip-purposes-programming-drift", "the random numbers of programming and of nu exchanged",
     _purposes("PROGRAMMING", "DRIFT_EXPONENT")),
    ("chip-purposes-stuck", "selection and conductance of stuck devices exchanged",
     _purposes("STUCK_SELECTION", "STUCK_CONDUCTANCE")),
    ("chip-numbers-by-pair", "devices counted pair by pair, (R, K, 2)", _numbers(_by_pair)),
    ("chip-numbers-minus-first", "devices of G- counted before those of G+", _numbers(_minus_first)),
    ("chip-numbers-counted-on", "one stream for all layers, each counted on from the one before", _numbers(_counted_on)),
    ("chip-read-without-time", "the time left out of the address of a read", _numbers(_time_left_out)),
    ("chip-read-time-in-float64", "the time in the address of a read by the high bits of float64",
     replaced(chip, "read_start", lambda t_s: np.uint64(int(np.float64(t_s).view(np.uint64)) >> 32 << 32))),
    ("chip-read-time-whole", "the time in the address of a read in whole seconds",
     replaced(chip, "read_start", lambda t_s: np.uint64(int(t_s) << 32))),
    ("chip-number-for-draw", "number of the chip and of the read exchanged",
     changed_inputs("addressed_chip", exchanged("chip", "draw"))),
    ("chip-seed-signed", "a seed of 31 bits", changed_inputs(
        "addressed_chip", lambda inputs, parameters: parameters.update(seed=parameters["seed"] & 0x7FFFFFFF))),
    ("drift-whole-seconds", "t cut to whole seconds in drift", [
        (drift, "drifted_us", lambda g, nu, t_s, device, original=drift.drifted_us: original(g, nu, _whole(t_s), device))]),
    ("drift-whole-t0", "t0 cut to whole seconds in drift", replaced(drift, "drifted_us", _whole_t0(drift.drifted_us))),
    ("read-whole-seconds", "t cut to whole seconds in read noise", replaced(
        read_noise, "accumulation", lambda t_s, device, original=read_noise.accumulation: original(_whole(t_s), device))),
    ("collapse-not-stretched-back", "the stretch of collapsed pairs stays in the weights",
     replaced(reference, "collapsed_weights", _net_not_stretched)),
    ("collapse-stretched-by-read", "collapsed pairs are stretched back by the largest net that is read",
     replaced(reference, "collapsed_weights", _stretched_by_the_read)),
]
