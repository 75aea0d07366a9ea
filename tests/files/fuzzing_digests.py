"""What is fuzzed of files with a digest: checkpoints, chips, network files.

Their header and metadata are damaged, and the digest is made to agree again: what stands behind it must hold against
somebody who can compute a SHA-256, too.
"""

import hashlib
import json

import numpy as np

from refpcm.files import chips
from refpcm.files.checkpoints import load_checkpoint, save_checkpoint
from refpcm.files.network_file import NetworkFile, load_network, save_network
from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.forms import find_forms
from refpcm.spec.pcm.chip import program
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.training.config import TrainingConfig, override
from refpcm.training import loop
from tests.files import fuzzing_targets
from tests.files.fuzzing_targets import NETWORK, TARGETS, plain, random_parameters, show

MATRIX = np.linspace(-1, 1, 12).reshape(3, 4)


def resealed(name, save, read, *keys):
    """A target of the JSON in metadata entries of a file in the safetensors layout, written again with a new digest."""
    def make(folder):
        path = folder / "file"
        save(path)
        tensors, metadata = read_tensors(path)

        def put(content):
            parts = content.decode("utf-8", "replace").split("\v", len(keys) - 1)
            texts = dict(zip(keys, [*parts, *[""] * len(keys)]))
            write_tensors(path, tensors, {**metadata, **texts})
        return "\v".join(metadata[key] for key in keys).encode(), put, lambda: read(path)
    TARGETS[name] = make


def header(name, save, read):
    """A target of the header of a file in the safetensors layout; its digest is computed again."""
    def make(folder):
        path = folder / "file"
        save(path)
        return *header_of(path), lambda: read(path)
    TARGETS[name] = make


def header_of(path):
    """The header of a file without its digest, and a function that puts another one there, with a right digest."""
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    head, data = whole[8:8 + length], whole[8 + length:]
    digest = json.loads(head)["__metadata__"]["refpcm.sha256"].encode()

    def put(content):
        zeroed = len(content).to_bytes(8, "little") + content
        right = hashlib.sha256(zeroed + data).hexdigest().encode()
        path.write_bytes(zeroed.replace(b"0" * 64, right, 1) + data)
    return head.replace(digest, b"0" * 64), put


def save_state(path):
    state = loop.start(override(TrainingConfig(), {"architecture": "tiny-resnet8"}, ""), 2, "of these images")
    save_checkpoint(path, state)


def save_small_chip(path):
    chips.save_chip(path, program({"a": MATRIX, "b": MATRIX[:2]}, JOSHI2020, 1, 2))


def save_small_network(path):
    save_network(path, NetworkFile(NETWORK, random_parameters(NETWORK), ("cat", "dog"), (0.5,) * 3, (0.25,) * 3,
                                   {"config": {"crop_padding": 4, "flip": True}, "start_sha256": "0" * 64}))


def use_chip(path):
    """Load a chip, its own hash believed, and read it with the kernels, which do not check bounds."""
    noted = read_tensors(path)[1].get("hash")
    honest = chips.chip_hash

    def hash_of(chip):
        honest(chip)
        return noted
    chips.chip_hash = hash_of
    try:
        chip = chips.load_chip(path)
        fast = find_forms("winograd").chip
        fast.read(chip, chip.device.t0_s * 2)
        show(path)
    finally:
        chips.chip_hash = honest


plain("checkpoint", fuzzing_targets.saved(save_state), load_checkpoint)
header("checkpoint, header", save_state, lambda path: (load_checkpoint(path), show(path)))
resealed("checkpoint, its numbers and configuration", save_state, lambda path: (load_checkpoint(path), show(path)),
         "counters", "config")
plain("chip", fuzzing_targets.saved(save_small_chip), chips.load_chip)
header("chip, header", save_small_chip, use_chip)
resealed("chip, its description", save_small_chip, use_chip, "chip")
header("network file, header", save_small_network, lambda path: (load_network(path), show(path)))
resealed("network file, its description", save_small_network, lambda path: (load_network(path), show(path)),
         "classes", "mean", "std", "notes", "architecture")
