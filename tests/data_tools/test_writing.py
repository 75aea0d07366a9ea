"""data_tools.writing: what a set of one's own must be like."""

import numpy as np
import pytest

from data_tools.errors import DataError
from data_tools.prepared import read
from data_tools.writing import write


def small():
    generator = np.random.default_rng(0)
    return {f"{split}_{what}": generator.integers(0, 3, shape, np.uint8) for split in ("train", "test")
            for what, shape in (("images", (6, 3, 4, 4)), ("labels", 6))}


@pytest.mark.parametrize("name, kind", [("train_images", np.float32), ("test_labels", np.int64)])
def test_other_types_than_bytes_are_refused_by_name(tmp_path, name, kind):
    arrays = small()
    arrays[name] = arrays[name].astype(kind)
    with pytest.raises(DataError, match=f"{name} are {np.dtype(kind)}; a prepared set holds uint8"):
        write(tmp_path / "set", "own", "abc", arrays, {})
    assert not (tmp_path / "set").exists()


PIXELS = small()["train_images"]


@pytest.mark.parametrize("changes, words", [
    ({"train_images": PIXELS.transpose(0, 2, 3, 1)}, r"train images are uint8 \(6, 4, 4, 3\), not"),
    ({"train_images": PIXELS[:5]}, "train has 5 images and 6 labels"),
    ({"test_labels": np.full(6, 3, np.uint8)}, "test has a label 3 where there are 3 classes"),
    ({"test_labels": np.zeros((6, 1), np.uint8)}, r"test labels are uint8 \(6, 1\)"),
    ({"test_images": np.zeros((6, 3, 5, 5), np.uint8)}, r"test images are \(3, 5, 5\) where training images are"),
    ({"train_images": PIXELS[..., :0], "test_images": PIXELS[..., :0]}, "train images of 4 x 0 have no pixels"),
    ({"train_images": PIXELS[:0], "train_labels": np.zeros(0, np.uint8)}, "no training images")])
def test_what_could_not_be_read_again_is_not_written(tmp_path, changes, words):
    with pytest.raises(DataError, match=words):
        write(tmp_path / "set", "own", "abc", {**small(), **changes}, {})
    assert not list(tmp_path.iterdir())


def test_classes_are_names(tmp_path):
    for classes, words in (([0, 1, 2], "class 0 is 0"), (["a", "b", ""], "class 2 is ''"), (["a", None, "c"], "class 1 is")):
        with pytest.raises(DataError, match=f"name of {words}.*every class needs a name"):
            write(tmp_path / "set", "own", classes, small(), {})


@pytest.mark.parametrize("name, origin, words", [
    (7, {}, "the name of a set must be text, not 7"), ("own", "a disk", "origin must be a dict of .*: it is a disk"),
    ("own", {"n": np.int64(3)}, "origin must be .*int64 is not JSON"), ("own", {1: 1, "1": 2}, "a key occurs twice"),
    ("own", {(1, 2): 3}, "origin must be .*keys must be")])
def test_descriptions_that_could_not_be_read_again_are_not_written(tmp_path, name, origin, words):
    with pytest.raises(DataError, match=words):
        write(tmp_path / "set", name, "abc", small(), origin)
    assert not list(tmp_path.iterdir())


def test_an_origin_with_numbers_as_keys_is_read_again(tmp_path):
    origin = {number: (number, None) for number in (1, 10, 2)}
    description = write(tmp_path / "set", "own", "abc", small(), origin)
    assert description["origin"]["10"] == [10, None] and read(tmp_path / "set")[0] == description


@pytest.mark.parametrize("link", ["to an empty folder", "to nothing"])
def test_a_link_stands_for_the_folder_that_it_points_to(tmp_path, link):
    (tmp_path / "disk").mkdir()
    if link == "to an empty folder":
        (tmp_path / "disk" / "set").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "set")
    description = write(tmp_path / "link", "own", "abc", small(), {})
    assert (tmp_path / "link").is_symlink() and read(tmp_path / "disk" / "set")[0] == description
    assert sorted(path.name for path in (tmp_path / "disk").iterdir()) == ["set"]


def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="is the current folder.* name a folder below it"):
        write(".", "own", "abc", small(), {})
    assert tmp_path.exists()


def test_a_name_that_is_a_pattern_is_a_name(tmp_path):
    assert write(tmp_path / "a**[1]", "own", "abc", small(), {}) == read(tmp_path / "a**[1]")[0]


def test_arrays_that_are_lists_are_refused(tmp_path):
    images, labels = np.zeros((2, 3, 8, 8), np.uint8), np.zeros(2, np.uint8)
    arrays = {"train_images": images, "train_labels": [0, 1], "test_images": images, "test_labels": labels}
    with pytest.raises(DataError, match="train_labels must be a NumPy array, not a list"):
        write(tmp_path / "set", "lists", ("a", "b"), arrays, {})
