"""`python -m refpcm.train` on an ImageNet index, as a user runs it: to a result, killed, on damaged images."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from refpcm.datasets import load
from refpcm.files.checkpoints import save_checkpoint
from refpcm.files.network_file import NetworkFile, load_network, save_network
from refpcm.spec.resnet import build, parameter_shapes
from refpcm.spec.training.config import PRESETS, override
from refpcm.training import loop
from refpcm.training.config_file import identity_of
from tests.commands import command
from tests.training.small_runs import kill

FISH, LIZARD = "n01440764", "n01682714"
SAMPLE = Path(__file__).resolve().parents[3] / "shared" / "data" / "imagenet_sample"
NARROW = "imagenet-resnet-8x1-16x1-projection"  # images of 224 x 224 pixels, and few weights
SHORT = ["--preset", "joshi2020-imagenet", "--architecture", NARROW, "--batch-size", 4]


def refused(*arguments):
    """The one sentence of a command that must end with status 2."""
    done = command(*arguments)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")][0]


def make_tree(folder, counts):
    """Greenish fish and reddish lizards, {split: images of each class}."""
    for split, count in counts.items():
        for label, name in enumerate((FISH, LIZARD)):
            (folder / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = np.random.default_rng([label, i]).integers(0, 128, (6, 8, 3), np.uint8)
                pixels[..., 1 - label] += 127
                Image.fromarray(pixels).resize((240 + i, 260)).save(folder / split / name / f"{i}.png")
    return folder


def make_index(tree, folder):
    done = command("data_tools.imagenet", "--from", tree, "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imagenet")
    return make_index(make_tree(folder / "tree", {"train": 4, "val": 1}), folder / "index")


def network_file(path, classes=(FISH, LIZARD), mean=(0.485, 0.456, 0.406)):
    """A network of given classes whose weights are all alike."""
    network = build(NARROW, len(classes))
    values = {name: np.full(shape, 0.01, np.float32) for name, shape in parameter_shapes(network).items()}
    save_network(path, NetworkFile(network, values, classes, mean, (0.229, 0.224, 0.225)))
    return path


def test_from_images_and_a_network_to_a_noise_aware_network_and_its_accuracy(index, tmp_path):
    start = network_file(tmp_path / "start.safetensors", mean=(0.5, 0.5, 0.5))
    done = command("refpcm.train", *SHORT, "--data", index, "--start", start, "--epochs", 0.5,
                   "--out", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
    assert "normalised by mean (0.5, 0.5, 0.5)" in done.stderr
    result = json.loads(done.stdout)
    assert result["steps"] == 1 and result["total"] == 2 and result["architecture"] == NARROW
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["resized_crop"] and config["weight_noise"] == 0.038 and config["data"] == str(index)
    network = load_network(tmp_path / "run/network.safetensors")
    assert network.classes == (FISH, LIZARD) and network.mean == (0.485, 0.456, 0.406)
    moved = network.parameters["fc.bias"]
    assert np.any(moved != 0.01) and np.abs(moved - 0.01).max() < 0.01


def test_a_resumed_run_wants_the_index_it_began_with(index, tmp_path):
    """The checkpoint of a run that has just begun, resumed on a tree with one image more."""
    config = override(PRESETS["joshi2020-imagenet"], {"architecture": NARROW, "batch_size": 4}, "here")
    (tmp_path / "run").mkdir()
    save_checkpoint(tmp_path / "run/checkpoint.safetensors", loop.start(config, 2, identity_of(load(index))))
    (tmp_path / "run/config.json").write_text(json.dumps({"data": str(index)}))
    shutil.copytree(index.parent / "tree", tmp_path / "tree")
    same = make_index(tmp_path / "tree", tmp_path / "same")
    assert identity_of(load(same)) == identity_of(load(index))
    Image.new("RGB", (300, 300)).save(tmp_path / "tree/train" / FISH / "new.png")
    wider = make_index(tmp_path / "tree", tmp_path / "wider")
    assert "trained on other images" in refused("refpcm.train", "--resume", tmp_path / "run", "--data", wider)


def test_damaged_and_missing_images_are_named(tmp_path):
    tree = make_tree(tmp_path / "tree", {"train": 4, "val": 1})
    folder = make_index(tree, tmp_path / "index")
    arguments = ["refpcm.train", *SHORT, "--data", folder, "--batch-size", 8, "--out"]
    victim = tree / "train" / LIZARD / "2.png"
    whole = victim.read_bytes()
    victim.write_bytes(whole[:len(whole) // 2])
    assert f"{victim} cannot be read any more" in refused(*arguments, tmp_path / "damaged")
    victim.unlink()
    assert f"{victim} cannot be read any more" in refused(*arguments, tmp_path / "missing")


def test_mistakes_get_one_clear_sentence(index, tmp_path):
    preset = ["refpcm.train", "--preset", "joshi2020-imagenet"]
    other = network_file(tmp_path / "other.safetensors", (LIZARD, FISH))
    few = network_file(tmp_path / "few.safetensors", (FISH, LIZARD, "n01795545"))
    val_only = make_index(make_tree(tmp_path / "val_only", {"val": 1}), tmp_path / "val_only_index")
    train_only = make_index(make_tree(tmp_path / "train_only", {"train": 1}), tmp_path / "train_only_index")
    cases = [
        (preset, "resized_crop is for image files"),
        ([*preset, "--data", index], "batch size 400 is larger than the 8 training images"),
        ([*preset, "--data", index.parent / "tree"], "index them first: `python -m data_tools.imagenet"),
        ([*preset, "--data", val_only], "no training images"),
        ([*preset, "--data", train_only], "no val split"),
        (["refpcm.train", *SHORT, "--architecture", "tiny-resnet8", "--data", index], "wants images (3, 32, 32)"),
        (["refpcm.train", *SHORT, "--data", index, "--start", few], "with 3 classes; this run trains"),
        (["refpcm.train", *SHORT, "--data", index, "--start", other], "in another order"),
    ]
    for arguments, words in cases:
        assert words in refused(*arguments, "--out", tmp_path / "run"), arguments
        assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_killed_five_times_ends_in_the_same_bytes(index, tmp_path):
    arguments = [*SHORT, "--architecture", "imagenet-resnet18", "--data", index, "--epochs", 4, "--validation-images", 2,
                 "--batch-size", 3]  # slow enough to be killed within its eight steps
    done = command("refpcm.train", *arguments, "--out", tmp_path / "whole")
    assert done.returncode == 0, done.stderr
    arguments += ["--out", tmp_path / "killed"]
    step = 0
    for i in range(5):
        process = subprocess.Popen([sys.executable, "-m", "refpcm.train", *map(str, arguments), "--checkpoint-every",
                                    "0.001"], stderr=subprocess.DEVNULL)
        step = kill(process, tmp_path / "killed" / "checkpoint.safetensors", step, 0.1 * i)
        arguments = ["--resume", tmp_path / "killed"]
    done = command("refpcm.train", *arguments)
    assert done.returncode == 0, done.stderr
    killed, whole = ((tmp_path / run / "network.safetensors").read_bytes() for run in ("killed", "whole"))
    assert killed == whole


@pytest.mark.slow
def test_resnet18_learns_the_real_images_by_heart(tmp_path):
    """25 real images, one a class, noise-aware: from guessing (loss 3.2) to most of them right in 40 steps."""
    if not SAMPLE.is_dir():
        pytest.skip(f"needs the ImageNet sample in {SAMPLE}")
    for split in ("train", "val"):
        shutil.copytree(SAMPLE, tmp_path / "tree" / split)
    make_index(tmp_path / "tree", tmp_path / "index")
    done = command("refpcm.train", *SHORT, "--architecture", "imagenet-resnet18", "--data", tmp_path / "index",
                   "--out", tmp_path / "run", "--batch-size", 25, "--epochs", 40, "--learning-rate", 0.01,
                   "--no-resized-crop", "--schedule", "constant", "--json")
    assert done.returncode == 0, done.stderr
    losses = [json.loads(line)["train_loss"] for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert losses[0] > 3 and np.mean(losses[-5:]) < 0.5, losses
    assert json.loads(done.stdout)["correct"] >= 20
