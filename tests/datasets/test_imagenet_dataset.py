"""refpcm.datasets.imagenet, and evaluation on an ImageNet index."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from data_tools.errors import DataError
from data_tools.imagenet_building import build
from data_tools.imagenet_index import read_index
from data_tools.reading import sha256_of
from refpcm.datasets import load
from refpcm.datasets.imagenet import is_index, load_index
from refpcm.errors import RefpcmError
from refpcm.evaluation.inputs import Inputs
from refpcm.evaluation.protocol import Protocol
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.spec.resnet import build as build_network
from refpcm.spec.resnet import parameter_shapes
from tests.commands import command

NARROW = "imagenet-resnet-8x1-16x1-projection"


def make_index(folder, counts, cache=False):
    """An index of smooth pictures: {split: images of each of two classes}."""
    for split, count in counts.items():
        for label, name in enumerate(("n01440764", "n01682714")):
            (folder / "tree" / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = np.random.default_rng([label, i]).integers(0, 256, (6, 8, 3), np.uint8)
                Image.fromarray(pixels).resize((300, 260)).save(folder / "tree" / split / name / f"{i}.png")
    build(folder / "tree", folder / "index", cache, None, "val")
    return folder / "index"


def test_an_index_is_a_data_set_whose_images_are_decoded_when_asked_for(tmp_path):
    folder = make_index(tmp_path, {"train": 2, "val": 1})
    data, index = load_index(folder), read_index(folder)
    assert is_index(folder) and not is_index(tmp_path) and not is_index(None)
    assert data.train_images.shape == (4, 3, 224, 224) and data.test_images.shape == (2, 3, 224, 224)
    assert data.test_labels.tolist() == [0, 1] and len(data.classes) == 2
    chosen = data.train_images[np.array([3, 0])]
    assert chosen.dtype == np.uint8
    assert np.array_equal(chosen[0], index.evaluation_image("train", 3))
    assert np.array_equal(chosen, data.train_images[3::-3])


def test_the_cache_gives_the_same_images(tmp_path):
    plain, cached = (load_index(make_index(tmp_path / name, {"val": 2}, name == "b")) for name in "ab")
    assert np.array_equal(plain.test_images[:], cached.test_images[:])


def test_images_scaled_otherwise_are_other_images(tmp_path):
    make_index(tmp_path, {"val": 1})
    build(tmp_path / "tree", tmp_path / "other", scaling="shorter-side")
    assert len({load_index(tmp_path / name).test_images.tobytes() for name in ("index", "other")}) == 2


def test_images_that_vanish_are_named(tmp_path):
    data = load_index(make_index(tmp_path, {"val": 1}))
    shutil.rmtree(tmp_path / "tree")
    with pytest.raises(RefpcmError, match="0.png.*index the tree again"):
        data.test_images[:1]


def test_an_index_without_val_or_with_damage_is_refused(tmp_path):
    folder = make_index(tmp_path, {"train": 1})
    with pytest.raises(RefpcmError, match="no val split"):
        load_index(folder)
    (folder / "train_labels.npy").write_bytes(b"")
    with pytest.raises(RefpcmError, match="train_labels.npy: the file is empty; remove"):
        load_index(folder)


def test_part_of_the_images_is_taken_without_decoding_any(tmp_path):
    images = load_index(make_index(tmp_path, {"train": 3, "val": 1})).train_images
    shutil.copytree(tmp_path / "tree", tmp_path / "copy")
    shutil.rmtree(tmp_path / "tree")
    part = images.take(np.array([4, 1]), axis=0)
    assert part.shape == (2, 3, 224, 224) and len(part) == 2
    assert len({images.tobytes(), part.tobytes(), images.take(np.array([1, 4])).tobytes(),
                images.take(np.arange(6)).tobytes()}) == 4
    (tmp_path / "copy").rename(tmp_path / "tree")
    assert np.array_equal(part[:], images[np.array([4, 1])])


def test_an_image_of_another_size_than_when_it_was_indexed_is_not_cropped(tmp_path):
    images = load_index(make_index(tmp_path, {"train": 1, "val": 1})).train_images
    uniforms = np.full(images.crop_uniforms, 0.5)
    assert images.decode(0, uniforms).shape == (3, 224, 224)
    Image.new("RGB", (300, 261)).save(tmp_path / "tree/train/n01440764/0.png")
    with pytest.raises(RefpcmError, match="n01440764/0.png.*300 x 261 pixels now.*index the tree again"):
        images.decode(0, uniforms)
    with pytest.raises(RefpcmError, match="n01440764/0.png.*300 x 261 pixels now"):
        images[:1]


def test_a_damaged_cache_is_refused(tmp_path):
    folder = make_index(tmp_path, {"val": 1}, cache=True)
    content = (folder / "val_cache.npy").read_bytes()
    (folder / "val_cache.npy").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError, match="val_cache.npy is damaged"):  # where it is asked whether there is anything to do
        build(tmp_path / "tree", folder, True, None, "val")
    (folder / "val_cache.npy").write_bytes(b"")
    with pytest.raises(RefpcmError, match="val_cache.npy: the file is empty; remove"):
        load_index(folder)


def test_lists_that_do_not_fit_each_other_are_refused(tmp_path):
    folder = make_index(tmp_path, {"val": 2})
    description = json.loads((folder / "imagenet.json").read_text())
    (folder / "imagenet.json").write_text(json.dumps({**description, "classes": description["classes"][::-1]}))
    with pytest.raises(RefpcmError, match="its SHA-256 does not agree"):
        load_index(folder)
    del description["digest"]
    for part, array in (("labels", np.zeros((4, 1), np.uint16)), ("labels", np.full(4, 2, np.uint16)),
                        ("sizes", np.zeros((3, 2), np.int32)), ("paths", np.zeros(4, np.int8))):
        path = folder / f"val_{part}.npy"
        before = path.read_bytes()
        np.save(path, array)
        sealed = {**description, "sha256": {**description["sha256"], path.name: sha256_of(path)}}
        (folder / "imagenet.json").write_text(json.dumps(sealed))
        with pytest.raises(RefpcmError, match="lists of val in .* do not fit each other"):
            load_index(folder)
        path.write_bytes(before)


@pytest.mark.parametrize("failure", [OSError(5, "Input/output error"), MemoryError()])
def test_a_failing_disk_is_not_a_broken_image(tmp_path, monkeypatch, failure):
    """Else an index would be made, or images tested on, without them."""
    def fail(*_):
        raise failure
    make_index(tmp_path, {"val": 1})
    monkeypatch.setattr("data_tools.imagenet_images.open", fail, raising=False)
    with pytest.raises(type(failure)):
        build(tmp_path / "tree", tmp_path / "other", False, None, "val")
    assert not (tmp_path / "other").exists()


def test_a_tree_that_was_not_indexed_is_refused_with_the_command_that_does(tmp_path):
    make_index(tmp_path, {"val": 1})
    for folder in (tmp_path / "tree", tmp_path / "tree/val"):
        with pytest.raises(RefpcmError, match="index them first: `python -m data_tools.imagenet"):
            load(folder)


def test_adabs_takes_1300_images_of_an_index_as_the_paper_does(tmp_path):
    protocol = Protocol("network.safetensors", make_index(tmp_path, {"val": 1}))
    assert (protocol.adabs_batches, protocol.adabs_batch_size) == (26, 50)
    assert Protocol("network.safetensors", protocol.data, adabs_batches=5).adabs_batches == 5
    protocol = Protocol("network.safetensors")
    assert (protocol.adabs_batches, protocol.adabs_batch_size) == (13, 200)


def test_layers_without_calibration_images_are_refused_before_a_chip_is_programmed(tmp_path):
    network, index = build_network(NARROW, 2), make_index(tmp_path, {"val": 1})
    parameters = {name: np.ones(shape, np.float32) for name, shape in parameter_shapes(network).items()}
    save_network(tmp_path / "network.safetensors",
                 NetworkFile(network, parameters, load(index).classes, (0.5,) * 3, (0.25,) * 3))
    done = command("refpcm.inspect", "layers", "--network", tmp_path / "network.safetensors", "--data", index, "--chips", 1)
    assert done.returncode == 2 and "no training images" in done.stderr and not done.stdout


def test_test_images_calibrate_only_if_one_says_so(tmp_path):
    network = build_network(NARROW, 2)
    parameters = {name: np.ones(shape, np.float32) for name, shape in parameter_shapes(network).items()}
    index = make_index(tmp_path, {"val": 1})
    save_network(tmp_path / "network.safetensors",
                 NetworkFile(network, parameters, load(index).classes, (0.5,) * 3, (0.25,) * 3))
    inputs = Inputs(str(tmp_path / "network.safetensors"), index, "numpy")
    with pytest.raises(RefpcmError, match="no training images"):
        inputs.calibration_images("train")
    assert len(inputs.calibration_images("test")) == 2
