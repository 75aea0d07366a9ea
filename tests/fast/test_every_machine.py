"""Chips and reads have the same bits on every machine: these hashes were found on x86-64 and on 64-bit ARM (emulated)."""

import hashlib

import pytest

import refpcm

HASHES = {  # device: beginning of the chip's hash, and of the hash of its conductances after a year
    "joshi2020": ("ade4770542f82c3d", "a40ab414e2a01d24"), "hermes": ("11b1d8f23e21f32f", "1a32c16fe9b966a0"),
    "joshi2020-transfer": ("d358df229fbd5831", "b334c35b63a50a45"),
    "joshi2020-note2": ("a92cd2a7acb62d69", "b2c01215330d8bb4"), "aihwkit-pcm": ("60e31de5b6149ca5", "3a5f4e9e0930b61d"),
    "crosssim-joshi": ("573addebeade5f82", "a16778691effda17")}


@pytest.mark.parametrize("device, hashes", HASHES.items(), ids=HASHES)
def test_a_chip_and_its_read_after_a_year_have_known_hashes(device, hashes):
    weights = refpcm.normals(0, 0, refpcm.Purpose.INITIALISATION, 0, 0, 0, 6000).reshape(300, 20)
    chip = refpcm.program({"layer": weights}, device, seed=1, chip=0)
    g_us = refpcm.read_conductances(chip, "1 year")["layer"]
    assert (refpcm.chip_hash(chip)[:16], hashlib.sha256(g_us.tobytes()).hexdigest()[:16]) == hashes
