"""A validation split: training images held back, so that the test images decide nothing."""

import numpy as np

from data_tools.foreign_text import shown
from refpcm.errors import RefpcmError


def split(dataset, validation_count):
    """Rows of the training set to train on and to validate on: two sorted int64 arrays, together all rows.

    The last images of every class are held back, validation_count / classes of each; where that does not divide,
    the first classes give one more. No random number is used: the split depends on the set and the count alone.
    Raises RefpcmError if some class would have no image left to train on.
    """
    labels, classes = dataset.train_labels, len(dataset.classes)
    if not 0 <= validation_count <= len(labels):
        raise RefpcmError(f"cannot hold back {validation_count} images for validation: {shown(dataset.name)} has "
                          f"{len(labels)} training images; choose a smaller --validation-images")
    held_back = np.zeros(len(labels), bool)
    for label, name in enumerate(dataset.classes):
        share = validation_count // classes + (label < validation_count % classes)
        rows = np.flatnonzero(labels == label)
        if share and share >= len(rows):
            raise RefpcmError(f"cannot hold back {share} images of class '{shown(name)}' for validation: "
                              f"{shown(dataset.name)} has {len(rows)}; choose a smaller --validation-images")
        held_back[rows[len(rows) - share:]] = True
    return np.flatnonzero(~held_back), np.flatnonzero(held_back)
