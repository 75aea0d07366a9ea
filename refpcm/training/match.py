"""The matched learning rate: where a retraining with noise enters the schedule of its baseline.

Joshi et al. 2020, Methods D: pass the training images through the baseline with noise on its weights; find the epoch at which
the baseline's own training curve had the accuracy that is left; go on with the baseline's learning rates from that epoch.
Batch norm uses the baseline's running statistics, as in inference (I-27). Images are augmented, as those of the curve were.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.files.network_file import load_network
from refpcm.files.reading import read_bytes, read_json
from refpcm.forms import find_forms
from refpcm.spec.resnet import build
from refpcm.spec.training.config import TrainingConfig, checked, put_over
from refpcm.spec.training.quantisation import quantised_parameters
from refpcm.spec.training.step import noisy_forward
from refpcm.training import loop
from refpcm.training.config_file import CONFIG, identity_of
from refpcm.training.metrics import LOG_LIMIT
from refpcm.training.sources import image_source

TAKEN = ("learning_rate", "schedule", "warmup_epochs")  # what a retraining takes from its baseline


def matched(config, folder, training, after_batch=lambda done, total: None):
    """Return the TrainingConfig with the learning rates that match, and what was found, a dict for the record.

    config: of the retraining; folder: of the baseline's finished run; training: Dataset. The retraining's epochs are those
    asked for, or as many as are left of the baseline's schedule, if those are fewer. Raises RefpcmError if the folder
    holds no finished run of this network on these images, where its curve never had the accuracy, and where the epochs
    that are left are too few for the averaging or the warm-up.
    """
    folder = Path(folder)
    baseline, parameters = _baseline(folder, config, training)
    curve = read_curve(folder / "metrics.jsonl")
    accuracy = noisy_accuracy(config, parameters, training, after_batch)
    epoch = next((record["epoch"] for record in curve if record["train_accuracy"] >= accuracy), None)
    if epoch is None:
        highest = max(record["train_accuracy"] for record in curve)
        raise RefpcmError(f"{folder}: its training accuracy never reached {100 * accuracy:.2f} %, what the network keeps "
                          f"with noise (highest: {100 * highest:.2f} %); look whether the curve was cut or "
                          "its augmentation was stronger")
    length = baseline.schedule_epochs or baseline.epochs
    start = baseline.schedule_start + epoch - 1
    epochs = min(config.epochs, length - start)
    values = {name: getattr(baseline, name) for name in TAKEN}
    found = {"noisy_train_accuracy": accuracy, "epoch": epoch, "schedule_start": start, "epochs": epochs}
    return checked(replace(config, **values, schedule_epochs=length, schedule_start=start, epochs=epochs), "--match"), found


def _baseline(folder, config, training):
    """The TrainingConfig and parameters of the finished run in a folder, if its classes are those of the Dataset."""
    path = folder / "network.safetensors"
    if not path.exists():
        raise RefpcmError(f"{path} is not there: --match wants the folder of a finished run")
    file = load_network(path)
    if file.network.architecture != config.architecture:
        raise RefpcmError(f"{path} holds {file.network.architecture}; this run trains {config.architecture}")
    if file.classes != training.classes:
        raise RefpcmError(f"--match: {path} knows the classes {', '.join(file.classes[:3])}, ...; {training.name} has "
                          f"{', '.join(training.classes[:3])}, ...: name the baseline's data with --data")
    _check_images(folder / CONFIG, training)
    known = file.notes.get("config")
    names = [name for name in ("epochs", "schedule_epochs", "schedule_start", *TAKEN)
             if isinstance(known, dict) and name in known]
    if not {"epochs", *TAKEN} <= set(names):
        raise RefpcmError(f"{path} does not say how it was trained; --match wants a network of refpcm.train")
    return checked(put_over(TrainingConfig(), {name: known[name] for name in names}, path), path), file.parameters


def _check_images(path, training):
    """Raises RefpcmError if the baseline's config.json names other training images than those of the Dataset."""
    if not path.exists():  # a network and its log alone
        return
    began = read_json(path)
    known = began.get("data_identity") if isinstance(began, dict) else None  # older runs do not say
    if known not in (None, identity_of(training)):
        raise RefpcmError(f"--match: {path.parent} was trained on other images than those of {training.name}; name its own "
                          "with --data, and hold back as many (--validation-images)")


def read_curve(path):
    """Return the records of a training's log, one an epoch. Raises RefpcmError if it is missing or damaged."""
    try:
        curve = [json.loads(line) for line in read_bytes(path, LOG_LIMIT).splitlines()]
        numbers = [(record["epoch"], record["train_accuracy"]) for record in curve]
        if not curve or any(type(epoch) is not int or type(accuracy) is bool or not 0 <= accuracy <= 1
                            for epoch, accuracy in numbers):
            raise ValueError("it holds no epochs, or numbers that are none")
        if [epoch for epoch, _ in numbers] != list(range(1, len(numbers) + 1)):
            raise ValueError("its epochs are not 1, 2, 3, ...: lines are missing, or were changed")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise RefpcmError(f"{path} is not a training's log ({error!r}); --match wants the folder of a finished run") from None
    return curve


def noisy_accuracy(config, parameters, training, after_batch=lambda done, total: None):
    """Return the share of training images right in one epoch with the noise of `config`, by the network's own statistics.

    Images, augmentation, batches and noise are those of the retraining's first epoch; nothing is learned.
    """
    config = replace(config, batch_norm="frozen")
    source, labels = image_source(config, training), training.train_labels
    forms, network = find_forms(config.kernels), build(config.architecture, len(training.classes))
    engine, clean = forms.make_engine(network), quantised_parameters(network, parameters, config.weight_precision)
    order, total = loop.epoch_order(config, 0, len(source)), loop.steps_per_epoch(config, len(source))
    correct = 0
    for step in range(total):
        numbers = loop.batch_numbers(order, config.batch_size, step)
        images = source.batch(numbers, 0, loop.batch_numbers(order, config.batch_size, step + 1))
        for part, logits, _ in noisy_forward(config, engine, clean, images, step, forms.rules):
            correct += int((logits.argmax(1) == labels[numbers[part]].astype(np.int64)).sum())
        after_batch(step + 1, total)
    return correct / (total * config.batch_size)
