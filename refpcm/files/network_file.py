"""Network files: everything inference needs, in one file without pickle.

A file of `refpcm.files.tensors` (suffix .npz: of `refpcm.files.npz`) with the parameters under the names of
`refpcm.spec.resnet.parameter_shapes` and the metadata format "refpcm-network", version, architecture, and as JSON
classes, mean, std and notes.
"""

import json
import math
import os
from dataclasses import dataclass, field
from numbers import Real

from data_tools.foreign_text import shown
from data_tools.reading import DEEPEST, is_nested_deeply
from refpcm.errors import RefpcmError
from refpcm.files.names import check_parameters
from refpcm.files.npz import read_npz, write_npz
from refpcm.files.reading import open_input, parse_json
from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.spec.resnet import Network, build

FORMAT, VERSION = "refpcm-network", "1"


@dataclass(frozen=True)
class NetworkFile:
    """A trained network.

    network: of refpcm.spec.resnet; parameters: {name: float32 or float64 array}; classes: a name for each output;
    mean, std: per channel, of pixel values scaled to 0 ... 1, the input being (pixel - mean) / std;
    notes: how it came about, {str: anything JSON can hold}.
    """
    network: Network
    parameters: dict
    classes: tuple
    mean: tuple
    std: tuple
    notes: dict = field(default_factory=dict)


def save_network(path, network_file):
    """Write a NetworkFile, atomically; npz if `path` ends so, safetensors otherwise.

    Raises RefpcmError for what `load_network` would refuse, so that no file is written that cannot be read.
    """
    network = network_file.network
    if network != build(network.architecture, network.classes):
        raise RefpcmError(f"cannot write {path}: its layers are not those of the architecture {network.architecture}")
    _check_description(path, network, network_file.classes, network_file.mean, network_file.std, network_file.notes)
    parameters = check_parameters(path, network, network_file.parameters)
    try:
        metadata = {"format": FORMAT, "version": VERSION, "architecture": network.architecture,
                    "classes": json.dumps(list(network_file.classes)),
                    "mean": json.dumps([float(value) for value in network_file.mean]),
                    "std": json.dumps([float(value) for value in network_file.std]),
                    "notes": json.dumps(network_file.notes, allow_nan=False)}
    except (TypeError, ValueError, RecursionError) as error:
        raise RefpcmError(f"cannot write {path}: its notes do not fit into JSON: {error}") from error
    write = write_npz if os.fspath(path).lower().endswith(".npz") else write_tensors
    write(path, parameters, metadata)


def check_target(source, target, source_name="SOURCE", target_name="TARGET"):
    """Raises RefpcmError for a target of unknown form, or one that is the source; names as the user gave them."""
    if not target.lower().endswith((".safetensors", ".npz")):
        raise RefpcmError(f"{target_name} {target}: its name must end in .safetensors or .npz")
    if os.path.exists(source) and os.path.exists(target) and os.path.samefile(source, target):
        raise RefpcmError(f"{source_name} and {target_name} are the same file, {target}; give {target_name} another "
                          "name")


def load_network(path):
    """The NetworkFile in `path`, in either form.

    Raises RefpcmError, by name and reason, for damage, files of another format or version, an unknown architecture,
    impossible classes, mean or std, and parameters that are missing, unknown, misshapen, not finite, or variances
    below 0 (all at once).
    """
    with open_input(path) as (stream, _):
        begin = stream.read(9)
    if begin[:2] != b"PK" and begin[8:] != b"{":
        raise RefpcmError(f"cannot read {path}: not a refpcm network file, or damaged at its beginning; networks "
                          "of other programs are imported by python -m refpcm.convert")
    read = read_npz if begin[:2] == b"PK" else read_tensors
    return parse_network(path, *read(path))


def is_network(metadata):
    """Whether the metadata of a file say that it is a network file, of whatever version."""
    return metadata.get("format") == FORMAT


def parse_network(path, tensors, metadata):
    """NetworkFile from the content of the file `path`. Raises RefpcmError as `load_network`."""
    if not is_network(metadata):
        found = f"its format is '{shown(metadata['format'])}'" if "format" in metadata else "it has no format entry"
        raise RefpcmError(f"cannot read {path}: not a refpcm network file ({found}); refpcm.train and refpcm.convert "
                          "make them")
    if metadata.get("version") != VERSION:
        raise RefpcmError(f"cannot read {path}: version {shown(repr(metadata.get('version')))} of the network file; this "
                          f"refpcm reads version {VERSION!r}; use the refpcm that wrote it, or a later one")
    classes, mean, std, notes = (_parse_json(path, metadata, key) for key in ("classes", "mean", "std", "notes"))
    if not isinstance(classes, list) or not classes:
        raise RefpcmError(f"cannot read {path}: its class names are not a list with at least one entry")
    try:
        network = build(metadata.get("architecture"), len(classes))
    except RefpcmError as error:
        raise RefpcmError(f"cannot read {path}: {error}") from None
    _check_description(path, network, classes, mean, std, notes)
    parameters = check_parameters(path, network, tensors)
    return NetworkFile(network, parameters, tuple(classes), tuple(mean), tuple(std), notes)


def check_normalisation(where, channels, mean, std):
    """Raises RefpcmError unless mean and std are `channels` finite numbers each, of pixels scaled to 0 ... 1."""
    for name, values in (("mean", mean), ("std", std)):
        if not isinstance(values, (list, tuple)) or len(values) != channels or not all(map(_is_number, values)):
            raise RefpcmError(f"{where}: {name} must be {channels} finite numbers, one a channel; it is {shown(values)}")
    if any(abs(value) > 1 for value in mean) or any(not 0 < value <= 1 for value in std):
        raise RefpcmError(f"{where}: mean {shown(tuple(mean))}, std {shown(tuple(std))}: they refer to pixel values "
                          "scaled to 0 ... 1, so means lie within -1 ... 1, and stds above 0, up to 1; divide them by 255?")


def _is_number(value):
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an int of hundreds of digits
        return False


def _check_description(path, network, classes, mean, std, notes):
    if len(classes) != network.classes or not all(isinstance(name, str) and name for name in classes):
        raise RefpcmError(f"{path}: {network.classes} non-empty class names are wanted, one for each output; "
                          f"there are {len(classes)}")
    check_normalisation(path, network.input_shape[0], mean, std)
    if not isinstance(notes, dict) or not all(isinstance(key, str) for key in notes):
        raise RefpcmError(f"{path}: its notes are not a mapping with text as keys")
    if is_nested_deeply(notes):
        raise RefpcmError(f"{path}: its notes are nested too deeply; at most {DEEPEST} levels can be read back")


def _parse_json(path, metadata, key):
    if key not in metadata:
        raise RefpcmError(f"cannot read {path}: its metadata lack {key!r}")
    return parse_json(metadata[key], f"{path}: its metadata entry {key!r}")
