"""refpcm.inspection.loss_task: the cases of causes and layers are those put together by hand, from reads of chip 1."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.evaluation import inputs as evaluation_inputs
from refpcm.evaluation.on_tiles import engine_on_tiles, with_ranges
from refpcm.evaluation.protocol import tasks
from refpcm.evaluation.unit import adabs_images, programmed, readout_of
from refpcm.inspection import loss_task, sensitivity
from refpcm.inspection.causes import causes_of, chip_with, conductances_with
from refpcm.inspection.layer_errors import layer_errors
from refpcm.inspection.loss_task import loss_counts, loss_tasks, pairs
from refpcm.inspection.sensitivity import squared_gradients
from refpcm.spec.compensation.adabs import calibrate
from refpcm.spec.compensation.global_drift import Readout, compensated_read, reference_readouts
from refpcm.spec.crossbars import to_matrices, with_matrices
from tests.inspection.conftest import YEAR_S

TILES = {"dac_bits": 5, "adc_bits": 5, "output_noise": 0.05, "tile_rows": 64}


def of_chip_1(protocol, group, layers=()):
    """Return the unit of a group of cases on chip 1."""
    task, = (each for each in loss_tasks(protocol, "both", layers) if (each.group, each.chip) == (group, 1))
    return task


def both_cases(count, names, every):
    """Return {part: count(names that are on)} of both cases of each name."""
    return {f"only {name}": count([name]) for name in names} | {
        f"without {name}": count([other for other in every if other != name]) for name in names}


def test_images_of_several_batches_are_counted_as_those_of_one(inputs, monkeypatch):
    """20 images in batches of 8: the last is shorter, and 18 images end within it."""
    file = inputs.file
    variants = [file.parameters, {**file.parameters, "fc.weight": file.parameters["fc.weight"][::-1].copy()},
                {**file.parameters, "conv1.weight": -file.parameters["conv1.weight"]}]
    whole = {images: inputs.count_correct_each(variants, images) for images in (None, 18, 8)}
    monkeypatch.setattr(evaluation_inputs, "BATCH", 8)
    assert {images: inputs.count_correct_each(variants, images) for images in whole} == whole
    assert whole[None][0] == 20 and len({*whole[None]}) > 1
    assert whole[18] == [inputs.count_correct(parameters, 18) for parameters in variants]


def test_a_cause_alone_and_all_others(inputs, protocol):
    chip = programmed(inputs, protocol, 1)[0]

    def by_hand(on):
        switched = chip_with(chip, on)
        how = Readout(conductances=conductances_with(on, inputs.forms.chip.read_conductances))
        weights = compensated_read(switched, YEAR_S, 0, reference_readouts(switched, how), how)[1]
        return inputs.count_correct(with_matrices(inputs.file.network, inputs.file.parameters, weights))
    causes = causes_of(protocol)
    found = loss_counts(inputs, of_chip_1(protocol, "cause"))
    assert found == both_cases(by_hand, causes, causes)
    assert all(len({found[f"{case} {name}"] for name in causes}) > 1 for case in ("only", "without"))


@pytest.mark.parametrize("change", [{}, TILES, {"compensations": ("adabs",)}], ids=str)
def test_a_layer_alone_and_all_others(inputs, protocol, change):
    protocol, names = with_ranges(inputs, replace(protocol, **change)), ("conv1", "fc")
    chip, reference = programmed(inputs, protocol, 1)
    read = compensated_read(chip, YEAR_S, 0, reference, readout_of(inputs, protocol))

    def by_hand(on):
        raw, compensated, alphas = ({name: part[name] for name in on} for part in read)
        parameters = with_matrices(inputs.file.network, inputs.file.parameters, compensated)
        if protocol.compensations == ("adabs",):
            parameters = calibrate(inputs.engine, parameters, adabs_images(inputs, tasks(protocol)[1]))
        engine = engine_on_tiles(inputs, protocol, chip, 0, raw, alphas, {}) if change == TILES else inputs.engine
        engine.next_image = 0
        return inputs.count_correct(parameters, engine=engine)
    found = loss_counts(inputs, of_chip_1(protocol, "layer", names).only(pairs(names)))
    assert found == both_cases(by_hand, names, read[0])
    assert found["only conv1"] != found["without conv1"]


def test_the_mvm_error_and_the_estimate_of_a_layer(inputs, protocol, monkeypatch):
    monkeypatch.setattr(loss_task, "IMAGES", 2)
    monkeypatch.setattr(sensitivity, "IMAGES", 4)
    network, trained = inputs.file.network, inputs.file.parameters
    chip, reference = programmed(inputs, protocol, 1)
    weights = compensated_read(chip, YEAR_S, 0, reference, readout_of(inputs, protocol))[1]["fc"]
    error = weights.astype(np.float64) - to_matrices(network, trained)["fc"]
    images = inputs.normalised(inputs.calibration_images("train")[:2])
    task = of_chip_1(protocol, "layer", ("fc",)).only(("mvm_error fc", "estimate fc"))
    assert loss_counts(inputs, task) == {
        "mvm_error fc": layer_errors(network, trained, {"fc": weights}, images)["fc"],
        "estimate fc": pytest.approx(np.sum(squared_gradients(inputs, protocol)["fc"] * error ** 2) / 2)}
