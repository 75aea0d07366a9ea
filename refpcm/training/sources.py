"""Where the batches of training images come from: arrays in memory, or image files decoded when it is their turn.

A source has len() and batch(numbers, epoch, following) -> float32 (N, C, H, W), augmented and normalised. What becomes
of an image depends on (seed, epoch, number of the image) alone; `following` only says what to have ready next.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from refpcm.datasets.imagenet import DECODERS, crop_numbers
from refpcm.errors import RefpcmError
from refpcm.forms import find_forms
from refpcm.spec import random
from refpcm.spec.training.augmentation import Augmentation, draw_moves


def image_source(config, dataset):
    """The source of dataset.train_images. Raises RefpcmError if there are none, or if the crop does not fit them."""
    images = dataset.train_images
    if not len(images):
        raise RefpcmError(f"{dataset.name} has no training images; name data that has "
                          "(for ImageNet: index a tree with train/ and val/)")
    if not isinstance(images, np.ndarray):
        return FileSource(config, images, dataset.mean, dataset.std)
    if config.resized_crop:
        raise RefpcmError(f"resized_crop is for image files of many sizes; {dataset.name} is in memory, all "
                          f"{images.shape[2]} x {images.shape[3]}: leave it out and choose --crop-padding")
    return ArraySource(config, images, dataset.mean, dataset.std)


class ArraySource:
    """Images in memory, (N, C, H, W) uint8: crop with padding, flip, Cutout."""

    def __init__(self, config, images, mean, std):
        self.images, self.mean, self.std, self.seed = images, mean, std, config.seed
        self.forms = find_forms(config.kernels)
        self.augmentation = Augmentation(config.crop_padding, config.flip, config.cutout)
        self.moves, self.epoch = None, None

    def __len__(self):
        return len(self.images)

    def batch(self, numbers, epoch, following=()):
        """Images `numbers` (N,) int as they are in `epoch`: float32 (N, C, H, W)."""
        return self.moved(self.images[numbers], numbers, epoch)

    def moved(self, images, numbers, epoch):
        """`images` (N, C, H, W) uint8, the ones numbered `numbers`, augmented and normalised."""
        if epoch != self.epoch:
            self.moves = draw_moves(self.augmentation, self.images.shape[2:], self.seed, epoch, len(self),
                                    generator=self.forms.random)
            self.epoch = epoch
        return self.forms.transform_images(images, self.moves[numbers], self.augmentation.cutout, self.mean, self.std)


class FileSource(ArraySource):
    """Image files (refpcm.datasets.imagenet.Images): a resized crop, or the evaluation's middle, then as in memory.

    At most two batches are held decoded: the present one and the following one, which threads decode meanwhile. The
    threads end with the source.
    """

    def __init__(self, config, images, mean, std):
        super().__init__(config, images, mean, std)
        self.resized_crop = config.resized_crop
        self.pool, self.decoded = ThreadPoolExecutor(DECODERS), {}

    def batch(self, numbers, epoch, following=()):
        """As of ArraySource. Raises RefpcmError naming a file that cannot be read or has changed."""
        wanted = [(int(number), epoch) for number in (*numbers, *following)]
        self.decoded = {key: self.decoded.get(key) or self.begin(*key) for key in wanted}
        images = np.stack([self.decoded[int(number), epoch].result() for number in numbers])
        return self.moved(images, numbers, epoch)

    def begin(self, number, epoch):
        """A Future of image `number`, (C, H, W) uint8."""
        uniforms = None
        if self.resized_crop:
            uniforms = crop_numbers(self.images, number, self.forms.random, self.seed, 0, random.Purpose.AUGMENTATION, epoch)
        return self.pool.submit(self.images.decode, number, uniforms)
