"""Evaluation with read noise of every product (I-9): units, addresses, comparison with what it must agree with."""

from dataclasses import replace

import numpy as np
import pytest

from data_tools.writing import write
from refpcm.evaluation import inputs as shared
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.on_tiles import with_ranges
from refpcm.evaluation.protocol import Protocol, tasks
from refpcm.evaluation.unit import CALIBRATION_START, fingerprint
from refpcm.fast.tiles.engine import EngineOnTiles
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.spec import random
from refpcm.spec.compensation.adabs import calibrate, calibration_images
from refpcm.spec.compensation.global_drift import Readout, compensated_read, read_with_readouts, reference_readouts
from refpcm.spec.crossbars import program_network
from refpcm.spec.engine import Engine as SpecEngine
from refpcm.spec.network_on_tiles import Analog
from refpcm.spec.pcm.chip import program
from refpcm.spec.pcm.converters import Converter
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.pcm.product_noise import mean_conductances, weight_variances
from refpcm.spec.pcm.tile import Ranges, Tiles
from refpcm.spec.resnet import initial_parameters, tiny_resnet8
from tests.evaluation.units import run_task

CLASSES = tuple("abcdefghij")
MEANS = Readout(conductances=mean_conductances)
COMPENSATIONS = ("none", "gdc", "adabs", "adabs-alone")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An untrained network, 40 training and 120 test images, whose labels are what the network says of them."""
    folder = tmp_path_factory.mktemp("per_product")
    network, pixels = tiny_resnet8(), np.random.default_rng(0)
    train, test = (pixels.integers(0, 256, (n, 3, 32, 32), np.uint8) for n in (40, 120))
    normalised = [((images / np.float32(255) - np.float32(0.5)) / np.float32(0.3)).astype(np.float32)
                  for images in (train, test)]
    parameters = initial_parameters(
        network, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
    engine = SpecEngine(network)
    parameters = calibrate(engine, parameters, normalised[:1])
    labels = engine.forward(parameters, normalised[1]).argmax(1).astype(np.uint8)
    write(folder / "data", "noise", CLASSES, {"train_images": train, "train_labels": np.zeros(40, np.uint8),
                                              "test_images": test, "test_labels": labels}, {})
    save_network(folder / "net.safetensors", NetworkFile(network, parameters, CLASSES, (0.5,) * 3, (0.3,) * 3))
    return Protocol(str(folder / "net.safetensors"), str(folder / "data"), seed=5, chips=2, reads=2,
                    times_s=(25.0, 1e6), adabs_batches=2, adabs_batch_size=8, read_noise="per_product",
                    compensations=COMPENSATIONS, calibration="train", kernels="direct")


@pytest.mark.parametrize("tiles", [{}, {"dac_bits": 6, "adc_bits": 6, "output_noise": 0.05}], ids=["ideal", "converters"])
def test_a_unit_is_what_its_parts_give_by_hand(small, tiles):
    """Mean weights, variances and mean readouts of the chip; test images from 0, calibration images from 2^24 on."""
    small = replace(small, images=20, **tiles)
    inputs = load_inputs(small)
    ranges = {name: Ranges(*both) for name, *both in with_ranges(inputs, small).ranges}
    network, trained = inputs.file.network, inputs.file.parameters
    chip = program_network(network, trained, JOSHI2020, 5, 1)
    means, _, alphas = compensated_read(chip, 1e6, 1, reference_readouts(chip, MEANS), MEANS)
    chosen = [inputs.normalised(inputs.data.train_images[i]) for i in calibration_images(5, 1, 1, 40, 2, 8)]
    asked = Tiles(None, None, Converter(tiles.get("dac_bits")), Converter(tiles.get("adc_bits")), tiles.get("output_noise", 0))
    expected = {}
    for name in COMPENSATIONS:
        engine = EngineOnTiles(network, Analog(
            asked, means, {c.name: c.w_max for c in chip.crossbars}, ranges or dict.fromkeys(means, Ranges(1, 1)),
            alphas if name in ("gdc", "adabs") else {}, (5, 1, 1), weight_variances(chip, 1e6)), CALIBRATION_START)
        parameters = calibrate(engine, trained, chosen) if "adabs" in name else trained
        engine.next_image = 0
        expected[name] = inputs.count_correct(parameters, 20, engine=engine)
    assert CALIBRATION_START == 2 ** 24 and run_task(tasks(small)[-1]) == expected


def test_the_batch_size_has_no_say(small, monkeypatch):
    task = tasks(small)[-1]
    whole = run_task(task)
    monkeypatch.setattr(shared, "BATCH", 17)
    assert run_task(task) == whole


def test_reads_and_kinds_of_read_noise_differ_and_have_fingerprints_of_their_own(small):
    first, second = tasks(small)[-2:]
    assert (first.draw, second.draw) == (0, 1) and run_task(first) != run_task(second)
    assert len({fingerprint(load_inputs(small), replace(small, read_noise=kind)) for kind in ("frozen", "per_batch", "per_product")}) == 3


def test_a_device_without_read_noise_gives_the_result_of_frozen_reads(small):
    """Sums in another order: at most one of 120 images may fall on the other side."""
    quiet = replace(small, device="crosssim-joshi", times_s=(1e6,))
    per_product, frozen = (run_task(tasks(replace(quiet, read_noise=kind))[0]) for kind in ("per_product", "frozen"))
    assert max(abs(per_product[name] - frozen[name]) for name in COMPENSATIONS) <= 1


@pytest.mark.parametrize("readout, per_column", [("columns", True), ("ones", False), ("one_hot", False)])
def test_at_the_first_read_gdc_changes_nothing(small, readout, per_column):
    correct = run_task(tasks(replace(small, readout=readout, per_column=per_column, compensations=("none", "gdc")))[0])
    assert correct["none"] == correct["gdc"]


def test_the_mean_readout_is_the_mean_of_many_reads():
    """2,000 pairs, 200 reads after a year: known to 0.02 % (one standard error), 5 allowed."""
    chip = program({"m": np.random.default_rng(0).standard_normal((200, 10))}, JOSHI2020, 1, 2)
    reads = [read_with_readouts(chip, 3e7, draw)[1]["m"] for draw in range(200)]
    mean = read_with_readouts(chip, 3e7, 0, MEANS)[1]["m"]
    assert abs(np.mean(reads) - mean) < 5 * np.std(reads) / np.sqrt(200) < 0.0012 * mean


@pytest.mark.parametrize("change", [dict(on_chip="inner"), dict(tile_rows=50), dict(device="aihwkit-pcm"),
                                    dict(dac_bits=8, adc_bits=8, tile_rows=50, output_noise=0.01)])
def test_it_works_together_with_all_other_choices(small, change):
    other = replace(small, times_s=(1e6,), images=60, **change)
    task = tasks(other)[0]
    frozen = replace(task, protocol=replace(other, read_noise="frozen"))
    assert run_task(task) == run_task(task) != run_task(frozen)


def test_data_without_training_images_are_enough_where_nothing_is_calibrated(small, monkeypatch):
    inputs = load_inputs(small)
    monkeypatch.setattr(inputs, "calibration_images", lambda source: pytest.fail("calibration images were asked for"))
    assert set(run_task(replace(tasks(small)[0], compensations=("none", "gdc")), inputs)) == {"none", "gdc"}
