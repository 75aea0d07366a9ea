"""The trained networks of a reproduction: trained once, kept in the output folder, resumed where they stopped."""

import time
from dataclasses import dataclass
from pathlib import Path

from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.files.atomic import make_folder
from refpcm.files.checkpoints import load_checkpoint
from refpcm.files.network_file import load_network
from refpcm.files.reading import read_json, sha256_of
from refpcm.reproduction.variants import FP32, begins_anew, training_config
from refpcm.spec.resnet import build
from refpcm.spec.training.config import TrainingConfig, override
from refpcm.training import loop
from refpcm.training.config_file import CONFIG, identity_of, read_config, refuse_changed, write_config
from refpcm.training.metrics import keep_records
from refpcm.training.report import NETWORK, finish
from refpcm.training.request import Request
from refpcm.training.run import begin, check_images, hold_back, start_from
from refpcm.training.session import CHECKPOINT, METRICS, Session

AGAIN = "the same command goes on where this one stopped"


@dataclass(frozen=True)
class Training:
    """One training run: its folder, configuration, and the network file it starts from (None: from the beginning)."""
    folder: Path
    config: TrainingConfig
    start: Path | None

    @property
    def network(self):
        return self.folder / NETWORK


def network_files(setting, variant):
    """Return the paths of the variant's networks, one for each training run: the given ones, or those that training leaves."""
    if variant in setting.given:
        return [Path(path) for path in setting.given[variant]]
    return [training.network for training in trainings(setting, variant)]


def trainings(setting, variant):
    """Return the trainings of one variant, one a seed; none if its networks are given.

    Raises RefpcmError if there are neither one nor as many networks to start from as seeds, and for frozen batch norm
    without one.
    """
    seeds = setting.scale.seeds
    if variant in setting.given:
        return []
    starts = [None] * len(seeds)
    if not begins_anew(variant):
        starts = network_files(setting, FP32)
        starts = starts * len(seeds) if len(starts) == 1 else starts
        if len(starts) != len(seeds):
            raise RefpcmError(f"--fp32 names {len(starts)} networks; give one, or one for each of {len(seeds)} seeds")
    found = [Training(setting.out / "networks" / f"{variant}-seed{seed}", training_config(setting.scale, variant, seed),
                      start) for seed, start in zip(seeds, starts)]
    if any(one.start is None and one.config.batch_norm == "frozen" for one in found):
        raise RefpcmError(f"{variant} begins with initial weights, whose statistics frozen batch norm would keep; leave "
                          'batch_norm = "frozen" out of retraining')
    return found


def all_trainings(setting, variants):
    """Return what the variants need, each once, FP32 networks before those that start from them."""
    needed = {}
    for variant in variants:
        own = trainings(setting, variant)
        first = trainings(setting, FP32) if own and not begins_anew(variant) else []
        needed.update({one.folder: one for one in first + own})
    return list(needed.values())


def is_trained(training, identity):
    """Whether its network is there; identity: of the training images, as of `identity_of`.

    Raises RefpcmError for one that is damaged, or was trained otherwise, on other images or from another network.
    """
    if not training.network.exists():
        return False
    notes = load_network(training.network).notes
    if _config_of(notes, training.network) != training.config:
        raise RefpcmError(f"{training.network} belongs to another training; remove its folder to train anew")
    gone = training.start is not None and not training.start.exists()
    if "start_sha256" in notes and not gone and notes["start_sha256"] != _digest(training.start):  # older ones do not say
        raise RefpcmError(f"{training.network} did not begin with {training.start or 'initial weights'}; remove its folder "
                          "to train anew")
    path = training.folder / CONFIG
    try:
        found = read_json(path)["data_identity"]
    except (RefpcmError, KeyError, TypeError) as error:
        raise RefpcmError(f"{path} cannot be read ({error!r}); bring it back, or remove its folder to train "
                          "anew") from None
    if found != identity:
        raise RefpcmError(f"{training.network} was trained on other images; remove its folder to train anew")
    return True


def _digest(start):
    """Return the SHA-256 of the network file to start from; None where training starts from the beginning."""
    return None if start is None else sha256_of(start)


def _config_of(notes, path):
    """Return the TrainingConfig in a network's notes, with defaults where it names no value; None if there is none."""
    try:
        return override(TrainingConfig(), notes["config"], str(path))
    except (RefpcmError, KeyError, TypeError):
        return None


def train_all(setting, variants, dataset):
    """Train what is missing of `variants`. -> 0, or the exit status after a signal."""
    needed = all_trainings(setting, variants)
    identities = {held: identity_of(hold_back(dataset, held)[0])
                  for held in {one.config.validation_images for one in needed}}
    missing = [one for one in needed if not is_trained(one, identities[one.config.validation_images])]
    left = sum(_steps(training, dataset) for training in missing)
    done, began = 0, time.monotonic()
    for number, training in enumerate(missing):
        remaining = cli.clock((time.monotonic() - began) / done * left) if done else "?"
        cli.say(f"training {number + 1} of {len(missing)}, {training.folder.name}; {remaining} left for all")
        status = train_one(setting, training, dataset)
        if status:
            return status
        done, left = done + _steps(training, dataset), left - _steps(training, dataset)
    return 0


def _steps(training, dataset):
    return loop.total_steps(training.config, len(dataset.train_images) - training.config.validation_images)


def train_one(setting, training, dataset):
    """Train, or go on, to the end. -> 0, or the exit status after a signal, the state then being on disk."""
    config, folder, began = training.config, training.folder, time.monotonic()
    kept, held = hold_back(dataset, config.validation_images)
    network, identity = build(config.architecture, len(dataset.classes)), identity_of(kept)
    check_images(config, network, kept)
    request = Request(data=setting.data, chips=0)
    if (folder / CHECKPOINT).exists():
        state = load_checkpoint(folder / CHECKPOINT)
        if (state.config, state.data, state.start) != (config, identity, _digest(training.start)):
            raise RefpcmError(f"{folder / CHECKPOINT} belongs to another training; remove its folder to train anew")
        refuse_changed(folder, state, kept)
        if read_config(folder) is None:  # stopped between the two files of its beginning
            write_config(folder, state, request, kept)
    else:
        state = loop.start(config, len(dataset.classes), identity)
        if training.start:
            start_from(training.start, state, dataset)
        make_folder(folder)
        begin(folder, state, request, kept)
    keep_records(folder / METRICS, state.step)
    session = Session(folder, state, kept, held, request, began, AGAIN)
    if session.run():
        finish(folder, state, kept, dataset)
        if session.signal:
            cli.say(f"stopped after {folder.name}; {AGAIN}")
    return 128 + session.signal if session.signal else 0
