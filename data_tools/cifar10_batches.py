"""The two official layouts of CIFAR-10: six batches of 10,000 images, as plain bytes or as pickles.

Binary: records of 1 label byte and 3,072 pixel bytes (red, green, blue planes of 32 x 32, row major).
Python: a pickled dict with `data` (10,000, 3,072) uint8 in the same order and `labels`, a list. Of others who have
packed the set anew, `data` (10,000, 3, 32, 32) and `labels` as an array are read too.
"""

from dataclasses import dataclass

import numpy as np

from data_tools import cifar10_pickle
from data_tools.errors import DataError
from data_tools.foreign_text import shown

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORDS = 10_000  # images a batch; also the images of the test set
PIXELS = 3 * 32 * 32
TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"
CHECKSUMS = "md5sums.txt"
NOTES_LARGEST = 1 << 16  # bytes of a file with names or checksums


@dataclass(frozen=True)
class Layout:
    """How one of the official forms names its files."""
    name: str
    folder: str
    suffix: str
    names_file: str  # the file with the class names
    largest: int  # no batch is longer, in bytes

    @property
    def batches(self):
        return tuple(name + self.suffix for name in TRAIN_BATCHES + (TEST_BATCH,))

    @property
    def files(self):
        """Names of all files that are read: the batches, and those with class names and checksums, which may be missing."""
        return self.batches + (self.names_file, CHECKSUMS)

    def limit(self, name):
        """Bytes that the file `name` has at most."""
        return self.largest if name in self.batches else NOTES_LARGEST


BINARY = Layout("binary", "cifar-10-batches-bin", ".bin", "batches.meta.txt", RECORDS * (1 + PIXELS))
PYTHON = Layout("python", "cifar-10-batches-py", "", "batches.meta", 2 * RECORDS * PIXELS)
LAYOUTS = (PYTHON, BINARY)


def decode_binary(data, name, records=RECORDS):
    """Bytes of a binary batch -> images (records, 3, 32, 32) uint8, labels (records,) uint8."""
    if len(data) != records * (1 + PIXELS):
        raise DataError(f"{name} has {len(data)} bytes where {records * (1 + PIXELS)} belong; it is cut off or no "
                        "CIFAR-10 batch")
    table = np.frombuffer(data, np.uint8).reshape(records, 1 + PIXELS)
    return table[:, 1:].reshape(records, 3, 32, 32), table[:, 0]


def decode_python(data, name, records=RECORDS):
    """Bytes of a pickled batch -> images (records, 3, 32, 32) uint8, labels (records,) uint8."""
    content = cifar10_pickle.loads(data, name)
    images, labels = content.get("data"), content.get("labels")
    if "fine_labels" in content:
        raise DataError(f"{name} is a batch of CIFAR-100 (it has fine_labels); name a copy of CIFAR-10")
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape not in (
            (records, PIXELS), (records, 3, 32, 32)):
        found = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else shown(type(images).__name__)
        raise DataError(f"{name} is no CIFAR-10 batch: its `data` is {found} where uint8 ({records}, {PIXELS}) belongs")
    if isinstance(labels, np.ndarray) and labels.ndim == 1:
        labels = labels.tolist()
    if not isinstance(labels, list) or len(labels) != records or not all(type(label) is int for label in labels):
        raise DataError(f"{name} is no CIFAR-10 batch: its `labels` are no list of {records} integers")
    if not all(0 <= label < len(CLASSES) for label in labels):
        raise DataError(f"{name} is damaged: a label is outside 0 .. {len(CLASSES) - 1}")
    return images.reshape(records, 3, 32, 32), np.array(labels, np.uint8)


def class_names(layout, data, name):
    """The class names in batches.meta or batches.meta.txt (bytes)."""
    if layout is PYTHON:
        names = cifar10_pickle.loads(data, name).get("label_names")
        names = names if isinstance(names, list) else []
        return tuple(item.decode("latin1") if isinstance(item, bytes) else str(item) for item in names)
    return tuple(data.decode("latin1").split())


def assemble(layout, files, records=RECORDS):
    """{file name: bytes} of one layout -> {"train_images": ..., ...}, verified: counts, label range, class names.

    Raises DataError naming the file that is missing or wrong.
    """
    missing = [name for name in layout.batches if name not in files]
    if missing:
        raise DataError(f"CIFAR-10 in {layout.name} form is incomplete: {', '.join(missing)} missing")
    if layout.names_file in files and class_names(layout, files[layout.names_file], layout.names_file) != CLASSES:
        raise DataError(f"{layout.names_file} does not list CIFAR-10's ten classes in their order")
    decode = decode_python if layout is PYTHON else decode_binary
    batches = [decode(files[name], name, records) for name in layout.batches]
    arrays = {}
    for split, parts in (("train", batches[:-1]), ("test", batches[-1:])):
        labels = np.concatenate([part[1] for part in parts])
        counts = np.bincount(labels, minlength=len(CLASSES))
        if len(counts) > len(CLASSES):
            raise DataError(f"the {split} images are damaged: label {labels.max()} is outside 0 .. {len(CLASSES) - 1}")
        wanted = len(labels) // len(CLASSES)
        if (counts != wanted).any():
            label = int(np.argmax(counts != wanted))
            raise DataError(f"the {split} images are not CIFAR-10's: {counts[label]} of class {CLASSES[label]} where "
                            f"{wanted} belong")
        arrays[f"{split}_images"] = np.concatenate([part[0] for part in parts])
        arrays[f"{split}_labels"] = labels
    return arrays
