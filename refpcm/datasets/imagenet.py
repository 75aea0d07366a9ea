"""ImageNet as a Dataset: an index made by `python -m data_tools.imagenet`, its images decoded when they are asked for."""

import json
from pathlib import Path

import numpy as np

from data_tools import imagenet_index
from data_tools.errors import DataError
from data_tools.imagenet_images import BrokenImage
from refpcm.datasets.dataset import Dataset
from refpcm.errors import RefpcmError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # the usual ones of ImageNet's training images, as in torchvision


class Images:
    """The images of one split, none if the index has no such split; rows are decoded by indexing, as of a NumPy array.

    shape: (N, 3, 224, 224). A row is uint8, preprocessed for evaluation (shorter side 256, centre crop 224).
    """

    def __init__(self, index, split):
        self.index, self.split = index, split
        count = len(index.splits[split].labels) if split in index.splits else 0
        self.shape = (count, 3, 224, 224)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        """(len(rows), 3, 224, 224) uint8; rows: a slice or an array. Raises RefpcmError for a file that has changed."""
        rows = np.arange(len(self))[rows]
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)
        try:
            for i, row in enumerate(rows):
                images[i] = self.index.evaluation_image(self.split, row)
        except (BrokenImage, OSError) as failure:
            raise RefpcmError(f"{self.index.path(self.split, row)} cannot be read any more ({failure}); "
                              "index the tree again") from None
        return images

    def tobytes(self):
        """What identifies the images without decoding them: split, and the checksums of the index."""
        return json.dumps([self.split, self.index.description["listing"], self.index.description["sha256"]],
                          sort_keys=True).encode()


def is_index(folder):
    return folder is not None and (Path(folder) / imagenet_index.DESCRIPTION).is_file()


def load_index(folder):
    """The Dataset of an index: train is its training split, test its val, either may be empty.

    Training images are preprocessed like test images, since calibration does not augment (I-11); labels are uint16.
    Raises RefpcmError for an index that is damaged or has no val.
    """
    try:
        index = imagenet_index.read_index(folder)
    except DataError as mistake:
        raise RefpcmError(str(mistake)) from None
    if "val" not in index.splits:
        raise RefpcmError(f"{folder} has no val split to evaluate on; index a tree that has val/")
    labels = {split: part.labels for split, part in index.splits.items()}
    return Dataset(f"ImageNet ({Path(folder).name})", index.classes, Images(index, "train"),
                   labels.get("train", np.empty(0, np.uint16)), Images(index, "val"), labels["val"], MEAN, STD)
