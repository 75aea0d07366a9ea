"""The mini-batches of AdaBS: views of training images as the network's training showed them (I-20), or images as they are.

The paper samples its mini-batches from the training images and does not mention augmentation, so which views they are is
open (I-11). The default is augmented ones. Batch norm's trained statistics are those of augmented images: cropped with a
border, flipped, cut out. AdaBS with images as they are replaces them by others, on an ideal chip too; docs/compensation.md
says what that costs.
"""

import numpy as np

from refpcm.datasets.imagenet import crop_numbers
from refpcm.errors import RefpcmError
from refpcm.spec import random
from refpcm.spec.training.augmentation import Augmentation, draw_moves, no_moves
from refpcm.spec.training.config import TrainingConfig, override

# For networks trained elsewhere: He et al. 2016, section 4.2, and torchvision's for ImageNet.
USUAL, USUAL_IMAGENET = Augmentation(crop_padding=4), Augmentation(crop_padding=0, resized_crop=True)


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


class ResizedCrops(MiniBatches):
    """The same for image files: a random part of each, scaled; crops: function number -> (C, H, W) uint8."""

    def __init__(self, inputs, crops, chosen, moves, cutout):
        super().__init__(inputs, None, chosen, moves, cutout)
        self.crops = crops

    def __getitem__(self, i):
        rows = self.chosen[i]
        images = np.stack([self.crops(int(row)) for row in rows])
        return self.inputs.forms.transform_images(images, self.moves[rows], self.cutout, self.inputs.file.mean,
                                                  self.inputs.file.std)


def random_rows(images, count, seed, draw, generator):
    """Return `count` different rows of images, int64, in random order.

    Their address is that of AdaBS's choice on chip 0 at read `draw`. generator: `refpcm.spec.random` or `refpcm.fast.random`.
    """
    return generator.permutation(seed, 0, random.Purpose.CALIBRATION_SELECTION, 0, draw, len(images))[:count]


def mini_batches(inputs, images, chosen, protocol, task):
    """Return what AdaBS is to see of `images` (N, C, H, W) uint8: the rows chosen (n, m), for a task of the protocol.

    Raises RefpcmError for an augmentation that does not fit the images.
    """
    if protocol.calibration != "train-augmented":
        return MiniBatches(inputs, images, chosen)
    in_memory = isinstance(images, np.ndarray)
    _, own, augmentation = augmentations(inputs, protocol, images)
    moves = draw_moves(augmentation, images.shape[2:], protocol.seed, task.draw, len(images), task.chip,
                       random.Purpose.CALIBRATION_AUGMENTATION, inputs.forms.random)
    if augmentation.resized_crop:
        if in_memory:
            raise RefpcmError(f"calibration with resized crops is for image files of many sizes; {inputs.data.name} is in "
                              "memory: choose another --augmentation")

        def crop(row):
            return images.decode(row, crop_numbers(images, row, inputs.forms.random, protocol.seed, task.chip,
                                                   random.Purpose.CALIBRATION_AUGMENTATION, task.draw))
        return ResizedCrops(inputs, crop, chosen, moves, augmentation.cutout)
    views = MiniBatches if own else WithBlackBorder
    return views(inputs, images, chosen, moves, augmentation.cutout)


def calibration_text(inputs, protocol):
    """Return in words which images AdaBS sees, such as "13 mini-batches of 200 training images as they are".

    Raises RefpcmError for an augmentation that has impossible values.
    """
    start = f"{protocol.adabs_batches} mini-batches of {protocol.adabs_batch_size}"
    if protocol.calibration != "train-augmented":
        return f"{start} {'test' if protocol.calibration == 'test' else 'training'} images as they are"
    asked, own, used = augmentations(inputs, protocol, inputs.data.train_images)
    source = "as asked for" if asked else "as the network's training showed them" if own else "as is usual for such data"
    return f"{start} training images, {source}: {augmentation_text(used)}"


def augmentations(inputs, protocol, images):
    """Return the Augmentation asked for, that of the network's training, and the one of the views of `images` that AdaBS sees.

    The first two are None where there is none. Raises RefpcmError for impossible ones.
    """
    asked, own = parsed_augmentation(protocol.augmentation), own_augmentation(inputs.file.notes, protocol.network)
    return asked, own, asked or own or (USUAL if isinstance(images, np.ndarray) else USUAL_IMAGENET)


def augmentation_text(augmentation):
    """Return an Augmentation in the words that `parsed_augmentation` reads; "unchanged" for none."""
    words = [f"crop {augmentation.crop_padding}" * (augmentation.crop_padding > 0), "resized-crop" * augmentation.resized_crop,
             "flip" * augmentation.flip, f"cutout {augmentation.cutout}" * (augmentation.cutout > 0)]
    return ", ".join(filter(None, words)) or "unchanged"


def own_augmentation(notes, path):
    """Return that of the network's training; None: trained elsewhere. Raises RefpcmError for impossible values."""
    config = notes.get("config")
    if not isinstance(config, dict):
        return None
    known = {name: config[name] for name in ("crop_padding", "flip", "cutout", "resized_crop") if name in config}
    config = override(TrainingConfig(), known, path)
    return Augmentation(config.crop_padding, config.flip, config.cutout, config.resized_crop)


def parsed_augmentation(text):
    """Return the Augmentation that a text such as "crop 4, flip, cutout 8" or "resized-crop, flip" names; None for None.

    Raises RefpcmError for other words.
    """
    if text is None:
        return None
    found = {"crop_padding": 0, "flip": False}
    names = {"crop": ("crop_padding", int), "cutout": ("cutout", int), "flip": ("flip", None),
             "resized-crop": ("resized_crop", None)}
    for part in text.split(","):
        word, *number = part.split()[:2] or [""]
        try:
            name, kind = names[word]
            found[name] = kind(*number) if kind else True
            if found[name] < 0 or len(part.split()) != 1 + bool(kind):
                raise ValueError
        except (KeyError, ValueError, TypeError):
            raise RefpcmError(f"augmentation: {part.strip()!r} is unknown; give a list such as 'crop 4, flip, cutout 8' or "
                              "'resized-crop, flip'") from None
    return Augmentation(**found)
