"""Devices from files: user-defined parameter sets in TOML.

A file starts from a known set and changes what it names:

    name = "my-cell"
    based_on = "joshi2020"
    g_max_us = 20.0
    programming_us = [0.25, 1.9, -1.1]            # c0 + c1 g + c2 g^2 (+ c3 g^3), g = G_T / G_max
    [drift]                                        # straight lines between measured points
    g_us = [0.0, 5.0, 20.0]
    nu_mean = [0.10, 0.06, 0.05]
    nu_sigma = [0.04, 0.01, 0.008]
    [read_noise]                                   # Q_s = min(factor g^exponent, high)
    factor = 0.0088
    exponent = -0.65
    high = 0.2

A drift curve may also be one number, or {slope, offset, low, high}: clip(slope ln g + offset, low, high). Instead of
programming_us there may be a measured table, [programming] with g_us and sigma_us.
"""

from dataclasses import replace
from math import isinf, isnan

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.files.reading import read_toml
from refpcm.spec.pcm.curve import curve_value, logarithm, polynomial, power, table
from refpcm.spec.pcm.device import DEVICES, known_device
from refpcm.spec.pcm.note2 import LATE_S

PLAIN = ("g_max_us", "t0_s", "t_read_s", "source", "reset_device", "stuck_fraction", "read_noise_from", "identity")
KNOWN = ("name", "based_on", "programming_us", "programming", "drift", "read_noise") + PLAIN
ELSEWHERE = dict.fromkeys(("dac_bits", "adc_bits", "output_noise", "tile_rows", "tile_columns"),
                          "converters and tiles are no part of a device; they are options of the commands, such as --adc-bits 8")
SMALLEST_G_MAX_US = 1e-3  # below, it is in another unit
LARGEST_DIP = 0.1  # share of 0 .. G_max over which a fit of sigma_prog may be negative, where programming cuts it
IGNORED = {  # {model: keys that it would ignore}
    "transfer": ("drift", "read_noise", "t_read_s", "reset_device", "read_noise_from"),
    "note2": ("read_noise", "t_read_s", "reset_device", "read_noise_from")}


def find_device(name_or_path):
    """Return a parameter set by name, or from a TOML file (name ending in .toml). Raises RefpcmError for anything else."""
    if str(name_or_path).endswith(".toml"):
        return read_device(name_or_path)
    return known_device(name_or_path)


def read_device(path):
    """Device from a TOML file. Raises RefpcmError naming file, key and remedy. Needs Python 3.11."""
    values = read_toml(path)
    try:
        return make_device(values)
    except (RefpcmError, ValueError) as error:  # ValueError: Python prints no whole number beyond 4300 digits
        raise RefpcmError(f"{path}: {error}") from error


def make_device(values):
    """Device from the mapping a file holds. Raises RefpcmError for unknown keys and values that make no device."""
    _known_keys("device", values, KNOWN, ("name", "based_on"))
    base = values["based_on"]
    if not isinstance(base, str) or base not in DEVICES:
        raise RefpcmError(f"based_on {base!r} is unknown; known are {', '.join(DEVICES)}")
    ignored = [key for key in IGNORED.get(DEVICES[base].model, ()) if key in values]
    if ignored:
        raise RefpcmError(f"a device based on {base} has no use for {', '.join(ignored)}: its model has no such stage; leave "
                          "it out")
    if not isinstance(values["name"], str):
        raise RefpcmError(f"name must be text, not {values['name']!r}")
    changes = {key: values[key] for key in PLAIN if key in values}
    changes.setdefault("source", f"user-defined, based on {base}")
    g_max_us, = _numbers("g_max_us", [changes.get("g_max_us", DEVICES[base].g_max_us)], 1, 1)
    if 0 < g_max_us < SMALLEST_G_MAX_US:
        raise RefpcmError(f"g_max_us = {g_max_us:g} uS is less than a nanosiemens; is it in siemens? Give it in uS")
    if "programming" in values:
        if "programming_us" in values:
            raise RefpcmError("programming_us and programming both give sigma_prog; leave one out")
        changes["programming_us"] = _programming_table(values["programming"], g_max_us)
    if "programming_us" in values:
        changes["programming_us"] = (_programming_curve(values["programming_us"]),)
    if "read_noise" in values:
        wanted = ("factor", "exponent", "high")
        _known_keys("read_noise", values["read_noise"], wanted, wanted)
        changes["read_noise"] = (power(*_numbers("read_noise", [values["read_noise"][k] for k in wanted], 3, 3, bounds=1)),)
    device = replace(DEVICES[base], name=values["name"], **changes)
    if device.model == "note2" and device.t0_s > LATE_S:
        raise RefpcmError(f"t0_s = {device.t0_s:g} s: a device based on {base} has its second error at {LATE_S} s, so t0 must be "
                          "no later")
    if "drift" not in values:
        return device
    nu_mean, nu_sigma = _drift_curves(values["drift"], device.g_max_us)  # its g_max_us is known to be a valid one
    return replace(device, nu_mean=nu_mean, nu_sigma=nu_sigma)


def _programming_curve(values):
    piece = polynomial(*_numbers("programming_us", values, 1, 4))
    sigma_us = curve_value((piece,), np.linspace(0.0, 1.0, 1001))
    if np.mean(sigma_us < 0) > LARGEST_DIP:
        raise RefpcmError(f"programming_us {values!r} is negative over {100 * np.mean(sigma_us < 0):.0f} % of 0 <= G / G_max <= "
                          "1; it is c0 + c1 g + c2 g^2 + c3 g^3 [uS] in this order, g = G / G_max: check order and signs")
    return piece


def _programming_table(values, g_max_us):
    wanted = ("g_us", "sigma_us")
    _known_keys("programming", values, wanted, wanted)
    g_us = _places("programming.g_us", values["g_us"], g_max_us)
    sigma_us = _numbers("programming.sigma_us", values["sigma_us"], len(g_us), len(g_us))
    if min(sigma_us) < 0:
        raise RefpcmError(f"programming.sigma_us must hold standard deviations, 0 or more, not {min(sigma_us):g}")
    return table([g / g_max_us for g in g_us], sigma_us)


def _places(where, values, g_max_us):
    """Conductances [uS] of a measured table, which ascend and reach from 0 to G_max."""
    g_us = _numbers(where, values, 2, 1000)
    if any(a >= b for a, b in zip(g_us, g_us[1:])) or g_us[0] > 0 or g_us[-1] < g_max_us or g_max_us <= 0:
        raise RefpcmError(f"{where} must ascend and reach from 0 to g_max_us = {g_max_us:g}, not {list(g_us)}")
    return g_us


def _drift_curves(drift, g_max_us):
    _known_keys("drift", drift, ("g_us", "nu_mean", "nu_sigma"), ("nu_mean", "nu_sigma"))
    return [_drift_curve(f"drift.{key}", drift[key], drift, g_max_us) for key in ("nu_mean", "nu_sigma")]


def _drift_curve(where, values, drift, g_max_us):
    if isinstance(values, dict):
        wanted = ("slope", "offset", "low", "high")
        _known_keys(where, values, wanted, wanted)
        slope, offset, low, high = _numbers(where, [values[k] for k in wanted], 4, 4, bounds=2)
        if low > high:
            raise RefpcmError(f"{where}: low = {low:g} is above high = {high:g}; exchange them")
        return (logarithm(slope, offset, low, high),)
    if not isinstance(values, list):
        return (polynomial(*_numbers(where, [values], 1, 1)),)
    if "g_us" not in drift:
        raise RefpcmError(f"{where} is a list and drift.g_us is missing: add the conductances [uS] that belong to it, or give "
                          "one number for all")
    g_us = _places("drift.g_us", drift["g_us"], g_max_us)
    return table([g / g_max_us for g in g_us], _numbers(where, values, len(g_us), len(g_us)))


def _known_keys(where, values, known, needed):
    if not isinstance(values, dict):
        raise RefpcmError(f"{where} must be a table of {', '.join(known)}, not {values!r}")
    for key in values:
        if key in ELSEWHERE:
            raise RefpcmError(f"{where}: unknown key {key!r}: {ELSEWHERE[key]}")
        if key not in known:
            raise RefpcmError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
    for key in needed:
        if key not in values:
            raise RefpcmError(f"{where}: {key} is missing; add it")


def _numbers(where, values, least, most, bounds=0):
    """Floats of a list of numbers, of which the file holds just one if `most` is 1.

    All but the last `bounds` of them, which limit a curve, must be finite.
    """
    good = isinstance(values, list) and least <= len(values) <= most and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    if not good:
        count = least if least == most else f"{least} to {most}"
        wanted, given = ("a number", values[0]) if most == 1 else (f"a list of {count} numbers", values)
        raise RefpcmError(f"{where} must be {wanted}, not {given!r}")
    try:
        numbers = tuple(float(v) for v in values)
    except OverflowError:
        raise RefpcmError(f"{where} holds a whole number too large to compute with; give a smaller one") from None
    if any(isnan(v) for v in numbers) or any(isinf(v) for v in numbers[:len(numbers) - bounds]):
        raise RefpcmError(f"{where} must hold finite numbers, not {values!r}; only `low` and `high` may be infinite")
    return numbers
