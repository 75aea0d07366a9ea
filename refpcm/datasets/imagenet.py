"""ImageNet as a Dataset: an index made by `python -m data_tools.imagenet`, its images decoded when asked for."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from data_tools import imagenet_index
from data_tools.errors import DataError
from data_tools.imagenet_images import BrokenImage
from data_tools.imagenet_preprocessing import CROP, CROP_UNIFORMS, SHORTER_SIDE, resized_crop
from refpcm.datasets.dataset import Dataset
from refpcm.errors import RefpcmError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's training images, as in torchvision
DECODERS = 4  # threads; Pillow decodes without Python's lock
RESIZED_CROP_PART = 5  # "layer" of the resized crop in the address of augmentation, see random.Purpose
RESIZED_CROP_STRIDE = 32  # numbers reserved for each image there


class Images:
    """The images of one split, none if the index has no such split; rows are decoded by indexing, as of a NumPy array.

    shape: (N, 3, 224, 224). A row is uint8, preprocessed for evaluation (centre crop 224, scaled as the index says).
    rows: which of the split's images, (N,) int; None: all of them.
    """
    crop_uniforms = CROP_UNIFORMS

    def __init__(self, index, split, rows=None):
        self.index, self.split = index, split
        count = len(index.splits[split].labels) if split in index.splits else 0
        self.rows, self.whole = (np.arange(count), True) if rows is None else (rows, False)
        self.shape = (len(self.rows), 3, CROP, CROP)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, numbers):
        """(len(numbers), 3, 224, 224) uint8; numbers: a slice or an array. Raises RefpcmError as `decode` does."""
        numbers = np.arange(len(self))[numbers]
        images = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        with ThreadPoolExecutor(DECODERS) as pool:
            for i, image in enumerate(pool.map(self.decode, numbers)):
                images[i] = image
        return images

    def take(self, numbers, axis=0):
        """The images `numbers` (N,) int as Images, none of them decoded."""
        return Images(self.index, self.split, self.rows[numbers])

    def decode(self, number, uniforms=None):
        """Image `number`, (3, 224, 224) uint8: as for evaluation, or, with uniforms (crop_uniforms,), a resized crop.

        Raises RefpcmError naming a file that is gone, damaged, or of another size than when it was indexed.
        """
        row = self.rows[number]
        try:
            if uniforms is None:
                return self.index.evaluation_image(self.split, row)
            return resized_crop(self.index.rgb(self.split, row), uniforms)
        except (BrokenImage, OSError) as failure:
            raise RefpcmError(f"{self.index.path(self.split, row)} cannot be read any more ({failure}); bring it back, "
                              "or index the tree again") from None

    def tobytes(self):
        """What identifies the images without decoding them: split, checksums and scaling of the index, and which rows."""
        parts = [self.split, self.index.description["listing"], self.index.description["sha256"]]
        if self.index.scaling != SHORTER_SIDE:  # so that images of older indexes stay the same
            parts.append(self.index.scaling)
        identity = json.dumps(parts, sort_keys=True).encode()
        return identity if self.whole else identity + np.asarray(self.rows, np.int64).tobytes()


def crop_numbers(images, number, generator, seed, chip, purpose, draw):
    """The uniforms (images.crop_uniforms,) of the resized crop of image `number` of Images, from its address.

    generator: `refpcm.spec.random` or `refpcm.fast.random`; draw: epoch, or number of the read.
    """
    return generator.uniforms(seed, chip, purpose, RESIZED_CROP_PART, draw, RESIZED_CROP_STRIDE * number, images.crop_uniforms)


def is_index(folder):
    """Whether `folder` (None: built in) is an ImageNet index, whatever state it is in."""
    return folder is not None and os.path.isfile(os.path.join(folder, imagenet_index.DESCRIPTION))


def load_index(folder):
    """The Dataset of an index: train is its training split, test its val; the first may be empty.

    train_images[numbers] are preprocessed like test images; training and augmented calibration decode crops of their own
    (refpcm.training.sources, refpcm.evaluation.calibration). Labels are uint16.
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
