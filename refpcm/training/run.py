"""A training run as the command runs it: its folder, its interruptions, its report."""

import dataclasses
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from refpcm import cli
from refpcm.datasets import load, split
from refpcm.errors import RefpcmError
from refpcm.files.atomic import write_bytes
from refpcm.files.network_file import NetworkFile, load_network, save_network
from refpcm.resnet import build, pcm_weight_count
from refpcm.training import loop
from refpcm.training.checkpoint import load_checkpoint, save_checkpoint
from refpcm.training.config import as_json
from refpcm.training.executor import make_engine
from refpcm.training.metrics import append_record, keep_records

CHECKPOINT, METRICS, NETWORK, CONFIG, RESULT = (
    "checkpoint.safetensors", "metrics.jsonl", "network.safetensors", "config.json", "result.json")
REHEARSAL_SECONDS = 8.0  # measured before a run with a time budget
CHIP_TIMES_S = (25.0, 86400.0, 31536000.0)  # 25 seconds, a day, a year
RESERVE = 0.97           # share of the budget that is planned with


def train_run(options, config):
    """Start or resume the run that the command line asks for. -> exit status."""
    began = time.monotonic()
    folder = Path(options.resume) if options.resume else new_folder(options.out)
    state = load_checkpoint(folder / CHECKPOINT) if options.resume else None
    config = state.config if state else config
    data = source_of(folder) if options.resume and not options.data else options.data
    dataset = load(data)
    training, validation = hold_back(dataset, config.validation_images)
    identity = identity_of(training)
    if state is None:
        state = loop.start(config, len(dataset.classes), identity)
        if options.start:
            state.parameters = starting_parameters(options.start, state)
        if options.time_budget:
            state.config = config = plan(state, training, options.time_budget, began)
    elif state.data != identity:
        raise RefpcmError(f"{folder} was trained on other images than those of {dataset.name}; "
                          "give the --data folder it was started with")
    loop.steps_per_epoch(config, len(training.train_images))
    if options.chips is not None and options.chips < 0:
        raise RefpcmError(f"--chips {options.chips} must be zero or more")
    folder.mkdir(parents=True, exist_ok=True)
    if not options.resume:
        write_config(folder, state, options)
    keep_records(folder / METRICS, state.step)
    session = Session(folder, state, training, validation, options, began)
    if session.run():
        report(folder, state, dataset, options)
    return 128 + session.signal if session.signal else 0  # the shell's convention for a process ended by a signal


def hold_back(dataset, validation_images):
    """Two data sets: without the validation images, and with these in place of the test images."""
    kept, held = split(dataset, validation_images)
    if not validation_images:
        return dataset, dataclasses.replace(dataset, test_images=dataset.train_images[:0])
    return (dataclasses.replace(dataset, train_images=dataset.train_images[kept], train_labels=dataset.train_labels[kept]),
            dataclasses.replace(dataset, test_images=dataset.train_images[held], test_labels=dataset.train_labels[held]))


def new_folder(out):
    """The output folder of a new run. Raises RefpcmError if it already holds one."""
    if out is None:
        number = 1
        while Path(f"runs/train-{number:03}").exists():
            number += 1
        return Path(f"runs/train-{number:03}")
    if (Path(out) / CHECKPOINT).exists():
        raise RefpcmError(f"{out} already holds a run; go on with it by --resume {out}, or choose another --out")
    return Path(out)


def write_config(folder, state, options):
    resolved = {**json.loads(as_json(state.config)), "data": os.path.abspath(options.data) if options.data else None,
                "data_identity": state.data, "versions": cli.versions(), "command": sys.argv}
    write_bytes(folder / CONFIG, (json.dumps(resolved, indent=2) + "\n").encode())


def starting_parameters(path, state):
    """Parameters of the network file `path`, float32. Raises RefpcmError if it is of another form than the state's."""
    file, wanted = load_network(path), build(state.config.architecture, state.classes)
    if file.network != wanted:
        raise RefpcmError(f"--start {path} holds {file.network.architecture} with {file.network.classes} classes; "
                          f"this run trains {wanted.architecture} with {wanted.classes}")
    return {name: np.array(value, np.float32) for name, value in file.parameters.items()}


def source_of(folder):
    """Where the run in `folder` had its data from (None: built in). Raises RefpcmError if that is not to be read."""
    try:
        return json.loads((folder / CONFIG).read_text())["data"]
    except (OSError, ValueError, KeyError) as error:
        raise RefpcmError(f"{folder / CONFIG} cannot be read ({error}); say where the images are with --data") from None


def identity_of(dataset):
    """SHA-256 over shapes, training images and labels."""
    digest = hashlib.sha256(str((dataset.train_images.shape, dataset.classes)).encode())
    digest.update(np.ascontiguousarray(dataset.train_images))
    digest.update(np.ascontiguousarray(dataset.train_labels))
    return digest.hexdigest()


def plan(state, training, budget, began):
    """Configuration with as many epochs as fit in what is left of `budget` seconds, from a timed rehearsal.

    The rehearsal trains a copy; nothing of it is kept but the rate. The number of epochs is then fixed, so
    that the run can be repeated without a clock.
    """
    copy = dataclasses.replace(state, parameters={n: p.copy() for n, p in state.parameters.items()},
                               velocity={n: v.copy() for n, v in state.velocity.items()},
                               config=dataclasses.replace(state.config, epochs=1e6, schedule="constant", learning_rate=1e-6))
    ticks = []

    def timed(copy, total):
        ticks.append(time.monotonic())
        return len(ticks) > 3 and ticks[-1] - ticks[0] > min(REHEARSAL_SECONDS, 0.1 * budget)
    loop.train(copy, training, timed, lambda copy, record: None)
    step_seconds = (ticks[-1] - ticks[0]) / (len(ticks) - 1)  # the first step, which may compile, is left out
    left = budget * RESERVE - (time.monotonic() - began)
    steps = int(left / step_seconds)
    if steps < 1:
        raise RefpcmError(f"--time-budget: a step takes {step_seconds:.2g} s and {max(left, 0):.0f} s are left; "
                          "give more time")
    epochs = steps / loop.steps_per_epoch(state.config, len(training.train_images))
    epochs = round(epochs, 1) if epochs < 10 else float(int(epochs))
    return dataclasses.replace(state.config, epochs=max(epochs, 0.1))


class Session:
    """One stretch of a run, from its start or resumption to its end or interruption."""

    def __init__(self, folder, state, training, validation, options, began):
        self.folder, self.state, self.training, self.validation = folder, state, training, validation
        self.every, self.began = options.checkpoint_every, began
        self.budget = options.time_budget
        self.stop_reason = self.signal = None
        self.saved = time.monotonic()
        self.evaluator = None

    def run(self):
        """Train until the end or a reason to stop; the state is then on disk. -> whether the run is complete."""
        config, count = self.state.config, len(self.training.train_images)
        total = loop.total_steps(config, count)
        self.progress = cli.Progress(total, "step", config.batch_size, "images", self.state.step)
        note(f"{config.architecture} ({pcm_weight_count(build(config.architecture, self.state.classes)):,} weights), "
             f"{count:,} training images, {config.epochs:g} epochs of {loop.steps_per_epoch(config, count)} steps; "
             f"output in {self.folder}" + (f"; going on after step {self.state.step}" if self.state.step else ""))
        before = {number: signal.signal(number, self.interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            complete = self.state.step >= total or loop.train(self.state, self.training, self.after_step,
                                                              self.after_epoch)
        except RefpcmError as error:
            kept = self.folder / CHECKPOINT
            state = f"the last good checkpoint is {kept}" if kept.exists() else "no checkpoint was written yet"
            raise RefpcmError(f"{error}; {state}") from None
        finally:
            self.progress.clear()
            for number, handler in before.items():
                signal.signal(number, handler)
        if not complete:
            note(f"stopped after step {self.state.step} of {total} ({self.stop_reason}); "
                 f"go on with: python -m refpcm.train --resume {self.folder}")
        return complete

    def interrupted(self, number, frame):
        self.stop_reason, self.signal = signal.Signals(number).name, number

    def after_step(self, state, total):
        self.progress.update(state.step, self.loss(state))
        if self.budget and time.monotonic() - self.began > self.budget:
            self.stop_reason = "time budget spent"
        if self.stop_reason or state.step == total or time.monotonic() - self.saved > self.every:
            self.save(state)
        return self.stop_reason is not None

    def loss(self, state):
        """The epoch's mean loss so far, for the progress line; empty between two epochs."""
        done = state.step % loop.steps_per_epoch(state.config, len(self.training.train_images))
        return f"loss {state.loss_sum / done:.3f}" if done else ""

    def save(self, state):
        if not all(np.isfinite(value).all() for value in state.parameters.values()):
            raise RefpcmError(f"a weight is no longer finite at step {state.step}: training has diverged; "
                              "choose a smaller --learning-rate")
        save_checkpoint(self.folder / CHECKPOINT, state)
        self.saved = time.monotonic()

    def after_epoch(self, state, record):
        if len(self.validation.test_images):
            record["validation_accuracy"] = accuracy(self.engine(), state.parameters, self.validation)[0]
        append_record(self.folder / METRICS, record)
        self.progress.clear()
        validated = f"  validation {100 * record['validation_accuracy']:.2f} %" if "validation_accuracy" in record else ""
        note(f"epoch {record['epoch']:3}  loss {record['train_loss']:.4f}  train {100 * record['train_accuracy']:.2f} %"
             f"{validated}  {record['images_per_second']:.0f} images/s  {cli.clock(record['seconds'])}")
        self.save(state)

    def engine(self):
        """A second engine for evaluation, so that the buffers of the training one stay as they are."""
        if self.evaluator is None:
            self.evaluator = make_engine(build(self.state.config.architecture, self.state.classes),
                                         self.state.config.kernels)
        return self.evaluator


def note(text):
    print(text, file=sys.stderr, flush=True)


def accuracy(engine, parameters, dataset):
    """Share of dataset.test_images that are right, and their number."""
    predicted = loop.predict(engine, parameters, dataset.test_images, dataset.mean, dataset.std)
    correct = int((predicted == dataset.test_labels).sum())
    return correct / len(predicted), correct


def report(folder, state, dataset, options):
    """Evaluate the finished network once on the test images, write it, try it on chips if asked, print the tables."""
    network = build(state.config.architecture, state.classes)
    share, correct = accuracy(make_engine(network, state.config.kernels), state.parameters, dataset)
    images = state.step * state.config.batch_size
    result = {"architecture": network.architecture, "weights": pcm_weight_count(network), "data": dataset.name,
              "epochs": state.config.epochs, "steps": state.step, "seed": state.config.seed,
              "accuracy": share, "correct": correct, "total": len(dataset.test_images),
              "training_seconds": state.seconds, "images_per_second": images / state.seconds,
              "network": str(folder / NETWORK), "versions": cli.versions()}
    notes = {"config": json.loads(as_json(state.config)), "data": dataset.name, "versions": result["versions"],
             "test_accuracy": share}
    save_network(folder / NETWORK, NetworkFile(network, state.parameters, dataset.classes, dataset.mean, dataset.std,
                                               notes))
    demonstration = options.preset in (None, "demo") and not (options.config or options.data or options.resume)
    chips = options.chips if options.chips is not None else 3 * demonstration
    if chips:
        result["chips"] = on_chips(folder, chips, options.data, state.config)
    write_bytes(folder / RESULT, (json.dumps(result, indent=2) + "\n").encode())
    if options.json:
        cli.print_json(result)
        return
    print(cli.table([
        ("network", f"{network.architecture}, {result['weights']:,} weights"),
        ("data", f"{dataset.name}, {len(dataset.test_images):,} test images"),
        ("training", f"{state.config.epochs:g} epochs in {cli.clock(state.seconds)}, "
                     f"{result['images_per_second']:.0f} images/s, seed {state.config.seed}"),
        ("test accuracy", f"{100 * share:.2f} %  ({correct} of {len(dataset.test_images)})"),
        ("network file", folder / NETWORK)]))
    if chips:
        print(f"\nThe same network on {chips} simulated PCM chips:\n\n{chip_table(result['chips'])}")
    print(f"\nNext: python -m refpcm.evaluate --network {folder / NETWORK}"
          + (f" --data {options.data}" if options.data else "") + " --chips 10 --plot accuracy.png")


def on_chips(folder, chips, data, config):
    """Result of the evaluation at 25 s, a day and a year; its units are kept in `folder`."""
    from refpcm.evaluation.protocol import Protocol
    from refpcm.evaluation.run import run
    protocol = Protocol(str(folder / NETWORK), data, chips=chips, times_s=CHIP_TIMES_S, seed=config.seed,
                        kernels=config.kernels)
    progress = cli.Progress(chips * len(CHIP_TIMES_S), "chips: unit", unit="units", decimals=2)
    result = run(protocol, folder / "chips", progress=lambda done, total: progress.update(done))
    progress.clear()
    return result


def chip_table(result):
    """Mean accuracy over the chips: a line per time, a column per compensation."""
    from refpcm.evaluation.times import time_text
    names = result["protocol"]["compensations"]
    mean = {(row["t_s"], row["compensation"]): f"{100 * row['mean']:.2f} %" for row in result["rows"]}
    lines = [("", *names), *((time_text(t_s), *(mean[t_s, name] for name in names)) for t_s in CHIP_TIMES_S)]
    return "\n".join("".join(f"{cell:>10}" for cell in line) for line in lines)
