import numpy as np
import pytest

from refpcm.datasets import Dataset, split
from refpcm.errors import RefpcmError


def dataset(labels, classes=3):
    labels = np.array(labels, np.uint8)
    images = np.zeros((len(labels), 3, 2, 2), np.uint8)
    return Dataset("test", tuple("abcdefghij"[:classes]), images, labels, images, labels, (0.5,) * 3, (0.2,) * 3)


def test_the_last_images_of_every_class_are_held_back():
    training, validation = split(dataset([0, 1, 2, 2, 1, 0, 0, 1, 2]), 3)
    assert training.tolist() == [0, 1, 2, 3, 4, 5] and validation.tolist() == [6, 7, 8]


def test_what_does_not_divide_goes_to_the_first_classes():
    labels = np.arange(30) % 3
    _, validation = split(dataset(labels), 5)
    assert np.bincount(labels[validation]).tolist() == [2, 2, 1]


@pytest.mark.parametrize("count", [0, 1, 7, 29, 60])
def test_the_two_parts_are_disjoint_and_together_everything(count):
    labels = np.random.default_rng(count).permutation(np.arange(90) % 3)
    training, validation = split(dataset(labels), count)
    assert len(validation) == count
    assert sorted([*training, *validation]) == list(range(90))
    assert (split(dataset(labels), count)[1] == validation).all()


@pytest.mark.parametrize("count, reason", [(-1, "has 9 training images"), (10, "has 9 training images"),
                                           (9, "of class 'a'"), (7, "of class 'a'.* has 3; choose a smaller --val")])
def test_a_split_that_leaves_a_class_without_training_images_is_refused(count, reason):
    with pytest.raises(RefpcmError, match=reason):
        split(dataset([0, 1, 2] * 3), count)


def test_a_class_without_images_cannot_give_one():
    with pytest.raises(RefpcmError, match="of class 'c' for validation: test has 0"):
        split(dataset([0, 1] * 5), 3)
