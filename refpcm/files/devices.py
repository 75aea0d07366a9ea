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

`drift` may instead give nu_mean and nu_sigma as {slope, offset, low, high}: clip(slope ln g + offset, low, high).
"""

from dataclasses import replace
from math import isinf, isnan

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.files.reading import read_toml
from refpcm.spec.pcm.curve import curve_value, logarithm, polynomial, power, table
from refpcm.spec.pcm.device import DEVICES, known_device

PLAIN = ("g_max_us", "t0_s", "t_read_s", "source", "reset_device", "stuck_fraction", "read_noise_from", "identity")
KNOWN = ("name", "based_on", "programming_us", "drift", "read_noise") + PLAIN
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
    changes = {key: values[key] for key in PLAIN if key in values}
    changes.setdefault("source", f"user-defined, based on {base}")
    if "programming_us" in values:
        changes["programming_us"] = (_programming_curve(values["programming_us"]),)
    if "read_noise" in values:
        wanted = ("factor", "exponent", "high")
        _known_keys("read_noise", values["read_noise"], wanted, wanted)
        changes["read_noise"] = (power(*_numbers("read_noise", [values["read_noise"][k] for k in wanted], 3, 3, bounds=1)),)
    device = replace(DEVICES[base], name=str(values["name"]), **changes)
    if "drift" not in values:
        return device
    nu_mean, nu_sigma = _drift_curves(values["drift"], device.g_max_us)  # its g_max_us is known to be a valid one
    return replace(device, nu_mean=nu_mean, nu_sigma=nu_sigma)


def _programming_curve(values):
    coefficients = _numbers("programming_us", values, 1, 4)
    piece = polynomial(*coefficients)
    if any(coefficients) and curve_value((piece,), np.linspace(0.0, 1.0, 1001)).max() <= 0:
        raise RefpcmError(f"programming_us {values!r} is nowhere above 0 over 0 <= G / G_max <= 1; give a curve that "
                          "is, or [0.0] for no programming noise")
    return piece


def _drift_curves(drift, g_max_us):
    _known_keys("drift", drift, ("g_us", "nu_mean", "nu_sigma"), ("nu_mean", "nu_sigma"))
    curves = []
    for key in ("nu_mean", "nu_sigma"):
        if isinstance(drift[key], dict):
            wanted = ("slope", "offset", "low", "high")
            _known_keys(f"drift.{key}", drift[key], wanted, wanted)
            curves.append((logarithm(*_numbers(f"drift.{key}", [drift[key][k] for k in wanted], 4, 4, bounds=2)),))
        else:
            g_us = _numbers("drift.g_us", drift.get("g_us"), 2, 1000)
            if any(a >= b for a, b in zip(g_us, g_us[1:])) or g_us[0] > 0 or g_us[-1] < g_max_us:
                raise RefpcmError(f"drift.g_us must ascend and reach from 0 to g_max_us = {g_max_us:g}, not {g_us}")
            values = _numbers(f"drift.{key}", drift[key], len(g_us), len(g_us))
            curves.append(table([g / g_max_us for g in g_us], values))
    return curves


def _known_keys(where, values, known, needed):
    if not isinstance(values, dict):
        raise RefpcmError(f"{where} must be a table of {', '.join(known)}, not {values!r}")
    for key in values:
        if key not in known:
            raise RefpcmError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
    for key in needed:
        if key not in values:
            raise RefpcmError(f"{where}: {key} is missing; add it")


def _numbers(where, values, least, most, bounds=0):
    """Floats of a list of numbers; all but the last `bounds` of them, which limit a curve, must be finite."""
    good = isinstance(values, list) and least <= len(values) <= most and all(
        isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    if not good:
        count = least if least == most else f"{least} to {most}"
        raise RefpcmError(f"{where} must be a list of {count} numbers, not {values!r}")
    try:
        numbers = tuple(float(v) for v in values)
    except OverflowError:
        raise RefpcmError(f"{where} holds a whole number too large to compute with; give a smaller one") from None
    if any(isnan(v) for v in numbers) or any(isinf(v) for v in numbers[:len(numbers) - bounds]):
        raise RefpcmError(f"{where} must hold finite numbers, not {values!r}; only `low` and `high` may be infinite")
    return numbers
