"""The state of a training run on disk: everything from which it goes on bit for bit.

One file in the checked safetensors layout of `refpcm.files.tensors`, replaced atomically: parameters under
"parameters/<name>", velocities under "velocity/<name>", the running mean of averaged weights under "average/<name>",
counters and configuration in the metadata. A digest of the data set is kept, so that a run cannot be resumed on others.
"""

import json
from dataclasses import asdict, dataclass, field
from math import inf, isfinite

import numpy as np

from data_tools.foreign_text import shown
from refpcm.errors import RefpcmError
from refpcm.files.reading import parse_json
from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.spec.layers import learned, parameter_shapes
from refpcm.spec.resnet import build
from refpcm.spec.training.config import TrainingConfig, override

FORMAT, VERSION = "refpcm-checkpoint", 1


@dataclass
class State:
    """A run between two steps. The sums run over the epoch so far (float loss, int images right)."""
    config: TrainingConfig
    classes: int
    data: str        # identity of the training data
    parameters: dict
    velocity: dict
    step: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seconds: float = 0.0  # spent training, over all sessions
    average: dict = field(default_factory=dict)  # float64; empty before the steps that are averaged
    start: str | None = None  # SHA-256 of the network file that the run began with


def save_checkpoint(path, state):
    """Write `state` to `path` atomically. Raises RefpcmError if that fails; the old file then stays."""
    tensors = {f"parameters/{name}": value for name, value in state.parameters.items()}
    tensors.update({f"velocity/{name}": value for name, value in state.velocity.items()})
    tensors.update({f"average/{name}": value for name, value in state.average.items()})
    counters = {"step": state.step, "loss_sum": state.loss_sum.hex(), "correct": state.correct,
                "seconds": state.seconds, "classes": state.classes, "data": state.data,
                "start": state.start}
    write_tensors(path, tensors, {"format": FORMAT, "version": str(VERSION), "counters": json.dumps(counters),
                                  "config": json.dumps(asdict(state.config))})


def load_checkpoint(path):
    """-> State. Raises RefpcmError naming the file and what is wrong: damaged, foreign, of another version."""
    tensors, metadata = read_tensors(path)
    if metadata.get("format") != FORMAT:
        raise RefpcmError(f"{path} is not a training checkpoint but {metadata.get('format', 'a foreign file')!r}; "
                          "give the folder of a training run")
    if metadata.get("version") != str(VERSION):
        raise RefpcmError(f"{path} has checkpoint version {metadata.get('version')}; this program reads version "
                          f"{VERSION}: resume it with the refpcm that wrote it, or start anew")
    try:
        config = override(TrainingConfig(), parse_json(metadata["config"], f"{path}: its configuration"), str(path))
        counters = parse_json(metadata["counters"], f"{path}: its counters")
        state = State(config, counters["classes"], counters["data"], _part(tensors, "parameters/"),
                      _part(tensors, "velocity/"), counters["step"], float.fromhex(counters["loss_sum"]),
                      counters["correct"], counters["seconds"], _part(tensors, "average/"), counters.get("start"))
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise RefpcmError(f"{path}: the checkpoint's metadata are incomplete ({error!r}); start anew") from None
    _check(path, state)
    return state


def _part(tensors, prefix):
    return {name[len(prefix):]: value for name, value in tensors.items() if name.startswith(prefix)}


def _check(path, state):
    """Raises RefpcmError for counters, shapes and types that no run leaves."""
    whole = {"classes": (state.classes, 2, 2 ** 16), "step": (state.step, 0, 2 ** 32), "correct": (state.correct, 0, 2 ** 63)}
    for name, (value, low, high) in whole.items():
        if type(value) is not int or not low <= value <= high:
            raise RefpcmError(f"{path}: its number {name} is {shown(value)}, not a whole one from {low} to {high}; start anew")
    if type(state.seconds) not in (int, float) or not (0 <= state.seconds < inf and isfinite(state.loss_sum)):
        raise RefpcmError(f"{path}: its time or its sum of losses is not a finite number; start anew")
    if type(state.data) is not str or not isinstance(state.start, str | None):
        raise RefpcmError(f"{path}: the identity of its data or of its start is not text; start anew")
    try:
        shapes = parameter_shapes(build(state.config.architecture, state.classes))
    except RefpcmError as error:
        raise RefpcmError(f"{path} cannot be gone on with: {error}; another version of refpcm may have written it") from None
    of_learned = {name: shapes[name] for name in learned(shapes)}
    parts = [("parameters", shapes, state.parameters, "float32"), ("velocities", of_learned, state.velocity, "float32")]
    if state.average:
        parts.append(("averaged weights", of_learned, state.average, "float64"))
    for what, wanted, got, dtype in parts:
        if {name: value.shape for name, value in got.items()} != wanted:
            raise RefpcmError(f"{path}: its {what} do not fit {state.config.architecture}; start anew")
        if any(str(value.dtype) != dtype or not np.isfinite(value).all() for value in got.values()):
            raise RefpcmError(f"{path}: its {what} are not all finite {dtype} numbers; start anew")
