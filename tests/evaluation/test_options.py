"""refpcm.evaluation.options: what a command asks for reaches the Protocol, field by field."""

from dataclasses import fields

from refpcm import cli
from refpcm.evaluation.options import add_chips, add_network, add_tiles, protocol_of
from refpcm.evaluation.protocol import Protocol

ASKED = {"network": "a.safetensors", "data": "b", "images": 7, "kernels": "numpy", "device": "hermes", "chips": 3,
         "on_chip": "inner", "readout": "ones", "adabs_batches": 2, "adabs_batch_size": 9, "calibration": "test",
         "augmentation": "flip", "seed": 5, "dac_bits": 6, "adc_bits": 7, "range_images": 11,
         "range_network": "baseline.safetensors", "tile_rows": 12, "output_noise": 0.25}
ELSEWHERE = {"reads", "read_noise", "tile_columns", "gdc_reference", "times_s", "compensations", "ranges"}  # other options, or none


def test_every_option_reaches_the_field_of_its_name():
    parser = cli.parser("refpcm.test", "A test.")
    add_network(parser)
    add_chips(parser)
    add_tiles(parser)
    words = [word for name, value in ASKED.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    protocol = protocol_of(parser.parse_args([*words, "--per-column", "--times", "1h,2s"]), ["gdc", "none"])
    assert {name: getattr(protocol, name) for name in ASKED} == ASKED
    assert (protocol.per_column, protocol.times_s, protocol.compensations) == (True, (2.0, 3600.0), ("gdc", "none"))
    assert {field.name for field in fields(Protocol)} == {*ASKED, *ELSEWHERE, "per_column"}
