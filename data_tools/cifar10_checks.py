"""What vouches for the images: official checksums, a folder's own, or the digests of the images themselves."""

import hashlib

from data_tools.cifar10_batches import CHECKSUMS, PYTHON
from data_tools.errors import DataError
from data_tools.foreign_text import shown

ARCHIVE_MD5 = {
    "python": "c58f30108f718f92721af3b95e74349a",  # cifar-10-python.tar.gz
    "binary": "c32a1d4ab5d03f1284b67883e8d87530",  # cifar-10-binary.tar.gz
}
PYTHON_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
SHA256 = {  # of all images with their labels, as of `digest`; layouts and order do not matter
    "train": "55a61f79a40ece2ceda9fb5f9f7078f6ea2fc4952489cef56682bcf92cfcc260",
    "test": "325704b01eb92e1e2a6215ae6a916bb7db7de054af0c496be1c7be2e0fcfbf5f",
}


def md5_of(data):
    """MD5 of bytes in hex, as the official list has it."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def checksum_evidence(source):
    """Compare the source's checksums; returns what vouches for it in words, or None if nothing does.

    Raises DataError naming the first file whose checksum is wrong.
    """
    if source.archive_md5 == ARCHIVE_MD5[source.layout.name]:
        return "md5 of the official archive"
    if CHECKSUMS in source.files:
        expected = parse_checksums(source.files[CHECKSUMS])
        unlisted = [name for name in source.layout.batches if name not in expected]
        if unlisted:
            raise DataError(f"{CHECKSUMS} does not list {', '.join(unlisted)}")
        _compare(source, expected, CHECKSUMS)
        return f"its own {CHECKSUMS}"
    if source.layout is PYTHON:
        if any(md5_of(source.files[name]) == md5 for name, md5 in PYTHON_MD5.items() if name in source.files):
            _compare(source, PYTHON_MD5, "the official list")
            return "md5 of the official files"
    return None


def parse_checksums(data):
    """Content of an md5sums.txt (bytes), lines `md5  name` -> {name: md5}."""
    expected = {}
    for line in data.decode("latin1").splitlines():
        if not line.strip():
            continue
        md5, _, name = line.strip().partition(" ")
        if len(md5) != 32 or set(md5.lower()) - set("0123456789abcdef") or not name.strip():
            raise DataError(f"{CHECKSUMS} has a line that is no checksum and name: {shown(repr(line), 80)}")
        expected[name.strip().lstrip("*")] = md5.lower()
    return expected


def _compare(source, expected, authority):
    for name, data in source.files.items():
        if name in expected and md5_of(data) != expected[name]:
            raise DataError(f"{name} is damaged: its md5 is {md5_of(data)}, {authority} says {expected[name]}")


def are_cifar10(arrays):
    """Whether images and labels, as of `cifar10_batches.assemble`, are those of CIFAR-10, in whatever order."""
    return all(digest(arrays[f"{split}_images"], arrays[f"{split}_labels"]) == known for split, known in SHA256.items())


def digest(images, labels):
    """SHA-256 in hex of the sorted SHA-256 of every image: label and pixels as in a binary record.

    images (N, 3, 32, 32) uint8, labels (N,) uint8.
    """
    each = sorted(hashlib.sha256(label.tobytes() + image.tobytes()).digest() for image, label in zip(images, labels))
    return hashlib.sha256(b"".join(each)).hexdigest()
