"""refpcm.evaluation.saturation: shares against the specification's counts, and what the table says of them."""

from dataclasses import replace

import numpy as np
import pytest

import refpcm.evaluation.on_tiles
import refpcm.evaluation.saturation
from data_tools.writing import write
from refpcm.errors import RefpcmError
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.on_tiles import with_ranges
from refpcm.evaluation.protocol import Protocol
from refpcm.evaluation.report import table
from refpcm.evaluation.run import run
from refpcm.evaluation.saturation import chip_saturation, largest, shares
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.spec import random
from refpcm.spec.compensation.global_drift import compensated_read, reference_readouts
from refpcm.spec.crossbars import program_network
from refpcm.spec.network_on_tiles import Analog, analog_forward
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.pcm.tile import Ranges, Saturation
from refpcm.spec.resnet import build, initial_parameters, tiny_resnet8


@pytest.fixture(scope="module")
def on_tiles(tmp_path_factory):
    """An untrained network, 20 images, 6-bit converters, two times."""
    folder, pixels = tmp_path_factory.mktemp("saturation"), np.random.default_rng(0)
    arrays = {f"{split}_{part}": values for split in ("train", "test") for part, values in (
        ("images", pixels.integers(0, 256, (20, 3, 32, 32), np.uint8)), ("labels", np.arange(20, dtype=np.uint8) % 10))}
    write(folder / "data", "noise", tuple("abcdefghij"), arrays, {})
    network = tiny_resnet8()
    parameters = initial_parameters(
        network, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
    save_network(folder / "net.safetensors",
                 NetworkFile(network, parameters, tuple("abcdefghij"), (0.5,) * 3, (0.3,) * 3))
    return Protocol(str(folder / "net.safetensors"), str(folder / "data"), chips=1, times_s=(25.0, 1e7), seed=3,
                    compensations=("gdc",), dac_bits=6, adc_bits=6, tile_rows=64)


def test_shares_are_those_that_the_specification_counts(on_tiles):
    inputs = load_inputs(on_tiles)
    on_tiles = with_ranges(inputs, on_tiles)
    network, trained = inputs.file.network, inputs.file.parameters
    chip = program_network(network, trained, JOSHI2020, 3, 0)
    raw, _, alphas = compensated_read(chip, 1e7, 0, reference_readouts(chip))
    ranges = {name: Ranges(of_inputs, of_sums) for name, of_inputs, of_sums in on_tiles.ranges}
    analog = Analog(on_tiles.tiles(), raw, {c.name: c.w_max for c in chip.crossbars}, ranges, alphas)
    counts = {crossbar.name: Saturation() for crossbar in chip.crossbars}
    analog_forward(network, trained, analog, inputs.normalised(inputs.data.test_images), saturation=counts)
    late = chip_saturation(inputs, on_tiles)[1]
    assert late["t_s"] == 1e7 and list(late["layers"]) == list(counts)
    for name, found in late["layers"].items():
        assert found == pytest.approx(shares(counts[name]), abs=2e-4), name
    assert any(layer["dac"] > 0 for layer in late["layers"].values())


def test_no_more_images_are_counted_than_the_cap(on_tiles, monkeypatch):
    inputs = load_inputs(on_tiles)
    on_tiles = with_ranges(inputs, replace(on_tiles, times_s=(1e7,)))
    first, every = chip_saturation(inputs, replace(on_tiles, images=8)), chip_saturation(inputs, on_tiles)
    monkeypatch.setattr(refpcm.evaluation.saturation, "IMAGES", 8)
    assert chip_saturation(inputs, on_tiles) == first != every


def test_a_run_reports_them_and_the_table_names_the_largest(on_tiles, tmp_path):
    result = run(on_tiles, tmp_path)
    (dac, share, layer, t_s), _ = largest(result["saturation"])
    assert dac == "DAC" and {row["t_s"]: row["layers"][layer]["dac"] for row in result["saturation"]}[t_s] == share
    assert f"saturated DAC conversions, chip 0 after GDC: at most {100 * share:.2g} % ({layer}" in table(result)


def test_another_network_of_the_same_layers_may_set_the_ranges(on_tiles, tmp_path):
    """I-29: the evaluation has the ranges that the other network has by itself; with other layers it is refused."""
    file, path = load_inputs(on_tiles).file, tmp_path / "baseline.safetensors"
    halved = {name: value / 2 if name == "conv1.weight" else value for name, value in file.parameters.items()}
    save_network(path, replace(file, parameters=halved, mean=(0.4,) * 3))
    alone, other = replace(on_tiles, network=str(path)), replace(on_tiles, range_network=str(path))
    own, ranges, asked = (with_ranges(load_inputs(each), each).ranges for each in (on_tiles, alone, other))
    assert ranges == asked != own
    save_network(path, replace(file, network=(deeper := build("cifar-resnet20")), parameters=initial_parameters(
        deeper, lambda layer, n: np.ones(n))))
    with pytest.raises(RefpcmError, match="baseline.safetensors cannot set .*it is a cifar-resnet20, not a tiny-resnet8"):
        run(other, tmp_path)


def test_ideal_converters_have_no_share():
    assert shares(Saturation(adc_values=4, adc_saturated=1)) == {"dac": None, "adc": 0.25}
    assert largest([{"t_s": 25.0, "layers": {"a": {"dac": None, "adc": 0.0}, "b": {"dac": None, "adc": 0.25}}}]) == [
        ("ADC", 0.25, "b", 25.0)]


def test_the_images_that_set_the_ranges_are_counted(on_tiles, tmp_path, monkeypatch):
    monkeypatch.setattr(refpcm.evaluation.on_tiles, "RANGE_BATCH", 15)
    calls = []
    run(replace(on_tiles, times_s=(25.0,), images=2), tmp_path, range_progress=lambda *numbers: calls.append(numbers))
    assert calls == [(0, 20), (15, 20), (20, 20)]
