"""The mini-batches of AdaBS: images as they are (I-11), or as the network's training showed them (I-20).

Batch norm's trained statistics are those of augmented images: cropped with a border, flipped, cut out. AdaBS with
images as they are replaces them by others, on an ideal chip too; docs/compensation.md says what that costs.
"""

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec import random
from refpcm.spec.training.augmentation import Augmentation, draw_moves, no_moves
from refpcm.spec.training.config import TrainingConfig, override

USUAL = Augmentation(crop_padding=4, flip=True)  # He et al. 2016, section 4.2: for networks trained elsewhere


class MiniBatches:
    """A sequence of n arrays (m, C, H, W) float32, normalised when asked for.

    images (N, C, H, W) uint8; chosen (n, m) int; moves (N, 5), as of `refpcm.spec.training.augmentation.draw_moves`; None:
    images as they are.
    """

    def __init__(self, inputs, images, chosen, moves=None, cutout=0):
        self.inputs, self.images, self.chosen, self.moves, self.cutout = inputs, images, chosen, moves, cutout

    def __len__(self):
        return len(self.chosen)

    def __getitem__(self, i):
        rows = self.chosen[i]
        moves = no_moves(len(rows)) if self.moves is None else self.moves[rows]
        return self.inputs.forms.transform_images(self.images[rows], moves, self.cutout, self.inputs.file.mean,
                                                  self.inputs.file.std)


class WithBlackBorder(MiniBatches):
    """The same for crops whose border is black, as where images are padded before they are normalised (torchvision)."""

    def __getitem__(self, i):
        rows = self.chosen[i]
        moves = self.moves[rows]
        unshifted = moves.copy()
        unshifted[:, :2] = 0
        return self.inputs.forms.transform_images(_shifted(self.images[rows], moves[:, :2]), unshifted, self.cutout,
                                                  self.inputs.file.mean, self.inputs.file.std)


def _shifted(images, shifts):
    """images (m, C, H, W) uint8, each shifted by (row, column) as `draw_moves` says; what comes in is 0."""
    height, width = images.shape[2:]
    border = int(np.abs(shifts).max(initial=0))
    padded = np.pad(images, ((0, 0), (0, 0), (border, border), (border, border)))
    return np.stack([image[:, border + row:border + row + height, border + column:border + column + width]
                     for image, (row, column) in zip(padded, shifts)])


def mini_batches(inputs, images, chosen, protocol, task):
    """What AdaBS is to see of `images` (N, C, H, W) uint8: the rows chosen (n, m), for a task of the protocol.

    Raises RefpcmError for "train-augmented" where the training's views of an image cannot be made.
    """
    if protocol.calibration != "train-augmented":
        return MiniBatches(inputs, images, chosen)
    if not isinstance(images, np.ndarray):
        raise RefpcmError("calibration train-augmented is for small images held in memory, not for "
                          f"{inputs.data.name}; choose train")
    own = own_augmentation(inputs.file.notes, protocol.network)
    augmentation, views = (own, MiniBatches) if own else (USUAL, WithBlackBorder)
    moves = draw_moves(augmentation, images.shape[2:], protocol.seed, task.draw, len(images), task.chip,
                       random.Purpose.CALIBRATION_AUGMENTATION, inputs.forms.random)
    return views(inputs, images, chosen, moves, augmentation.cutout)


def own_augmentation(notes, path):
    """That of the network's training; None: trained elsewhere. Raises RefpcmError for impossible values."""
    config = notes.get("config")
    if not isinstance(config, dict):
        return None
    known = {name: config[name] for name in ("crop_padding", "flip", "cutout") if name in config}
    config = override(TrainingConfig(), known, path)
    return Augmentation(config.crop_padding, config.flip, config.cutout)
