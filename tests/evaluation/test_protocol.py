"""refpcm.evaluation: units, resumption, executors, report."""

import json
import os
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest

from data_tools.writing import write
from refpcm import rng
from refpcm.compensation.adabs import calibrate
from refpcm.errors import RefpcmError
from refpcm.evaluation import additive_noise
from refpcm.evaluation import protocol as units
from refpcm.evaluation.additive_noise import NoiseProtocol, noise_fingerprint
from refpcm.evaluation.protocol import Protocol, fingerprint, run_task, tasks
from refpcm.evaluation.report import table, write_report
from refpcm.evaluation.run import run
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.pcm.chip import read_conductances
from refpcm.resnet import initial_parameters, tiny_resnet8
from refpcm.training.executor import NumpyEngine

CLASSES = tuple("abcdefghij")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small evaluation: an untrained network, 40 training and 20 test images, 2 chips, 2 reads, 2 times."""
    folder = tmp_path_factory.mktemp("evaluation")
    pixels = np.random.default_rng(0)
    arrays = {f"{split}_images": pixels.integers(0, 256, (n, 3, 32, 32), np.uint8)
              for split, n in (("train", 40), ("test", 20))}
    arrays |= {f"{split}_labels": np.arange(n, dtype=np.uint8) % 10 for split, n in (("train", 40), ("test", 20))}
    write(folder / "data", "noise", CLASSES, arrays, {})
    network = tiny_resnet8()
    parameters = initial_parameters(
        network, lambda layer, n: rng.normals(1, 0, rng.Purpose.INITIALISATION, layer, 0, 0, n))
    train = (arrays["train_images"] / np.float32(255) - np.float32(0.5)) / np.float32(0.3)
    parameters = calibrate(NumpyEngine(network), parameters, [train.astype(np.float32)])  # else all images look alike
    save_network(folder / "net.safetensors", NetworkFile(network, parameters, CLASSES, (0.5,) * 3, (0.3,) * 3))
    return Protocol(str(folder / "net.safetensors"), str(folder / "data"), seed=5, chips=2, reads=2,
                    times_s=(25.0, 1e7), adabs_batches=2, adabs_batch_size=8, kernels="numpy")


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory):
    """Its result, and the folder it lies in."""
    folder = tmp_path_factory.mktemp("whole")
    return run(small, folder), folder


def test_every_time_and_compensation_has_a_row(small, whole):
    result, _ = whole
    assert [(r["t_s"], r["compensation"]) for r in result["rows"]] == [
        (t, c) for t in (25.0, 1e7) for c in ("none", "gdc", "adabs")]
    for row in result["rows"]:
        accuracies = np.array(row["accuracies"])
        assert accuracies.shape == (2, 2) and row["mean"] == pytest.approx(accuracies.mean())
    assert result["test_images"] == 20 and len(tasks(small)) == 8


@pytest.mark.parametrize("choice", [{}, {"readout": "ones"}, {"per_column": True}, {"on_chip": "inner"},
                                    {"calibration": "train-augmented"}], ids=str)
def test_a_unit_is_chip_read_compensation_accuracy_one_after_the_other(small, choice, monkeypatch):
    """The parts put together by hand give the unit's parameters, bit for bit, and its numbers."""
    from refpcm.analog import program_network, with_matrices
    from refpcm.compensation.adabs import calibration_images
    from refpcm.compensation.global_drift import compensated_read, reference_readouts
    from refpcm.evaluation.calibration import mini_batches
    from refpcm.pcm.device import JOSHI2020
    inputs = units.load_inputs(small.network, small.data, "numpy")
    task = replace(tasks(replace(small, **choice))[-1], compensations=("none", "gdc", "adabs", "adabs-alone"))
    assert (task.chip, task.t_s, task.draw) == (1, 1e7, 1)
    gdc = choice.get("readout", "columns"), choice.get("per_column", False)
    chip = program_network(inputs.file.network, inputs.file.parameters, JOSHI2020, 5, 1, choice.get("on_chip", "all"))
    raw, rescued, _ = compensated_read(chip, 1e7, 1, reference_readouts(chip, *gdc), *gdc)
    drifted, scaled = (with_matrices(inputs.file.network, inputs.file.parameters, m) for m in (raw, rescued))
    chosen = calibration_images(5, 1, 1, 40, 2, 8)
    images = [inputs.normalised(inputs.data.train_images[i]) for i in chosen]
    if "calibration" in choice:
        images = mini_batches(inputs, inputs.data.train_images, chosen, task.protocol, task)
    expected = [drifted, scaled, calibrate(inputs.engine, scaled, images), calibrate(inputs.engine, drifted, images)]
    numbers, seen, count = [inputs.count_correct(p) for p in expected], [], inputs.count_correct
    monkeypatch.setattr(inputs, "count_correct", lambda p, *rest: seen.append(p) or count(p, *rest))
    assert run_task(task) == dict(zip(task.compensations, numbers))
    for by_hand, used in zip(expected, seen, strict=True):
        assert all(np.array_equal(by_hand[name], used[name]) for name in by_hand)


def test_calibration_on_the_test_images_is_another_evaluation(small):
    on_test = replace(small, calibration="test")
    assert fingerprint(on_test) != fingerprint(small)
    inputs = units.load_inputs(small.network, small.data, "numpy")
    assert inputs.calibration_images("test") is inputs.data.test_images
    with pytest.raises(RefpcmError, match="20 calibration images"):
        run_task(tasks(replace(on_test, adabs_batches=5))[0])
    with pytest.raises(RefpcmError, match="calibration must be train or train-augmented or test"):
        replace(small, calibration="both")


@pytest.mark.parametrize("twice", [{"compensations": ("gdc", "gdc")}, {"times_s": (25.0, 25.0)}])
def test_nothing_is_named_twice(small, twice):
    """Else its images would be counted twice, and kept so."""
    with pytest.raises(RefpcmError, match="none twice"):
        replace(small, **twice)


def with_file(small, folder, **changes):
    """The protocol on a copy of its network file with other classes or notes."""
    path = folder / "other.safetensors"
    save_network(path, replace(units.load_inputs(small.network, small.data, "numpy").file, **changes))
    return replace(small, network=str(path))


def test_augmentation_of_the_training_counts_where_adabs_repeats_it(small, tmp_path):
    other = with_file(small, tmp_path, notes={"config": {"cutout": 16}})
    assert fingerprint(other) == fingerprint(small)
    augmented = [replace(p, calibration="train-augmented") for p in (other, small)]
    assert len({fingerprint(p) for p in (small, *augmented)}) == 3


@pytest.mark.parametrize("classes, words", [
    (CLASSES[::-1], "same in another order"), (tuple("klmnopqrst"), "choose the network's data"),
    (tuple("abcdefghiz"), None), (tuple(f"class {i}" for i in range(10)), None)])
def test_data_of_other_classes_are_refused(small, tmp_path, classes, words):
    other = with_file(small, tmp_path, classes=classes)
    if words is None:
        units.load_inputs(other.network, other.data, "numpy")
        return
    with pytest.raises(RefpcmError, match=words):
        units.load_inputs(other.network, other.data, "numpy")


@pytest.mark.parametrize("images", [0, -3])
def test_a_number_of_images_below_1_is_refused(small, images):
    with pytest.raises(RefpcmError, match="at least 1"):
        units.load_inputs(small.network, small.data, "numpy").image_count(images)


def test_noise_afresh_in_every_batch_reads_once_a_batch(small, monkeypatch):
    """I-9. Batches of 8 of the 20 images: reads 65536, 65537, 65538 of the second read's units."""
    monkeypatch.setattr(units, "BATCH", 8)
    seen = []
    original = units.compensated_read
    monkeypatch.setattr(units, "compensated_read", lambda *a: seen.append(a[2]) or original(*a))
    task = tasks(replace(small, read_noise="per_batch"))[1]
    assert task.draw == 1
    correct = run_task(task)
    assert seen == [65536, 65537, 65538] and set(correct) == {"none", "gdc", "adabs"}


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
    assert run_task(task) == run_task(task)
    assert fingerprint(coarse) != fingerprint(replace(coarse, output_noise=0.2)) != fingerprint(small)


def test_an_interrupted_evaluation_goes_on_where_it_was(small, whole, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    def stop_after_three(done, total):
        if done == 3:
            raise Stop
    with pytest.raises(Stop):
        run(small, tmp_path, progress=stop_after_three)
    ran = []
    monkeypatch.setattr("refpcm.evaluation.run.run_task", lambda task: ran.append(task) or run_task(task))
    assert run(small, tmp_path) == whole[0] and len(ran) == 5


def test_a_wider_evaluation_keeps_what_was_done(small, whole, monkeypatch):
    result, folder = whole
    ran = []
    monkeypatch.setattr("refpcm.evaluation.run.run_task",
                        lambda task: ran.append((task.t_s, task.compensations)) or dict.fromkeys(task.compensations, 7))
    wider = run(replace(small, times_s=(25.0, 1e6, 1e7), compensations=("gdc", "adabs-alone")), folder)
    assert sorted(ran) == 4 * [(25.0, ("adabs-alone",))] + 4 * [(1e6, ("gdc", "adabs-alone"))] + 4 * [
        (1e7, ("adabs-alone",))]
    assert wider["rows"][0] == result["rows"][1]


def test_another_network_seed_or_device_is_another_evaluation(small):
    prints = {fingerprint(p) for p in (small, replace(small, seed=6), replace(small, device="hermes"),
                                       replace(small, readout="ones"), replace(small, images=10))}
    assert len(prints) == 5 and fingerprint(replace(small, chips=9, times_s=(1e6,))) == fingerprint(small)


def test_a_changed_program_is_another_evaluation(small, monkeypatch):
    before = fingerprint(small)
    monkeypatch.setattr(units, "RESULTS_VERSION", units.RESULTS_VERSION + 1)
    assert fingerprint(small) != before


def test_a_changed_program_is_another_evaluation_with_additive_noise_too(small, monkeypatch):
    protocol = NoiseProtocol(small.network, small.data)
    before = noise_fingerprint(protocol)
    monkeypatch.setattr(additive_noise, "RESULTS_VERSION", units.RESULTS_VERSION + 1)
    assert noise_fingerprint(protocol) != before


def test_conductances_depend_neither_on_tiles_nor_on_the_order_of_chips(small):
    def read(protocol, chips):
        return {chip: np.concatenate([read_conductances(programmed, crossbar, 1e7, 0).ravel()
                                      for programmed in [units.programmed(protocol, chip)[0]]
                                      for crossbar in programmed.crossbars]) for chip in chips}
    usual, other = read(small, (0, 1)), read(replace(small, tile_rows=7, tile_columns=3, dac_bits=8), (1, 0))
    assert all(np.array_equal(usual[chip], other[chip]) for chip in (0, 1)) and not np.array_equal(usual[0], usual[1])


def test_damaged_units_are_run_again(small, whole, tmp_path):
    result, folder = whole
    run(small, tmp_path)
    names = sorted(os.listdir(tmp_path / "units"))
    for name, content in zip(names, ("", "{", '{"fingerprint": 3}', "[]", "null")):
        (tmp_path / "units" / name).write_text(content)
    assert run(small, tmp_path) == result


class Backwards(Executor):
    """Runs everything at shutdown of the submission phase, last task first."""

    def __init__(self):
        self.waiting = []

    def submit(self, function, *arguments):
        future = Future()
        self.waiting.append((future, function, arguments))
        if len(self.waiting) == 8:
            for each, call, values in reversed(self.waiting):
                each.set_result(call(*values))
        return future


def test_times_a_second_apart_have_files_of_their_own(small):
    close = replace(small, times_s=(1e6, 1e6 + 0.5, 1e6 + 1))
    assert len({task.name for task in tasks(close)}) == 3 * small.chips * small.reads


def test_the_executor_does_not_matter(small, whole, tmp_path):
    assert run(small, tmp_path, Backwards()) == whole[0]


@pytest.mark.slow
def test_processes_give_the_same_result(small, whole, tmp_path):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert run(small, tmp_path, pool) == whole[0]


def test_the_report_holds_the_result(whole, tmp_path):
    result, _ = whole
    json_path, csv_path = write_report(tmp_path, result)
    with open(json_path) as file:
        assert json.load(file)["rows"] == result["rows"]
    with open(csv_path) as file:
        lines = file.read().splitlines()
    assert len(lines) == 7 and lines[0].startswith("t_s,compensation,mean") and lines[1].startswith("25.0,none,")
    assert len(table(result).splitlines()) == 9


@pytest.mark.parametrize("change, said", [
    (dict(chips=0), "chips"),
    (dict(chips=5_000_000_000), "at most 1000000"),
    (dict(reads=0), "reads"),
    (dict(images=0), "images"),
    (dict(readout="x"), "columns"),
    (dict(compensations=("gdc", "magic")), "adabs-alone"),
    (dict(times_s=()), "times_s"),
    (dict(adabs_batches=0), "adabs_batches"),
    (dict(read_noise="often"), "per_batch"),
    (dict(dac_bits=1), "bits"),
    (dict(tile_rows=0), "rows"),
    (dict(output_noise=-1.0), "output_noise"),
])
def test_what_cannot_be_evaluated_is_refused_by_name(small, change, said):
    with pytest.raises(RefpcmError, match=said):
        replace(small, **change)


def test_more_calibration_images_than_there_are_are_refused(small, tmp_path):
    with pytest.raises(RefpcmError, match="40 calibration images"):
        run(replace(small, adabs_batches=13), tmp_path)


class Index(list):
    """Images that are not in memory, as those of an ImageNet index."""

    def tobytes(self):
        return b""


@pytest.mark.parametrize("train_images, change, said", [
    (None, {"adabs_batches": 13}, "40 calibration images"), ([], {"compensations": ("adabs-alone",)}, "no training"),
    ([0] * 40, {"calibration": "train-augmented"}, "choose train")])
def test_before_the_first_unit_adabs_is_known_to_have_its_images(small, tmp_path, monkeypatch, train_images, change,
                                                                 said):
    inputs = units.load_inputs(small.network, small.data, "numpy")
    if train_images is not None:
        monkeypatch.setattr(inputs, "data", replace(inputs.data, train_images=Index(train_images)))
    ran = []
    monkeypatch.setattr("refpcm.evaluation.run.run_task", ran.append)
    with pytest.raises(RefpcmError, match=said):
        run(replace(small, **change), tmp_path)
    assert not ran
