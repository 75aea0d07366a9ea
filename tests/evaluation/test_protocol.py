"""refpcm.evaluation.protocol: what a unit does, what marks an evaluation, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation import unit as units
from refpcm.evaluation.calibration import mini_batches
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.on_tiles import with_ranges
from refpcm.evaluation.protocol import tasks
from refpcm.files.network_file import load_network, save_network
from refpcm.spec import random
from refpcm.spec.compensation.adabs import calibrate, calibration_images
from refpcm.spec.compensation.global_drift import Readout, compensated_read, reference_readouts
from refpcm.spec.crossbars import program_network, with_matrices
from refpcm.spec.network_on_tiles import calibrate_ranges
from refpcm.spec.pcm.chip import read_conductances
from refpcm.spec.pcm.device import JOSHI2020
from tests.evaluation.units import mark, run_task, with_file

CLASSES = tuple("abcdefghij")  # those of the fixture's network


@pytest.mark.parametrize("choice", [{}, {"readout": "ones"}, {"per_column": True}, {"on_chip": "inner"},
                                    {"calibration": "train-augmented"}], ids=str)
def test_a_unit_is_chip_read_compensation_accuracy_one_after_the_other(small, choice, monkeypatch):
    """The parts put together by hand give the unit's parameters, bit for bit, and its numbers."""
    inputs = load_inputs(small)
    task = replace(tasks(replace(small, **choice))[-1], compensations=("none", "gdc", "adabs", "adabs-alone"))
    assert (task.chip, task.t_s, task.draw) == (1, 1e7, 1)
    gdc = Readout(choice.get("readout", "columns"), choice.get("per_column", False))
    chip = program_network(inputs.file.network, inputs.file.parameters, JOSHI2020, 5, 1, choice.get("on_chip", "all"))
    raw, compensated, _ = compensated_read(chip, 1e7, 1, reference_readouts(chip, gdc), gdc)
    drifted, scaled = (with_matrices(inputs.file.network, inputs.file.parameters, m) for m in (raw, compensated))
    chosen = calibration_images(5, 1, 1, 40, 2, 8)
    images = [inputs.normalised(inputs.data.train_images[i]) for i in chosen]
    if "calibration" in choice:
        images = mini_batches(inputs, inputs.data.train_images, chosen, task.protocol, task)
    expected = [drifted, scaled, calibrate(inputs.engine, scaled, images), calibrate(inputs.engine, drifted, images)]
    numbers, seen, recognised = [inputs.count_correct(p) for p in expected], [], inputs.recognised
    monkeypatch.setattr(inputs, "recognised", lambda p, *rest: seen.append(p) or recognised(p, *rest))
    assert run_task(task, inputs) == dict(zip(task.compensations, numbers))
    for by_hand, used in zip(expected, seen, strict=True):
        assert all(np.array_equal(by_hand[name], used[name]) for name in by_hand)


def test_calibration_on_the_test_images_is_another_evaluation(small):
    on_test = replace(small, calibration="test")
    assert mark(on_test) != mark(small)
    inputs = load_inputs(small)
    assert inputs.calibration_images("test") is inputs.data.test_images
    with pytest.raises(RefpcmError, match="20 calibration images"):
        run_task(tasks(replace(on_test, adabs_batches=5))[0], inputs)
    with pytest.raises(RefpcmError, match="calibration must be train-augmented or train or test"):
        replace(small, calibration="both")


@pytest.mark.parametrize("twice", [{"compensations": ("gdc", "gdc")}, {"times_s": (25.0, 25.0)}])
def test_nothing_is_named_twice(small, twice):
    """Else its images would be counted twice, and kept so."""
    with pytest.raises(RefpcmError, match="none twice"):
        replace(small, **twice)


def test_lists_are_as_good_as_tuples(small):
    protocol = replace(small, compensations=["gdc"], times_s=[25.0])
    assert protocol == replace(small, compensations=("gdc",), times_s=(25.0,)) and hash(protocol)


def test_one_image_is_enough_for_the_ranges_of_converters(small):
    """It is the first of the order that the seed gives, and the ranges are its own."""
    protocol, inputs = replace(small, dac_bits=8, adc_bits=8, range_images=1), load_inputs(small)
    row = random.permutation(5, 0, random.Purpose.CALIBRATION_SELECTION, 0, 2 ** 32 - 1, 40)[:1]
    image = inputs.normalised(inputs.data.train_images[row])
    expected = calibrate_ranges(inputs.file.network, inputs.file.parameters, "all", [image], 1, protocol.tiles(),
                                convolve=inputs.forms.convolve)
    assert with_ranges(inputs, protocol).ranges == tuple(
        (name, found.inputs, found.outputs) for name, found in expected.items())


def test_a_network_file_of_float64_has_ranges_too(small, tmp_path):
    protocol, file = replace(small, dac_bits=8, adc_bits=8), load_network(small.network)
    wide = {name: value.astype(np.float64) for name, value in file.parameters.items()}
    save_network(tmp_path / "wide.safetensors", replace(file, parameters=wide))
    of_wide = replace(protocol, network=str(tmp_path / "wide.safetensors"))
    assert with_ranges(load_inputs(of_wide), of_wide).ranges == with_ranges(load_inputs(protocol), protocol).ranges


def test_the_images_that_set_the_ranges_are_those_that_calibrate(small):
    for calibration, images in (("train", 40), ("test", 20)):
        seen = set()
        with_ranges(load_inputs(small), replace(small, dac_bits=8, calibration=calibration), lambda done, total: seen.add(total))
        assert seen == {images}


@pytest.mark.parametrize("classes, words", [
    (CLASSES[::-1], "same name in another order"), (tuple("bacdefghiz"), "same name in another order"),
    (tuple("klmnopqrst"), "choose the network's data"),
    (tuple("abcdefghiz"), None), (tuple(f"class {i}" for i in range(10)), None)])
def test_data_of_other_classes_are_refused(small, tmp_path, classes, words):
    other = with_file(small, tmp_path, classes=classes)
    if words is None:
        load_inputs(other)
        return
    with pytest.raises(RefpcmError, match=words):
        load_inputs(other)


@pytest.mark.parametrize("images", [0, -3])
def test_a_number_of_images_below_1_is_refused(small, images):
    with pytest.raises(RefpcmError, match="at least 1"):
        load_inputs(small).image_count(images)


def test_times_a_second_apart_have_files_of_their_own(small):
    close = replace(small, times_s=(1e6, 1e6 + 0.5, 1e6 + 1))
    assert len({task.name for task in tasks(close)}) == 3 * small.chips * small.reads


def test_noise_afresh_in_every_batch_is_one_read_a_batch_and_one_calibration(small, monkeypatch):
    """I-9. Batches of 8 of the 20 images: reads 65536, 65537, 65538 of the second read's units; AdaBS sees the first."""
    monkeypatch.setattr(units, "BATCH", 8)
    inputs = load_inputs(small)
    task = replace(tasks(replace(small, read_noise="per_batch"))[1], compensations=("adabs",))
    assert task.draw == 1
    network, trained = inputs.file.network, inputs.file.parameters
    chip = program_network(network, trained, JOSHI2020, 5, 0)
    images = [inputs.normalised(inputs.data.train_images[i]) for i in calibration_images(5, 0, 1, 40, 2, 8)]
    expected, statistics = [], {}
    for draw in (65536, 65537, 65538):
        scaled = compensated_read(chip, 25.0, draw, reference_readouts(chip))[1]
        parameters = with_matrices(network, trained, scaled)
        if not statistics:
            calibrated = calibrate(inputs.engine, parameters, images)
            statistics = {name: value for name, value in calibrated.items() if ".running_" in name}
        expected.append({**parameters, **statistics})
    seen, recognised = [], inputs.recognised
    monkeypatch.setattr(inputs, "recognised", lambda p, *rest: seen.append((p, rest[:2])) or recognised(p, *rest))
    run_task(task, inputs)
    assert [rest for _, rest in seen] == [(8, 0), (16, 8), (20, 16)]
    for by_hand, (used, _) in zip(expected, seen, strict=True):
        assert all(np.array_equal(by_hand[name], used[name]) for name in by_hand)


def test_tiles_without_an_effect_give_the_digital_result(small):
    """24-bit converters, no noise: at most one of 20 images may fall on the other side."""
    task = tasks(small)[-1]
    on_tiles = replace(task, protocol=replace(small, dac_bits=24, adc_bits=24, tile_rows=64))
    digital, analog = run_task(task), run_task(on_tiles)
    assert max(abs(digital[name] - analog[name]) for name in digital) <= 1


def test_coarse_converters_and_noise_change_the_result_reproducibly(small):
    coarse = replace(small, dac_bits=3, adc_bits=3, tile_rows=64, output_noise=0.1)
    assert coarse.needs_tiles() and not small.needs_tiles()
    task = replace(tasks(small)[-1], protocol=coarse)
    assert run_task(task) == run_task(task) != run_task(tasks(small)[-1])
    assert mark(coarse) != mark(replace(coarse, output_noise=0.2)) != mark(small)


def test_conductances_depend_neither_on_tiles_nor_on_the_order_of_chips(small):
    def read(protocol, chips):
        return {chip: np.concatenate([read_conductances(programmed, crossbar, 1e7, 0).ravel()
                                      for programmed in [units.programmed(load_inputs(protocol), protocol, chip)[0]]
                                      for crossbar in programmed.crossbars]) for chip in chips}
    usual, other = read(small, (0, 1)), read(replace(small, tile_rows=7, tile_columns=3, dac_bits=8), (1, 0))
    assert all(np.array_equal(usual[chip], other[chip]) for chip in (0, 1)) and not np.array_equal(usual[0], usual[1])


@pytest.mark.parametrize("change, said", [
    (dict(chips=0), "chips"),
    (dict(chips=5_000_000_000), "at most 1000000"),
    (dict(reads=0), "reads"),
    (dict(images=0), "images"),
    (dict(readout="x"), "columns"),
    (dict(compensations=("gdc", "magic")), "adabs-alone"),
    (dict(times_s=()), "times_s"),
    (dict(adabs_batches=0), "adabs_batches"),
    (dict(adabs_batch_size=200.0), "adabs_batch_size must be a whole number"),
    (dict(read_noise="often"), "per_batch"),
    (dict(dac_bits=1), "bits"),
    (dict(tile_rows=0), "rows"),
    (dict(output_noise=-1.0), "output_noise"),
])
def test_what_cannot_be_evaluated_is_refused_by_name(small, change, said):
    with pytest.raises(RefpcmError, match=said):
        replace(small, **change)


def test_everything_of_a_unit_runs_on_the_specification_too(small):
    """Chip, tiles, network and calibration by NumPy alone: at most one of 20 images may fall on the other side."""
    for choice in ({}, {"dac_bits": 8, "adc_bits": 8, "tile_rows": 64, "output_noise": 0.02}):
        task = replace(tasks(small)[-1], protocol=replace(small, **choice), compensations=("none", "adabs"))
        on_numpy = replace(task, protocol=replace(task.protocol, kernels="numpy"))
        fast, slow = run_task(task), run_task(on_numpy)
        assert max(abs(fast[name] - slow[name]) for name in fast) <= 1


def test_gdc_may_compare_with_the_targets(small):
    """I-24: another evaluation, which needs no first read, so that 20 s is no time before its reference."""
    other = replace(small, gdc_reference="targets", times_s=(20.0,), compensations=("gdc",), reads=1)
    assert mark(other) != mark(small)
    units.check_times(other)
    with pytest.raises(RefpcmError, match="has not been made"):
        units.check_times(replace(other, gdc_reference="first-read"))
    late = [tasks(replace(small, gdc_reference=reference))[-1] for reference in ("targets", "first-read")]
    factors = [run_task(task).evidence["gdc_factors"] for task in late]
    assert all(0.9 < factors[0][name] / factors[1][name] < 1.0 for name in factors[0])
    with pytest.raises(RefpcmError, match="gdc_reference must be first-read or targets"):
        replace(small, gdc_reference="memory")
