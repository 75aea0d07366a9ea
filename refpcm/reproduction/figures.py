"""A figure from beginning to end: train what is missing, measure, compare, write, draw.

The module of a figure has TITLE; COLUMNS, which tell its rows apart; networks(scale), the variants it needs;
measure(setting, pool) -> rows; COMPARE, {data: compare(rows, on_chip) -> lines of `comparison.comparison_row`};
draw(figure, rows); and, where chips are measured, device(scale), the name of theirs.
"""

import hashlib
import textwrap
import time
from dataclasses import asdict, replace

from refpcm import cli
from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.evaluation.inputs import Inputs
from refpcm.evaluation.protocol import MOST_UNITS
from refpcm.evaluation.unit import check_first_read
from refpcm.files.atomic import make_folder
from refpcm.files.devices import find_device
from refpcm.files.lock import locked
from refpcm.files.reading import sha256_of
from refpcm.reproduction import ablation, calibration, causes, drawing, fig2, fig3, fig4, fig5
from refpcm.reproduction.heading import caveat, heading
from refpcm.reproduction.measurements import kernels
from refpcm.reproduction.output import comparison_table, interval, table, write_files
from refpcm.reproduction.setting import (
    begin_or_continue,
    check_calibration,
    with_architecture_of_given,
    with_usual_adabs,
)
from refpcm.reproduction.trainings import all_trainings, network_files, train_all
from refpcm.reproduction.variants import FP32, training_config
from refpcm.spec.crossbars import analog_layers
from refpcm.spec.pcm.drift import check_time
from refpcm.spec.resnet import build
from refpcm.training.config_file import identity_of
from refpcm.training.run import check_images, hold_back

FIGURES = {"fig2": fig2, "fig3": fig3, "fig4": fig4, "fig5": fig5, "ablation": ablation, "causes": causes,
           "calibration": calibration}
CALIBRATED = {"fig4": (), "fig5": (), "calibration": ("calibration_batches",)}  # with AdaBS; fields of its batches
WIDTH = 130  # of the text above a picture, in characters


def reproduce(setting, names, pool=None):
    """Make the figures `names` and print their tables. -> exit status: 0, or that of a signal during a training."""
    setting = with_usual_adabs(with_architecture_of_given(setting))
    dataset = load(setting.data)
    for path in (path for paths in setting.given.values() for path in paths):
        Inputs(str(path), setting.data, kernels(setting.scale))  # refuses what does not fit
    variants = {variant: None for name in names for variant in FIGURES[name].networks(setting.scale)}
    _check_numbers(setting.scale, dataset, all_trainings(setting, variants))
    for name in set(CALIBRATED) & set(names):
        check_calibration(setting, dataset, CALIBRATED[name])
    make_folder(setting.out)
    with locked(setting.out):
        begin_or_continue(setting, _identity(dataset))
        for name in names:
            began = time.monotonic()
            status = train_all(setting, FIGURES[name].networks(setting.scale), dataset)
            if status:
                return status
            print(_make(setting, name, dataset, pool), flush=True)
            cli.say(f"{name}: {cli.clock(time.monotonic() - began)}")
    return 0


def _check_numbers(scale, dataset, trainings):
    """Raises RefpcmError for what would fail only in the evaluation, that is, after hours."""
    check_time(scale.transfer_s, find_device(scale.transfer_device))
    device = find_device(scale.device)
    for t_s in (*scale.day_s, *scale.year_s):
        check_time(t_s, device)
    check_first_read("reproduction", (*scale.day_s, *scale.year_s), device, "give later times in day_s and year_s")
    times = max(len(scale.day_s), len(scale.year_s))
    for what, units in (("chips x reads x times", scale.chips * scale.reads * times),
                        ("inference_runs", scale.inference_runs)):
        if units > MOST_UNITS:
            raise RefpcmError(f"reproduction: {what} must be at most {MOST_UNITS}, not {units}")
    network = build(scale.fp32.architecture, len(dataset.classes))
    for config in {replace(training.config, seed=0) for training in trainings}:
        check_images(config, network, hold_back(dataset, config.validation_images)[0])
    analog_layers(network, scale.on_chip)


def _make(setting, name, dataset, pool):
    """Measure and write one figure. -> what to print."""
    module, architecture = FIGURES[name], setting.scale.fp32.architecture
    rows = module.measure(setting, pool)
    compare = module.COMPARE.get("imagenet" if architecture.startswith("imagenet") else "cifar10")
    lines = compare(rows, setting.scale.on_chip) if compare else []
    variants = module.networks(setting.scale)
    given = {variant: {str(path): sha256_of(path) for path in paths} for variant, paths in setting.given.items()
             if variant in variants}
    networks = {variant: [sha256_of(path) for path in network_files(setting, variant)] for variant in variants}
    trained = all_trainings(setting, variants)
    recipes = {name: asdict(getattr(setting.scale, name)) if used else None  # of given networks nothing is claimed
               for name, used in (("fp32", any(_is_fp32(setting, one) for one in trained)),
                                  ("retraining", any(not _is_fp32(setting, one) for one in trained)))}
    result = {"figure": module.TITLE, "scale": setting.name, "architecture": architecture, "data": dataset.name,
              "test_images": len(dataset.test_labels[:setting.scale.images]),
              "numbers": {**asdict(setting.scale), **recipes}, "given networks": given, "sha256": networks,
              "versions": cli.versions(), "rows": rows, "comparison": lines}
    comparison = [comparison_table(lines)] if lines else []
    warning = caveat(setting, dataset, recipes) if lines else None
    comparison += [warning] if warning else []
    head = [module.TITLE, *heading(setting, dataset, module)]
    text = "\n\n".join(["\n".join(head), table(module.COLUMNS, rows), *comparison]) + "\n"
    written = write_files(setting.out, name, module.COLUMNS, result, text)
    lacking = drawing.missing()
    if lacking:
        cli.say(lacking)
    else:
        above = "\n".join(textwrap.fill(line, WIDTH) for line in (*head, interval(rows)))
        drawing.write(setting.out / f"{name}.png", name, module, rows, above, "\n\n".join(comparison))
        written.append(f"{name}.png")
    return f"{text}\nwritten: {setting.out}/" + ", ".join(written) + "\n"


def _is_fp32(setting, training):
    return training.config == training_config(setting.scale, FP32, training.config.seed)


def _identity(dataset):
    """Return the SHA-256 of training and test images and labels."""
    digest = hashlib.sha256(identity_of(dataset).encode())
    digest.update(dataset.test_images.tobytes())
    digest.update(dataset.test_labels.tobytes())
    return digest.hexdigest()
