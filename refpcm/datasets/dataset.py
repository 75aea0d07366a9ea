"""A data set in memory."""

from dataclasses import dataclass

import numpy as np


def in_another_order(known, classes):
    """Whether a class name of `known` stands in `classes`, but at other places only: labels then mean something else.

    Names may differ otherwise, and one may stand for several classes, as two of ImageNet's do.
    """
    places = {}
    for i, name in enumerate(classes):
        places.setdefault(name, set()).add(i)
    return any(i not in places.get(name, {i}) for i, name in enumerate(known))


@dataclass(frozen=True)
class Dataset:
    """Images and labels of a training and a test split, and what is needed to normalise and to name them.

    x = (image / 255 - mean) / std, channel by channel, is the usual input of a network.
    """
    name: str
    classes: tuple  # of str; label l is classes[l]
    train_images: np.ndarray  # (N, C, H, W) uint8; of ImageNet `imagenet.Images`, which can be indexed alike
    train_labels: np.ndarray  # (N,) uint8; of ImageNet uint16
    test_images: np.ndarray  # as train_images
    test_labels: np.ndarray  # as train_labels
    mean: tuple  # of C floats: of train_images / 255
    std: tuple  # of C floats: population standard deviation of train_images / 255

    def __repr__(self):
        shape = "x".join(str(size) for size in self.train_images.shape[1:])
        return (f"Dataset({self.name!r}: {len(self.train_labels)} training and {len(self.test_labels)} test images "
                f"of {shape}, {len(self.classes)} classes)")
