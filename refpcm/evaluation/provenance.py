"""Where a result comes from: the hashes of network and data, and of the networks that the training began with.

A network file that refpcm.train wrote says in its notes with which network file its training began, by SHA-256
(`start_sha256`; null for initial weights). The chain of these is followed as far as the files lie beside each other:
in one folder, or in neighbouring folders.
"""

import glob
import hashlib
import os

from refpcm.errors import RefpcmError
from refpcm.files.network_file import load_network
from refpcm.files.reading import sha256_of

INITIAL, NOT_NOTED, NOT_FOUND = "initial weights", "not noted in the network file", "not found beside the network"
LONGEST = 100  # networks in a chain
MOST_FILES = 1000  # files beside a network that are hashed in search of its start


def provenance(network_path, notes, dataset):
    """Return {"network", "data", "starts", "starts_end"}: what a result was computed from.

    network: SHA-256 of the network file; data: of both splits, as `split_identity`; starts: of the network files that
    the training began with, last one first; starts_end: how that list ends, one of INITIAL, NOT_NOTED, NOT_FOUND.
    notes: those of the network file.
    """
    starts, end = start_chain(network_path, notes)
    return {"network": sha256_of(network_path), "data": data_identity(dataset), "starts": starts, "starts_end": end}


def data_identity(dataset):
    """Return {"train": SHA-256, "test": SHA-256} of a Dataset.

    That of the training split is `data_identity` in a training's config.json, unless that held images back.
    """
    return {"train": split_identity(dataset.train_images, dataset.train_labels, dataset.classes),
            "test": split_identity(dataset.test_images, dataset.test_labels, dataset.classes)}


def split_identity(images, labels, classes):
    """Return the SHA-256 over shape, classes, images (of image files: the index of them) and labels; None for no images."""
    if not len(labels):
        return None
    digest = hashlib.sha256(str((images.shape, classes)).encode())
    digest.update(images.tobytes())
    digest.update(labels.tobytes())
    return digest.hexdigest()


def start_chain(path, notes):
    """Return the SHA-256 of the networks that a network's training began with, last one first, and how the list ends."""
    starts, find = [], None
    while len(starts) < LONGEST:
        found, end = start_of(notes)
        if not found:
            return starts, end
        start, = found
        starts.append(start)
        find = find or network_finder(path)
        path = find(start)
        if path is None:
            return starts, NOT_FOUND
        try:
            notes = load_network(path).notes
        except RefpcmError:
            return starts, NOT_FOUND
    return starts, NOT_FOUND


def start_of(notes):
    """Return ([SHA-256 of the network that the training began with], "") or ([], INITIAL or NOT_NOTED), from its notes.

    refpcm 0.1 wrote null whatever a training began with, so a null of its says nothing.
    """
    start, versions = notes.get("start_sha256", NOT_NOTED), notes.get("versions")
    if start is not None and start != NOT_NOTED:
        return [str(start)], ""
    of_0_1 = isinstance(versions, dict) and str(versions.get("refpcm", "")).startswith("0.1.")
    return [], NOT_NOTED if start == NOT_NOTED or of_0_1 else INITIAL


def network_finder(path):
    """Return a function: SHA-256 -> path of the file with it, in the network's folder or in a folder beside it, or None.

    It hashes no more files than it takes to find one, and none twice.
    """
    folder = glob.escape(os.path.dirname(os.path.abspath(path)))
    names = [os.path.normpath(name) for pattern in ("*", os.path.join(os.pardir, "*", "*")) for ending in (".safetensors", ".npz")
             for name in sorted(glob.glob(os.path.join(folder, pattern + ending)))]
    files = [name for name in dict.fromkeys(names) if os.path.isfile(name)]  # its own folder is also one beside it
    left, hashes = iter(files[:MOST_FILES]), {}

    def find(digest):
        while digest not in hashes:
            name = next(left, None)
            if name is None:
                return None
            try:
                hashes.setdefault(sha256_of(name), name)
            except RefpcmError:
                continue
        return hashes[digest]
    return find
