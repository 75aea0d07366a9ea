"""Where training images come from: arrays, and files decoded ahead; an image depends on its address only."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from data_tools.imagenet_building import build
from data_tools.imagenet_preprocessing import random_box
from refpcm.datasets import Dataset, load
from refpcm.datasets.imagenet import Images
from refpcm.errors import RefpcmError
from refpcm.files.checkpoints import load_checkpoint, save_checkpoint
from refpcm.spec import random
from refpcm.spec.training.augmentation import Augmentation, draw_moves, transform_images
from refpcm.spec.training.config import TrainingConfig
from refpcm.training import loop
from refpcm.training.sources import ArraySource, FileSource, image_source

CONFIG = TrainingConfig(crop_padding=0, cutout=40, resized_crop=True, batch_size=4, seed=7)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """An index of ten smooth pictures of two classes, each of another size."""
    folder = tmp_path_factory.mktemp("imagenet")
    for split, count in (("train", 5), ("val", 1)):
        for label, name in enumerate(("n01440764", "n01682714")):
            (folder / "tree" / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = np.random.default_rng([label, i]).integers(0, 256, (6, 8, 3), np.uint8)
                picture = Image.fromarray(pixels).resize((300 + 10 * i, 260 - label))
                picture.save(folder / "tree" / split / name / f"{i}.png")
    build(folder / "tree", folder / "index")
    return load(folder / "index")


def files(dataset, config=CONFIG):
    return FileSource(config, dataset.train_images, dataset.mean, dataset.std)


def test_images_in_memory_come_as_the_augmentation_says():
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 16, 16), np.uint8)
    config = TrainingConfig(crop_padding=3, cutout=6, seed=5)
    source, numbers = ArraySource(config, images, (0.5,) * 3, (0.25,) * 3), np.array([7, 0, 19])
    for epoch in (0, 2):
        moves = draw_moves(Augmentation(3, True, 6), (16, 16), 5, epoch, 20)
        wanted = transform_images(images[numbers], moves[numbers], 6, (0.5,) * 3, (0.25,) * 3)
        assert np.array_equal(source.batch(numbers, epoch), wanted)


def test_image_files_are_cropped_by_address_then_treated_like_images_in_memory(dataset):
    numbers, epoch, parts = np.array([9, 2, 4]), 3, []
    moves = draw_moves(Augmentation(0, True, 40), (224, 224), CONFIG.seed, epoch, 10)
    for number in numbers:
        label, i = divmod(number, 5)
        picture = Image.open(dataset.train_images.index.root / f"train/{('n01440764', 'n01682714')[label]}/{i}.png")
        uniforms = random.uniforms(CONFIG.seed, 0, 3, 5, epoch, 32 * int(number), 22)
        part = picture.crop(random_box(*picture.size, uniforms)).resize((224, 224), Image.Resampling.BILINEAR)
        parts.append(np.asarray(part).transpose(2, 0, 1))
    wanted = transform_images(np.stack(parts), moves[numbers], 40, dataset.mean, dataset.std)
    assert np.array_equal(files(dataset).batch(numbers, epoch), wanted)
    assert not np.array_equal(files(dataset).batch(numbers, epoch + 1), wanted)


def test_without_the_resized_crop_training_sees_the_middle_as_evaluation_does(dataset):
    config = replace(CONFIG, resized_crop=False, flip=False, cutout=0)
    seen = files(dataset, config).batch(np.arange(10), 0)
    pixels = seen * np.reshape(dataset.std, (3, 1, 1)) + np.reshape(dataset.mean, (3, 1, 1))
    assert np.array_equal(np.rint(255 * pixels), dataset.train_images[:])


def test_neither_the_batch_nor_what_follows_changes_an_image(dataset):
    whole = files(dataset).batch(np.arange(10), 1)
    source = files(dataset)
    for numbers, following in (([3, 1], [8, 0]), ([8, 0], [9]), ([5], [2, 2]), ([2, 2], [])):
        assert np.array_equal(source.batch(np.array(numbers), 1, np.array(following, int)), whole[numbers])


class Watched(Images):
    """Counts what is decoded, and says when an image is begun."""

    def __init__(self, index, split):
        super().__init__(index, split)
        self.count, self.begun = 0, {number: threading.Event() for number in range(10)}
        self.lock = threading.Lock()

    def decode(self, number, uniforms=None):
        with self.lock:
            self.count += 1
        self.begun[number].set()
        return super().decode(number, uniforms)


def test_the_following_batch_is_decoded_meanwhile_and_no_image_twice(dataset):
    images = Watched(dataset.train_images.index, "train")
    source = FileSource(CONFIG, images, dataset.mean, dataset.std)
    source.batch(np.array([0, 1, 2]), 0, np.array([3, 4, 5]))
    assert images.begun[5].wait(20)  # nobody has asked for it yet
    source.batch(np.array([3, 4, 5]), 0, np.array([6, 7, 8]))
    source.batch(np.array([6, 7, 8]), 0)
    assert images.count == 9


def test_no_more_than_two_batches_are_held(dataset):
    source = files(dataset)
    for first in range(0, 8, 2):
        source.batch(np.arange(first, first + 2), 0, np.arange(first + 2, first + 4) % 10)
        assert len(source.decoded) == 4


def test_a_damaged_image_is_named_when_its_batch_comes(dataset):
    class Damaged(Images):
        def decode(self, number, uniforms=None):
            if number == 6:
                raise RefpcmError("train/6.png cannot be read any more")
            return super().decode(number, uniforms)
    source = FileSource(CONFIG, Damaged(dataset.train_images.index, "train"), dataset.mean, dataset.std)
    source.batch(np.arange(4), 0, np.arange(4, 8))
    with pytest.raises(RefpcmError, match="6.png"):
        source.batch(np.arange(4, 8), 0)


def test_sources_refuse_what_they_cannot_do(dataset):
    memory = load()
    assert isinstance(image_source(TrainingConfig(), memory), ArraySource)
    assert isinstance(image_source(CONFIG, dataset), FileSource)
    with pytest.raises(RefpcmError, match="resized_crop.*32 x 32"):
        image_source(CONFIG, memory)
    with pytest.raises(RefpcmError, match="no training images"):
        image_source(TrainingConfig(), replace(memory, train_images=memory.train_images[:0]))


class Small(Images):
    """Every seventh pixel: images of 32 x 32, so that training them costs little."""

    def __init__(self, index, split):
        super().__init__(index, split)
        self.shape = (len(self), 3, 32, 32)

    def decode(self, number, uniforms=None):
        return super().decode(number, uniforms)[:, ::7, ::7]


def test_training_on_files_stopped_after_any_step_ends_in_the_same_bytes(dataset, tmp_path):
    index = dataset.train_images.index
    small = Dataset("small", dataset.classes, Small(index, "train"), dataset.train_labels, Small(index, "val"),
                    dataset.test_labels, dataset.mean, dataset.std)
    config = replace(CONFIG, epochs=3.0, cutout=4, weight_noise=0.038, clip_sigma=2.5, learning_rate=0.05)

    def train(state, stop_at=None):
        loop.train(state, small, lambda state, total: state.step == stop_at, lambda state, record: None)
        return state
    whole = train(loop.start(config, 2, "data"))
    assert whole.step == 6
    for stop_at in (1, 2, 3):
        save_checkpoint(tmp_path / "checkpoint", train(loop.start(config, 2, "data"), stop_at))
        resumed = train(load_checkpoint(tmp_path / "checkpoint"))
        assert resumed.step == 6
        for name, value in whole.parameters.items():
            assert resumed.parameters[name].tobytes() == value.tobytes(), (stop_at, name)
