"""refpcm.files.chips: what a file with a right hash says must be a chip, before kernels without bounds checks see it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.files.chips import load_chip, save_chip
from refpcm.spec.pcm.chip import program
from refpcm.spec.pcm.curve import Piece
from refpcm.spec.pcm.device import DEVICES, JOSHI2020


def chip_with(device=JOSHI2020, seed=1, **of_crossbar):
    chip = program({"a": np.ones((3, 4)), "b": np.ones((2, 2))}, JOSHI2020, 1, 2)
    first, *others = chip.crossbars
    return replace(chip, device=device, seed=seed, crossbars=(replace(first, **of_crossbar), *others))


def curved(*numbers):
    """A device with a curve of other things, past the check that a Device makes of itself."""
    device = replace(JOSHI2020)
    object.__setattr__(device, "nu_mean", (Piece("polynomial", numbers),))
    return device


CRAFTED = {
    "arrays of another size": chip_with(nu=np.ones((2, 3, 5), np.float32)),
    "arrays of another type": chip_with(nu=np.ones((2, 3, 4), np.int32)),
    "a state that is not finite": chip_with(g_prog_us=np.full((2, 3, 4), np.nan, np.float32)),
    "text for the largest weight": chip_with(w_max="1"), "a list for it": chip_with(w_max=[1.0]),
    "infinity for it": chip_with(w_max=float("inf")), "a number beyond floats for it": chip_with(w_max=10 ** 400),
    "less than nothing for it": chip_with(w_max=-1.0),
    "a layer's number beyond 16 bits": chip_with(number=2 ** 16), "a layer's number as text": chip_with(number="0"),
    "a seed beyond 32 bits": chip_with(seed=2 ** 32), "a fraction for a seed": chip_with(seed=1.5),
    "true for a seed": chip_with(seed=True),
    "a whole number that is no float in a curve": chip_with(curved(0, 10 ** 18 + 1)),
    "a truth value in a curve": chip_with(curved(True)),
    "a device named by a number": chip_with(replace(JOSHI2020, name=7)),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_chip_with_a_right_hash_is_refused(name, tmp_path):
    save_chip(tmp_path / "chip.safetensors", CRAFTED[name])
    with pytest.raises(RefpcmError, match="chip.safetensors: this version cannot read the chip"):
        load_chip(tmp_path / "chip.safetensors")


@pytest.mark.parametrize("device", DEVICES.values(), ids=list(DEVICES))
def test_a_chip_of_every_device_is_read_back(device, tmp_path):
    chip = program({"a": np.ones((3, 4))}, device, 2 ** 32 - 1, 0)
    save_chip(tmp_path / "chip.safetensors", chip)
    assert load_chip(tmp_path / "chip.safetensors").device == device


def test_a_crafted_name_is_refused(tmp_path):
    """Names of layers are parts of tensor names, so that only a number in the description can be none."""
    from refpcm.files.tensors import read_tensors, write_tensors
    path = tmp_path / "chip.safetensors"
    save_chip(path, chip_with())
    tensors, metadata = read_tensors(path)
    text = json.loads(metadata["chip"])
    text["layers"][0]["name"] = 5
    write_tensors(path, {name.replace("a/", "5/"): value for name, value in tensors.items()},
                  {**metadata, "chip": json.dumps(text, sort_keys=True)})
    with pytest.raises(RefpcmError, match="cannot read the chip"):
        load_chip(path)
