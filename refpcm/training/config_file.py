"""config.json of a training run: what it was begun with, written at its beginning and asked when it is resumed."""

import json
import os
import sys
from dataclasses import asdict, replace

from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.evaluation.provenance import data_identity, split_identity
from refpcm.files.atomic import write_bytes
from refpcm.files.reading import read_json

CONFIG = "config.json"


def identity_of(dataset):
    """Return the `split_identity` of the training images."""
    return split_identity(dataset.train_images, dataset.train_labels, dataset.classes)


def write_config(folder, state, request, dataset):
    """Write config.json: the resolved configuration, data, chips, versions and command. Raises RefpcmError."""
    resolved = {**asdict(state.config), "data": os.path.abspath(request.data) if request.data else None,
                "data_identity": state.data, "test_identity": data_identity(dataset)["test"], "start_sha256": state.start,
                "matched": request.matched, "chips": request.chips, "versions": cli.versions(), "command": sys.argv}
    write_bytes(folder / CONFIG, (json.dumps(resolved, indent=2) + "\n").encode())


def read_config(folder):
    """Return what config.json holds, a dict; None where it is missing or damaged."""
    try:
        found = read_json(folder / CONFIG)
    except RefpcmError:
        return None
    return found if isinstance(found, dict) else None


def as_begun(folder, request):
    """Return the request with the data and chips that the run in `folder` began with, where it names none.

    Raises RefpcmError if its configuration cannot be read and one of them is left out.
    """
    if request.data and request.chips is not None:
        return request
    try:
        began = read_json(folder / CONFIG)
        data, chips = began["data"], began.get("chips", 0)
        if not isinstance(data, str | None) or type(chips) is not int:
            raise ValueError(f"data is {data!r}, chips is {chips!r}")
    except (RefpcmError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefpcmError(f"{folder / CONFIG} cannot be read ({error}); say where the images are with --data, and "
                          "how many chips to try with --chips") from None
    return replace(request, data=request.data or data, chips=chips if request.chips is None else request.chips)


def refuse_changed(folder, state, dataset):
    """Raises RefpcmError if the run in `folder` would not go on as it began.

    The training images are other ones; or config.json, where it can be read, knows other test images or was edited: the
    settings that count are those in the checkpoint, a State.
    """
    identity = data_identity(dataset)
    if state.data != identity["train"]:
        raise RefpcmError(f"{folder} was trained on other images than those of {dataset.name}; "
                          "give the --data folder it was started with")
    began = read_config(folder) or {}  # without it the checkpoint is enough
    if began.get("test_identity", identity["test"]) != identity["test"]:  # older runs do not say
        raise RefpcmError(f"{folder} was begun with other test images than those of {dataset.name}; give the --data folder "
                          "it was started with, and test the network on others by refpcm.evaluate")
    for name, value in asdict(state.config).items():
        if began.get(name, value) != value:
            raise RefpcmError(f"{folder / CONFIG} says {name} = {began[name]!r}, but the run was begun with {value!r} and can "
                              "only go on so; put it back, or begin another run")
