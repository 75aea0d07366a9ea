"""What is in a file or folder of refpcm: recognised by its content, described as plain data ready for JSON.

    {"kind": "network" | "chip" | "checkpoint" | "evaluation" | "attribution" | "training run" | "data" |
     "device",
     "path": ..., "facts": {label: value}, "columns": (...), "rows": [...]}
"""

import os

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.evaluation.provenance import INITIAL, start_chain
from refpcm.files.checkpoints import FORMAT as CHECKPOINT_FORMAT
from refpcm.files.checkpoints import load_checkpoint
from refpcm.files.chips import load_chip
from refpcm.files.network_file import load_network
from refpcm.files.reading import open_input, sha256_of
from refpcm.files.tensors import read_tensors
from refpcm.inspection.device_numbers import describe_device
from refpcm.inspection.folders import describe_folder
from refpcm.spec.crossbars import to_matrices
from refpcm.spec.pcm.chip import chip_hash
from refpcm.spec.pcm.device import DEVICES, JOSHI2020, differences
from refpcm.spec.resnet import build, pcm_weight_count

BEGINNINGS = {b"\x89PNG": "a PNG picture", b"\xff\xd8\xff": "a JPEG picture", b"GIF8": "a GIF picture", b"%PDF": "a PDF document",
              b"\x1f\x8b": "a gzip archive", b"\x89HDF": "an HDF5 file", b"\x93NUMPY": "a NumPy array"}
NEAR_ZERO = 0.05  # of W_max or of G_max: what counts as near zero
NETWORK_COLUMNS = ("layer", "rows", "columns", "w_max", "rms_over_w_max", "near_zero")
CHIP_COLUMNS = ("layer", "rows", "columns", "w_max", "programming_error_us", "mean_nu", "near_zero")


def describe(path):
    """Return what is in the file or folder `path`, as a dict, or what the device of this name does.

    Raises RefpcmError for what refpcm did not write.
    """
    if os.path.isdir(path):
        return describe_folder(path)
    if os.fspath(path).endswith(".toml") or path in DEVICES and not os.path.lexists(path):
        return describe_device(path)
    if os.fspath(path).lower().endswith((".json", ".csv")):
        raise RefpcmError(f"{path} is one file of a folder; give the folder")
    if os.fspath(path).lower().endswith(".npz"):
        return describe_network(path)
    check_kind(path)
    metadata = read_tensors(path)[1]
    if "chip" in metadata:
        return describe_chip(path)
    return describe_checkpoint(path) if metadata.get("format") == CHECKPOINT_FORMAT else describe_network(path)


def check_kind(path):
    """Raises RefpcmError for a file that, by its first bytes, is none that refpcm writes, and says what it looks like."""
    with open_input(path) as (stream, _):
        begin = stream.read(512)
    if begin[8:9] == b"{":  # after the length of the header: JSON
        return
    if begin.startswith((b"PK", b"\x80")):
        raise RefpcmError(f"{path} looks like a file of PyTorch or a pickle; import it with python -m refpcm.convert")
    looks = [words for start, words in BEGINNINGS.items() if begin.startswith(start)]
    if not looks:
        looks = ["text" if begin.isascii() and begin.decode("ascii").replace("\n", "").replace("\t", "").isprintable()
                 else "something else, or is damaged in its first bytes"]
    raise RefpcmError(f"{path} is no network, chip or checkpoint of refpcm: it looks like {looks[0]}; give a .safetensors or "
                      ".npz file that refpcm wrote, or a folder of its results or data")


def describe_network(path):
    """Return what is in a network file. Raises RefpcmError as `load_network`."""
    file = load_network(path)
    starts, end = start_chain(path, file.notes)
    facts = {"architecture": file.network.architecture, "weights on a chip": pcm_weight_count(file.network),
             "classes": list(file.classes), "mean": list(file.mean), "std": list(file.std), "sha256": sha256_of(path),
             "training began with": [*starts, end]}
    facts.update({f"note: {key}": value for key, value in file.notes.items() if key != "start_sha256"})
    return {"kind": "network", "path": str(path), "facts": facts, "columns": NETWORK_COLUMNS,
            "rows": matrix_rows(to_matrices(file.network, file.parameters))}


def matrix_rows(matrices):
    """Return the rows of NETWORK_COLUMNS for {layer: weights (R, K)}; near_zero: share below 5 % of W_max."""
    rows = []
    for name, matrix in matrices.items():
        w_max = float(np.max(np.abs(matrix)))
        scaled = np.abs(matrix.astype(np.float64)) / (w_max or 1.0)
        rows.append([name, *matrix.shape, w_max, float(np.sqrt(np.mean(scaled ** 2))), float(np.mean(scaled < NEAR_ZERO))])
    return rows


def describe_chip(path):
    """Return what is in a chip's file. Raises RefpcmError as `load_chip`."""
    chip = load_chip(path)
    facts = {"device": chip.device.name, "differs from joshi2020 in": sorted(differences(chip.device, JOSHI2020)),
             "seed": chip.seed, "chip": chip.chip, "devices": sum(crossbar.nu.size for crossbar in chip.crossbars),
             "dtype": str(chip.crossbars[0].nu.dtype) if chip.crossbars else None, "chip hash": chip_hash(chip),
             "sha256": sha256_of(path)}
    return {"kind": "chip", "path": str(path), "facts": facts, "columns": CHIP_COLUMNS, "rows": chip_rows(chip)}


def chip_rows(chip):
    """Return the rows of CHIP_COLUMNS of a Chip; near_zero: share below 5 % of G_max.

    programming_error_us (root mean square) and mean_nu are those of the devices with a target.
    """
    rows = []
    for crossbar in chip.crossbars:
        target = crossbar.g_target_us > 0
        error_us = (crossbar.g_prog_us.astype(np.float64) - crossbar.g_target_us)[target]
        rows.append([crossbar.name, *crossbar.nu.shape[1:], crossbar.w_max,
                     float(np.sqrt(np.mean(error_us ** 2))) if error_us.size else 0.0,
                     float(crossbar.nu[target].mean(dtype=np.float64)) if error_us.size else 0.0,
                     float(np.mean(crossbar.g_prog_us < NEAR_ZERO * chip.device.g_max_us))])
    return rows


def describe_checkpoint(path):
    """Return what is in the checkpoint of a training. Raises RefpcmError as `load_checkpoint`."""
    state = load_checkpoint(path)
    network = build(state.config.architecture, state.classes)
    facts = {"architecture": network.architecture, "step": state.step, "epochs asked for": state.config.epochs,
             "seed": state.config.seed, "seconds of training": state.seconds, "averaged weights": bool(state.average),
             "data identity": state.data, "start sha256": state.start or INITIAL, "sha256": sha256_of(path)}
    return {"kind": "checkpoint", "path": str(path), "facts": facts, "columns": NETWORK_COLUMNS,
            "rows": matrix_rows(to_matrices(network, state.parameters))}
