"""Chips as files: one checksummed file in the safetensors layout, written atomically."""

from math import isfinite

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.files.reading import parse_json
from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.spec import random
from refpcm.spec.pcm.chip import FORMAT, STATE, Chip, Crossbar, chip_hash, identity_text
from refpcm.spec.pcm.device_data import CURVES, device_from_dict

LARGEST = 2 ** 53  # of whole numbers among a device's: up to there they are floats as well


def save_chip(path, chip):
    """Write the chip to the file `path`. Raises RefpcmError if that fails; an old file then stays."""
    tensors = {f"{c.name}/{part}": getattr(c, part) for c in chip.crossbars for part in STATE}
    write_tensors(path, tensors, {"chip": identity_text(chip), "hash": chip_hash(chip)})


def load_chip(path):
    """Return the Chip in the file `path`. Raises RefpcmError for files that are damaged, altered, or no chip."""
    tensors, metadata = read_tensors(path)
    if "chip" not in metadata:
        raise RefpcmError(f"{path} is not a chip written by refpcm; program one, or choose another file")
    try:
        identity = parse_json(metadata["chip"], f"{path}: its description")
        crossbars = tuple(_crossbar(layer, tensors) for layer in identity["layers"])
        chip = Chip(device_from_dict(identity["device"]), identity["seed"], identity["chip"], crossbars)
        _check_numbers(chip)
        whole = identity["format"] == FORMAT and chip_hash(chip) == metadata["hash"]
    except (ArithmeticError, ValueError, KeyError, TypeError, IndexError, AttributeError, RefpcmError):
        whole = False
    if not whole:
        raise RefpcmError(f"{path}: this version cannot read the chip ({FORMAT} wanted), or it was altered; program it "
                          "again, or take another copy of the file")
    return chip


def _check_numbers(chip):
    """Raises ValueError or TypeError for names, numbers and curves of a Chip that are of other types than programming gives."""
    addresses = [(chip.seed, "seed"), (chip.chip, "chip"), *((crossbar.number, "layer") for crossbar in chip.crossbars)]
    if not all(type(value) is int and 0 <= value < 2 ** random.LIMITS[name] for value, name in addresses):
        raise ValueError("an address of other random numbers")
    if not all(isinstance(each.name, str) for each in (chip.device, *chip.crossbars)):
        raise ValueError("names that are no text")
    pieces = [piece for curve in CURVES for piece in getattr(chip.device, curve)]
    numbers = [number for piece in pieces for number in (*piece.coefficients, piece.low, piece.high, piece.below)]
    if not all(type(number) is float or type(number) is int and abs(number) < LARGEST for number in numbers):
        raise ValueError("a curve of other things than numbers")
    for crossbar in chip.crossbars:
        if type(crossbar.w_max) not in (int, float) or not (isfinite(crossbar.w_max) and crossbar.w_max >= 0):
            raise ValueError("a largest weight that is none")
        if not all(np.isfinite(getattr(crossbar, part)).all() for part in STATE):
            raise ValueError("a state that is not finite")


def _crossbar(layer, tensors):
    """Return the Crossbar of one layer. Raises ValueError unless its arrays are all (2, rows, columns) of one dtype.

    Kernels without bounds checks read these arrays.
    """
    state = [tensors[f"{layer['name']}/{part}"] for part in STATE]
    shape = (2, layer["rows"], layer["columns"])
    if any(array.shape != shape or array.dtype != state[0].dtype or array.dtype.kind != "f" for array in state):
        raise ValueError("arrays of other shapes or types")
    return Crossbar(layer["name"], layer["number"], layer["w_max"], *state)
