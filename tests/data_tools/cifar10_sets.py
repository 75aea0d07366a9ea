"""Small sets in the official layouts of CIFAR-10, as files, folders and archives."""

import io
import pickle
import tarfile

import numpy as np

from data_tools import cifar10_checks
from data_tools.cifar10_batches import BINARY, PIXELS

SMALL = 20  # images a batch in tests of the functions: 10 of each class in training, 2 in the test


def batch(layout, seed, records=SMALL):
    """One small batch: its file's bytes, images (records, 3072), labels (records,)."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (records, PIXELS), np.uint8)
    labels = generator.permutation(np.arange(records) % 10).astype(np.uint8)
    if layout is BINARY:
        return np.concatenate([labels[:, None], images], axis=1).tobytes(), images, labels
    return pickle.dumps({b"data": images, b"labels": labels.tolist()}, 2), images, labels


def small_set(layout):
    """{file name: bytes} of a small set, and its images and labels in order."""
    parts = [batch(layout, seed) for seed in range(6)]
    files = {name: part[0] for name, part in zip(layout.batches, parts)}
    return files, np.concatenate([part[1] for part in parts]), np.concatenate([part[2] for part in parts])


def md5_list(files):
    return "".join(f"{cifar10_checks.md5_of(data)}  {name}\n" for name, data in files.items()).encode()


def write_folder(folder, files):
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def write_archive(path, members, mode="w:gz"):
    """members: list of (name, bytes or TarInfo type or link target)."""
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)
    return path
