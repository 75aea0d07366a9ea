"""One stretch of a training run: progress, checkpoints, signals, and the log."""

import signal
import time

import numpy as np

from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.evaluation.prediction import accuracy
from refpcm.files.checkpoints import save_checkpoint
from refpcm.forms import find_forms
from refpcm.spec.resnet import build, pcm_weight_count
from refpcm.spec.training.config import PRESETS, difference
from refpcm.training import loop
from refpcm.training.metrics import append_record
from refpcm.training.outcome import outcome

CHECKPOINT, METRICS = "checkpoint.safetensors", "metrics.jsonl"


class Session:
    """One stretch of a run, from its start or resumption to its end or interruption."""

    def __init__(self, folder, state, training, validation, request, began, again):
        """began: time.monotonic() at the start of the time budget; again: how to go on, for whoever stops the run."""
        self.folder, self.state, self.training, self.validation = folder, state, training, validation
        self.every, self.began = request.checkpoint_every_s, began
        self.budget, self.again = request.time_budget_s, again
        self.stop_reason = self.signal = None
        self.saved = time.monotonic()
        self.evaluator = None

    def run(self):
        """Train until the end or a reason to stop; the state is then on disk. -> whether the run is complete."""
        config, count = self.state.config, len(self.training.train_images)
        total = loop.total_steps(config, count)
        self.progress = cli.Progress(total, "step", config.batch_size, "images", self.state.step)
        cli.say(f"{config.architecture} ({pcm_weight_count(build(config.architecture, self.state.classes)):,} weights), "
                f"{count:,} training images, {config.epochs:g} epochs of {loop.steps_per_epoch(config, count)} steps; "
                f"output in {self.folder}" + (f"; going on after step {self.state.step}" if self.state.step else ""))
        if changed := difference(config, PRESETS["demo"]):
            cli.say("not at its default: " + ", ".join(f"{name} = {value}" for name, value in changed.items()))
        before = {number: signal.signal(number, self.interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            complete = self.state.step >= total or loop.train(self.state, self.training, self.after_step,
                                                              self.after_epoch)
        except RefpcmError as error:
            raise RefpcmError(f"{error}; what was saved before is in {self.folder / CHECKPOINT}") from None
        finally:
            self.progress.clear()
            for number, handler in before.items():
                signal.signal(number, handler)
        if not complete:
            cli.say(f"stopped after step {self.state.step} of {total} ({self.stop_reason}); {self.again}")
        return complete

    def interrupted(self, number, frame):
        self.stop_reason, self.signal = signal.Signals(number).name, number

    def after_step(self, state, total):
        """A checkpoint if it is time for one, then progress. -> True to stop. Raises RefpcmError as `save`."""
        if self.budget and time.monotonic() - self.began > self.budget:
            self.stop_reason = "time budget spent"
        stop = self.stop_reason is not None  # a signal from here on is for the next step
        if stop or time.monotonic() - self.saved > self.every:
            self.save(state)
        self.progress.update(state.step, self.loss(state))
        return stop

    def loss(self, state):
        """The epoch's mean loss so far, for the progress line; empty between two epochs."""
        done = state.step % loop.steps_per_epoch(state.config, len(self.training.train_images))
        return f"loss {state.loss_sum / done:.3f}" if done else ""

    def save(self, state):
        """Write the checkpoint. Raises RefpcmError if a weight is not finite or the file cannot be written."""
        if not all(np.isfinite(value).all() for value in state.parameters.values()):
            raise RefpcmError(f"a weight is no longer finite at step {state.step}: training has diverged; "
                              "begin anew with a smaller --learning-rate")
        save_checkpoint(self.folder / CHECKPOINT, state)
        self.saved = time.monotonic()

    def after_epoch(self, state, record):
        """Validate, complete the epoch's record, log it, save, say so. Raises RefpcmError as `save`."""
        if len(self.validation.test_images):
            engine = self.engine()
            record["validation_accuracy"] = accuracy(find_forms(state.config.kernels), engine,
                                                     outcome(state, engine, self.training), self.validation)[0]
        append_record(self.folder / METRICS, record)
        self.save(state)
        self.progress.clear()
        share = record.get("validation_accuracy")
        validated = "" if share is None else f"  validation {100 * share:.2f} %"
        cli.say(f"epoch {record['epoch']:3}  loss {record['train_loss']:.4f}  train {100 * record['train_accuracy']:.2f} %"
                f"{validated}  {record['images_per_second']:.0f} images/s  {cli.clock(record['seconds'])}")

    def engine(self):
        """A second engine for evaluation, so that the buffers of the training one stay as they are."""
        if self.evaluator is None:
            forms = find_forms(self.state.config.kernels)
            self.evaluator = forms.make_engine(build(self.state.config.architecture, self.state.classes))
        return self.evaluator
