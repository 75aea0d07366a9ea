"""refpcm.convert --check: whether the network recognises images, and where its option A has its zeros."""

import numpy as np
import pytest
from test_convert import checkpoint, convert
from test_names import random_parameters

from data_tools.writing import write
from refpcm.convert_check import IMAGES, guessing, test_images
from refpcm.errors import RefpcmError
from refpcm.files.network_file import load_network
from refpcm.spec.compensation.adabs import calibrate
from refpcm.spec.engine import Engine
from refpcm.spec.resnet import build, initial_parameters

test_images.__test__ = False  # it is no test
BEHIND, AROUND = "cifar-resnet-8x1-16x1-32x1-behind", "cifar-resnet-8x1-16x1-32x1-around"
CLASSES = tuple("abcdefghij")
COUNT = 120
THIRDS = ["--mean", "0.5", "0.5", "0.5", "--std", "0.3", "0.3", "0.3", "--classes", *CLASSES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint and images whose labels are what its network says, with all zeros behind the old channels."""
    path, draw, network = tmp_path_factory.mktemp("check"), np.random.default_rng(3), build(BEHIND)
    images = draw.integers(0, 256, (COUNT, 3, 32, 32), np.uint8)
    normalised = ((images / np.float32(255) - np.float32(0.5)) / np.float32(0.3)).astype(np.float32)
    engine, parameters = Engine(network), initial_parameters(network, lambda layer, count: draw.standard_normal(count))
    parameters = calibrate(engine, parameters, [normalised])
    logits = engine.forward(parameters, normalised)
    parameters["fc.bias"] = -logits.mean(0)  # so that no class is always the largest
    labels = engine.forward(parameters, normalised).argmax(1).astype(np.uint8)
    (path / "c.pt").write_bytes(checkpoint(parameters=parameters))
    (path / "guessing.pt").write_bytes(checkpoint(parameters=random_parameters(build("tiny-resnet8"))))
    arrays = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
    write(path / "data", "noise", CLASSES, arrays, {})
    few = {name: array[:30] % 2 if "labels" in name else array[:30] for name, array in arrays.items()}
    write(path / "two", "two classes", ("a", "b"), few, {})
    return path


def test_of_both_placements_the_one_that_fits_is_taken(folder):
    run = convert("c.pt", "n.npz", *THIRDS, "--check", "data", folder=folder)
    assert run.returncode == 0 and "warning" not in run.stdout + run.stderr
    assert f"note: of {COUNT} test images of noise are recognised " in run.stdout and f"100.0 % with {BEHIND}" in run.stdout
    assert f"note: {BEHIND} was taken, which fits better" in run.stdout and f"network  {BEHIND}" in run.stdout
    assert load_network(folder / "n.npz").network == build(BEHIND)


def test_a_named_architecture_stays_with_a_warning(folder):
    run = convert("c.pt", "n.npz", *THIRDS, "--architecture", AROUND, "--check", "data", folder=folder)
    assert run.returncode == 0 and f"\nwarning: {BEHIND} fits better; choose it with --architecture" in run.stdout
    assert load_network(folder / "n.npz").network == build(AROUND)
    run = convert("c.pt", "n.npz", *THIRDS, "--architecture", BEHIND, "--check", "data", folder=folder)
    assert "warning" not in run.stdout and load_network(folder / "n.npz").network == build(BEHIND)


def test_without_a_check_the_assumption_is_said(folder):
    run = convert("c.pt", "n.npz", *THIRDS, folder=folder)
    assert "note: the zeros of option A were assumed around the old channels, half of them before" in run.stdout
    assert f"choose --architecture {BEHIND}; --check DATA tries both" in run.stdout
    run = convert("c.pt", "n.npz", *THIRDS, "--architecture", BEHIND, folder=folder)
    assert f"assumed behind the old channels; the checkpoint does not say so. If the accuracy is far too low, choose " \
           f"--architecture {AROUND}" in run.stdout


def test_a_network_file_can_be_checked_and_given_the_other_placement(folder):
    convert("c.pt", "around.npz", *THIRDS, folder=folder)
    run = convert("around.npz", "n.npz", "--check", "data", folder=folder)
    assert run.returncode == 0 and f"warning: {BEHIND} fits better" in run.stdout
    run = convert("around.npz", "n.npz", "--architecture", BEHIND, "--check", "data", folder=folder)
    assert run.returncode == 0 and "warning" not in run.stdout
    assert load_network(folder / "n.npz").network == build(BEHIND)


def test_a_network_near_guessing_is_warned_of(folder):
    run = convert("guessing.pt", "g.npz", "--check", "data", folder=folder)
    assert run.returncode == 0 and "\nwarning: that is near guessing; check --mean and --std" in run.stdout
    assert (folder / "g.npz").exists()


def test_data_of_other_classes_or_shapes_are_refused_before_anything_is_written(folder):
    for arguments, words in ((["--check", "two"], "in 10 classes; two classes has 30 test images (3, 32, 32) in 2"),
                             (["--check", "data", "--image-size", "64"], "wants images (3, 64, 64) in 10 classes; noise has")):
        run = convert("c.pt", "absent.npz", *THIRDS, *arguments, folder=folder)
        assert run.returncode == 2 and words in run.stderr and not (folder / "absent.npz").exists()
    with pytest.raises(RefpcmError, match="--check .*two: the network wants images"):
        test_images(build(BEHIND), folder / "two")


def test_the_images_are_spread_over_the_test_set(folder, monkeypatch):
    assert IMAGES == 500
    monkeypatch.setattr("refpcm.convert_check.IMAGES", 5)
    images, labels, _ = test_images(build(BEHIND), folder / "data")
    assert len(images) == len(labels) == 5
    every = np.load(folder / "data" / "test_images.npy")
    assert np.array_equal(images[0], every[0]) and np.array_equal(images[-1], every[-1])
    assert np.array_equal(images[2], every[59])


@pytest.mark.parametrize("classes, images, share", [(10, 500, 0.167), (1000, 500, 0.0081), (2, 500, 0.612), (2, 4, 1.0)])
def test_what_guessing_can_reach(classes, images, share):
    assert guessing(classes, images) == pytest.approx(share, abs=0.001)
