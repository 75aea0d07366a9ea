"""refpcm.evaluation.unit.fingerprint: what makes stored units those of another evaluation."""

import shutil
from dataclasses import fields, replace

import pytest

from refpcm.evaluation import additive_noise
from refpcm.evaluation import unit as units
from refpcm.evaluation.additive_noise import NoiseProtocol, noise_fingerprint
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.protocol import Protocol
from refpcm.evaluation.unit import fingerprint
from tests.evaluation.units import mark, with_file

CHANGES = {"device": "hermes", "seed": 6, "on_chip": "inner", "readout": "ones", "per_column": True, "adabs_batches": 3,
           "adabs_batch_size": 4, "images": 10, "kernels": "winograd", "read_noise": "per_batch", "dac_bits": 8, "adc_bits": 8,
           "tile_rows": 64, "output_noise": 0.1, "calibration": "test", "range_images": 7, "gdc_reference": "targets"}
COUNTED_BY_CONTENT = {"network", "data", "range_network", "ranges", "augmentation"}  # ranges follow from the rest; augmentation: see below
OF_THE_UNITS = {"chips", "reads", "times_s", "compensations", "tile_columns"}  # the last changes no result


def test_every_choice_makes_another_evaluation_or_is_known_not_to(small):
    assert {field.name for field in fields(Protocol)} == {*CHANGES, *COUNTED_BY_CONTENT, *OF_THE_UNITS}
    other = replace(small, chips=9, reads=1, times_s=(1e6,), compensations=("gdc",), tile_columns=3)
    assert mark(other) == mark(small)


@pytest.mark.parametrize("name", CHANGES)
def test_another_choice_is_another_evaluation(small, name):
    changed = replace(small, **{name: CHANGES[name]})
    assert changed != small and mark(changed) != mark(small)


@pytest.mark.parametrize("change", [{"mean": (0.5, 0.5, 0.4)}, {"std": (0.3, 0.3, 0.4)}], ids=str)
def test_another_normalisation_is_another_evaluation(small, tmp_path, change):
    assert mark(with_file(small, tmp_path, **change)) != mark(small) == mark(with_file(small, tmp_path))


def test_the_network_that_sets_the_ranges_counts_by_its_content_where_there_are_converters(small, tmp_path):
    other, copy = with_file(small, tmp_path, notes={"by": "another"}).network, shutil.copy(small.network, tmp_path / "copy.safetensors")
    converters = replace(small, dac_bits=8)
    marks = [mark(replace(converters, range_network=str(path))) for path in (small.network, copy, other)]
    assert marks[0] == marks[1] and len({*marks, mark(converters)}) == 3
    assert mark(replace(small, range_network=other)) == mark(small)


@pytest.mark.parametrize("name", ["train_images", "test_images", "test_labels"])
def test_one_changed_number_of_the_data_is_another_evaluation(small, name):
    inputs = load_inputs(small)
    changed = getattr(inputs.data, name).copy()
    changed.reshape(-1)[-1] ^= 1
    before = fingerprint(inputs, small)
    inputs.data = replace(inputs.data, **{name: changed})
    assert fingerprint(inputs, small) != before


@pytest.mark.parametrize("name, value", [("seed", 1), ("images", 10), ("kernels", "direct")])
def test_another_choice_is_another_evaluation_with_additive_noise(small, name, value):
    protocol = NoiseProtocol(small.network, small.data)
    inputs, other = load_inputs(protocol), replace(protocol, **{name: value})
    assert noise_fingerprint(inputs, other) != noise_fingerprint(inputs, protocol)


def test_augmentation_of_the_training_counts_where_adabs_repeats_it(small, tmp_path):
    other = with_file(small, tmp_path, notes={"config": {"cutout": 16}})
    assert mark(other) == mark(small)
    augmented = [replace(p, calibration="train-augmented") for p in (other, small)]
    assert len({mark(p) for p in (small, *augmented)}) == 3


def test_the_border_of_crops_counts_where_the_augmentation_is_given(small, tmp_path):
    """A network trained here has a border of the mean colour, one from elsewhere a black one."""
    trained_here = with_file(small, tmp_path, notes={"config": {"crop_padding": 4}})
    asked = [replace(p, calibration="train-augmented", augmentation="crop 4, flip") for p in (trained_here, small)]
    assert mark(asked[0]) != mark(asked[1])


def test_a_changed_program_is_another_evaluation(small, monkeypatch):
    before = mark(small)
    monkeypatch.setattr(units, "RESULTS_VERSION", units.RESULTS_VERSION + 1)
    assert mark(small) != before


def test_a_changed_program_is_another_evaluation_with_additive_noise_too(small, monkeypatch):
    protocol = NoiseProtocol(small.network, small.data)
    before = noise_fingerprint(load_inputs(protocol), protocol)
    monkeypatch.setattr(additive_noise, "RESULTS_VERSION", units.RESULTS_VERSION + 1)
    assert noise_fingerprint(load_inputs(protocol), protocol) != before
