"""A training run as the command runs it: its folder, its data, its beginning or resumption."""

import itertools
import os
import time
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np

from refpcm import cli
from refpcm.datasets import load, split
from refpcm.datasets.dataset import in_another_order
from refpcm.errors import RefpcmError
from refpcm.files.atomic import check_writable, make_folder
from refpcm.files.checkpoints import load_checkpoint, save_checkpoint
from refpcm.files.lock import locked
from refpcm.files.network_file import load_network
from refpcm.files.reading import sha256_of
from refpcm.spec import random
from refpcm.spec.resnet import build
from refpcm.spec.training.augmentation import check_sizes
from refpcm.training import loop
from refpcm.training.budget import plan
from refpcm.training.config_file import CONFIG, as_begun, identity_of, read_config, refuse_changed, write_config
from refpcm.training.match import matched
from refpcm.training.metrics import keep_records
from refpcm.training.report import CHIPS, NETWORK, PICTURE, RESULT, check_chips, report
from refpcm.training.session import CHECKPOINT, METRICS, Session
from refpcm.training.sources import image_source


def begin_run(request, config):
    """Start the run that a Request asks for, with a TrainingConfig. Return the exit status."""
    began = time.monotonic()
    if request.out:
        refuse_used(request.out)
    dataset = load(request.data)
    request = replace(request, chips=request.chips or 0)
    check_chips(request.chips, request.data, dataset)
    training, validation = hold_back(dataset, config.validation_images)
    check_images(config, build(config.architecture, len(dataset.classes)), training)
    if request.match:
        if request.out:
            check_writable(given_folder(request.out) / CONFIG)  # before the pass, which takes its time
        cli.say(f"noise {config.weight_noise:g} on the network of {request.match}: one pass over the training images ...")
        meter = cli.Meter("pass with noise: batch", "batches")
        try:
            config, found = matched(config, request.match, training, meter.update)
        finally:
            meter.clear()
        cli.say(f"train accuracy with noise {100 * found['noisy_train_accuracy']:.2f} %, as in epoch {found['epoch']} of the "
                f"baseline: its schedule from epoch {found['schedule_start']:g} on, for {found['epochs']:g} epochs")
        request = replace(request, start=os.path.join(request.match, NETWORK), matched=found)
    state = loop.start(config, len(dataset.classes), identity_of(training))
    if request.start:
        start_from(request.start, state, dataset)
    elif config.batch_norm == "frozen":
        raise RefpcmError("frozen batch norm keeps the statistics of a trained network; name one by --start")
    elif request.for_trained:
        cli.say("warning: this preset is a retraining, its learning rate is for a trained network; name one by --start")
    if request.time_budget_s:
        state.config = plan(state, training, len(validation.test_images), request.time_budget_s, began)
    folder = given_folder(request.out) if request.out else numbered_folder()
    with locked(folder):
        refuse_used(folder)
        begin(folder, state, request, training)
        return train_in(folder, state, dataset, training, validation, request, began)


def resume_run(folder, request):
    """Go on with the run in `folder`. Return the exit status.

    data and chips of the request, where None, are those that the run began with. Where it was killed before its config.json
    was written, the built-in images, if they are its own, and no chips.
    """
    began, folder = time.monotonic(), Path(folder)
    with locked(folder):
        state = load_checkpoint(folder / CHECKPOINT)
        if request.data is None and not (folder / CONFIG).exists() and is_on_builtin(state):
            request = replace(request, chips=request.chips or 0)
        else:
            request = as_begun(folder, request)
        dataset = load(request.data)
        check_chips(request.chips, request.data, dataset)
        training, validation = hold_back(dataset, state.config.validation_images)
        check_images(state.config, build(state.config.architecture, len(dataset.classes)), training)
        refuse_changed(folder, state, training)
        if read_config(folder) is None:
            cli.say(f"{folder / CONFIG} is missing or damaged and written anew: {request.data or 'the built-in images'}, "
                    f"{request.chips} chips")
            write_config(folder, state, request, training)
        return train_in(folder, state, dataset, training, validation, request, began)


def train_in(folder, state, dataset, training, validation, request, began):
    """Train `state` to its end, or until somebody stops it, then report. Return the exit status."""
    keep_records(folder / METRICS, state.step)
    session = Session(folder, state, training, validation, request, began,
                      f"go on with: python -m refpcm.train --resume {cli.quoted(folder)}")
    complete = session.run()
    if complete:
        report(folder, state, training, dataset, request)
    if session.signal:
        return 128 + session.signal  # the shell's convention for a process ended by a signal
    return 0 if complete else 1


def check_images(config, network, training):
    """Raises RefpcmError if the images of a Dataset cannot train `network`, or not be tested on in the end."""
    images = image_source(config, training)
    for which, array in (("training", training.train_images), ("test", training.test_images)):
        if array.shape[1:] != network.input_shape:
            raise RefpcmError(f"{network.architecture} wants images {network.input_shape}; the {which} images of "
                              f"{training.name} are {array.shape[1:]}: choose other data or another --architecture")
    if not len(training.test_images):
        raise RefpcmError(f"{training.name} has no test images, in which a training ends; give it some")
    if network.classes < 2:
        raise RefpcmError(f"{training.name} has one class, so there is nothing to tell apart; choose other data")
    check_sizes(images.augmentation, network.input_shape[1:])
    longest = max(config.schedule_epochs, config.epochs if config.epochs < inf else 0)  # inf: a time budget says how many
    if longest * loop.steps_per_epoch(config, len(images)) > 2 ** random.LIMITS["draw"]:
        # what the random numbers' addresses can tell apart
        raise RefpcmError(f"{longest:g} epochs are more than 2^32 steps; choose fewer --epochs or --schedule-epochs")


def hold_back(dataset, validation_images):
    """Two data sets: without the validation images, and with these in place of the test images."""
    kept, held = split(dataset, validation_images)
    if not validation_images:
        return dataset, replace(dataset, test_images=dataset.train_images[:0])
    images, labels = dataset.train_images, dataset.train_labels
    return (replace(dataset, train_images=images.take(kept, axis=0), train_labels=labels[kept]),
            replace(dataset, test_images=images.take(held, axis=0), test_labels=labels[held]))


def refuse_used(folder):
    """Raises RefpcmError if `folder` holds a run or any file that a run would write over."""
    if (Path(folder) / CHECKPOINT).exists():
        raise RefpcmError(f"{folder} already holds a run; go on with it by --resume {cli.quoted(folder)}, or choose "
                          "another --out")
    for name in (CONFIG, METRICS, NETWORK, RESULT, PICTURE, CHIPS):
        if (Path(folder) / name).exists():
            raise RefpcmError(f"{Path(folder) / name} is there and would be overwritten; choose another --out")


def given_folder(out):
    """The folder `out`, made if missing."""
    make_folder(out)
    return Path(out)


def numbered_folder():
    """The first of runs/train-001, -002, ... that is not there, made: two commands that begin together get two."""
    make_folder("runs")
    for number in itertools.count(1):
        folder = Path(f"runs/train-{number:03}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue


def begin(folder, state, request, dataset):
    """Write what makes `folder` that of a run: its state, from which it can be resumed at once, and config.json."""
    save_checkpoint(folder / CHECKPOINT, state)
    write_config(folder, state, request, dataset)


def start_from(path, state, dataset):
    """Give `state` the parameters of the network file `path`.

    Warns if its images were normalised otherwise, or if frozen statistics will not fit the weights.

    Raises RefpcmError if it is of another form than the state's, or has classes of the data in another order.
    """
    file, wanted = load_network(path), build(state.config.architecture, state.classes)
    if file.network != wanted:
        raise RefpcmError(f"--start {path} holds {file.network.architecture} with {file.network.classes} classes; "
                          f"this run trains {wanted.architecture} with {wanted.classes}")
    if in_another_order(file.classes, dataset.classes):
        raise RefpcmError(f"--start {path} has the classes of {dataset.name} in another order; prepare the data in its "
                          "order (for ImageNet: --classes)")
    if not np.allclose([file.mean, file.std], [dataset.mean, dataset.std], atol=0.01):
        cli.say(f"warning: {path} was trained on images normalised by mean {file.mean}, std {file.std}; this run takes "
                f"{dataset.mean}, {dataset.std}")
    trained = file.notes.get("config")
    if state.config.batch_norm == "frozen" and isinstance(trained, dict):
        for name in ("clip_sigma", "weight_precision"):
            if trained.get(name) != getattr(state.config, name):
                cli.say(f"warning: {path} was trained with {name} = {trained.get(name)}, this run has "
                        f"{getattr(state.config, name)}: its weights will not be those that the frozen statistics belong to")
    state.parameters = {name: np.array(value, np.float32) for name, value in file.parameters.items()}
    state.start = sha256_of(path)


def is_on_builtin(state):
    """Whether the training images of a State are the built-in ones."""
    try:
        training, _ = hold_back(load(), state.config.validation_images)
    except RefpcmError:  # fewer than it holds back
        return False
    return identity_of(training) == state.data
