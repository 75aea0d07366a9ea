"""refpcm.evaluation.options: what a command asks for reaches the Protocol, field by field."""

import sys
from dataclasses import fields, replace

import pytest

from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.evaluate import arguments
from refpcm.evaluation.options import add_chips, add_network, add_tiles, protocol_of
from refpcm.evaluation.protocol import Protocol

ASKED = {"network": "a.safetensors", "data": "b", "images": 7, "kernels": "numpy", "device": "hermes", "chips": 3,
         "on_chip": "inner", "readout": "ones", "adabs_batches": 2, "adabs_batch_size": 9, "calibration": "train-augmented",
         "augmentation": "flip", "seed": 5, "dac_bits": 6, "adc_bits": 7, "range_images": 11,
         "range_network": "baseline.safetensors", "tile_rows": 12, "output_noise": 0.25}
ELSEWHERE = {"reads", "read_noise", "tile_columns", "gdc_reference", "times_s", "compensations", "ranges"}  # other options, or none


def asked(*words):
    """Return the Protocol that words of a command line ask for."""
    parser = cli.parser("refpcm.test", "A test.")
    add_network(parser)
    add_chips(parser)
    add_tiles(parser)
    return protocol_of(parser.parse_args(["--network", "a.safetensors", *words]), ["gdc", "none"])


def test_every_option_reaches_the_field_of_its_name():
    words = [word for name, value in ASKED.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    protocol = asked(*words, "--per-column", "--times", "1h,2s")
    assert {name: getattr(protocol, name) for name in ASKED} == ASKED
    assert (protocol.per_column, protocol.times_s, protocol.compensations) == (True, (2.0, 3600.0), ("gdc", "none"))
    assert {field.name for field in fields(Protocol)} == {*ASKED, *ELSEWHERE, "per_column"}
    assert asked("--calibration", "test").calibration == "test"


@pytest.mark.parametrize("field, value", [
    ("gdc_reference", "targets"), ("tile_columns", 13), ("range_images", 11), ("reads", 4), ("read_noise", "per_batch"),
    ("read_noise", "per_product")])
def test_every_option_that_only_evaluations_have_reaches_the_field_of_its_name(field, value, monkeypatch):
    def protocol(*words):
        monkeypatch.setattr(sys, "argv", ["refpcm.evaluate", "--network", "a.safetensors", *words])
        return protocol_of(arguments(), ["gdc"])
    usual, found = protocol(), protocol(f"--{field.replace('_', '-')}", str(value))
    assert found == replace(usual, **{field: value}) != usual


@pytest.mark.parametrize("words, said", [
    (["--calibration", "train", "--augmentation", "flip"], "augmentation has no effect with calibration train"),
    (["--range-network", "b.safetensors"], "range_network has no effect without converters or output noise")])
def test_a_choice_without_effect_is_refused(words, said):
    with pytest.raises(RefpcmError, match=said):
        asked(*words)
