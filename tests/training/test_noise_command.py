"""The kinds of noise and of weights in a run: they learn, can be resumed, and what is saved is what was evaluated."""

import json

import numba
import numpy as np
import pytest

from refpcm.files.checkpoints import load_checkpoint, save_checkpoint
from refpcm.files.network_file import load_network
from refpcm.forms import find_forms
from refpcm.spec.resnet import build
from refpcm.spec.training.config import override, preset
from refpcm.spec.training.quantisation import quantised_parameters
from refpcm.training import loop
from tests.commands import command
from tests.training.small_runs import kill, launch
from tests.training.steps import one_step

KINDS = {
    "multiplicative": {"noise_kind": "multiplicative", "weight_noise": 0.1},
    "state-dependent": {"noise_kind": "state-dependent", "weight_noise": 1.0},
    "inputs": {"noise_kind": "inputs", "weight_noise": 0.02},
    "pre-activations": {"noise_kind": "pre-activations", "weight_noise": 0.02},
    "additive-per-image": {"noise_kind": "additive-per-image", "weight_noise": 0.038},
    "4-bit": {"weight_precision": "4-bit", "weight_noise": 0.0},
    "ternary": {"weight_precision": "ternary", "weight_noise": 0.0},
    "ternary, with noise": {"weight_precision": "ternary", "noise_kind": "state-dependent", "weight_noise": 1.0},
}
NETWORK = build("tiny-resnet8")
SETTINGS = pytest.mark.parametrize("kind", KINDS)


def fresh(kind):
    return loop.start(override(preset("demo"), {"batch_size": 20, **KINDS[kind]}, "test"), 10, "data")


def batch(number):
    """20 images of 16 x 16, two of each class, told apart by the colour of one quarter."""
    draw, labels = np.random.default_rng(number), np.arange(20) % 10
    images = draw.standard_normal((20, 3, 16, 16)).astype(np.float32)
    for image, label in zip(images, labels):
        image[label % 3, 8 * (label % 2):, :8] += label - 4.5
    return images, labels


def train(state, until, engine=None):
    """Steps on batches of their own; -> the losses."""
    engine, losses = engine or find_forms(state.config.kernels).make_engine(NETWORK), []
    while state.step < until:
        losses.append(one_step(state, engine, set(), *batch(state.step), 0.05)[0])
        state.step += 1
    return losses


@SETTINGS
def test_the_loss_falls(kind):
    losses = train(fresh(kind), 40)
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


@SETTINGS
def test_interrupted_and_resumed_with_another_number_of_threads_it_ends_in_the_same_bits(kind, tmp_path):
    whole, state, before = fresh(kind), fresh(kind), numba.get_num_threads()
    train(whole, 6)
    numba.set_num_threads(1)
    try:
        for until in (1, 4, 6):
            train(state, until)
            save_checkpoint(tmp_path / "checkpoint.safetensors", state)
            state = load_checkpoint(tmp_path / "checkpoint.safetensors")
    finally:
        numba.set_num_threads(before)
    for name, value in whole.parameters.items():
        assert np.array_equal(state.parameters[name], value), name


@pytest.fixture(scope="module")
def ternary(data, tmp_path_factory):
    """Arguments and folder of a whole run of ternary weights with noisy inputs."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    arguments = ["--data", data, "--epochs", 1.5, "--batch-size", 16, "--validation-images", 0, "--weight-precision",
                 "ternary", "--noise-kind", "inputs", "--weight-noise", 0.02, "--learning-rate", 0.05]
    done = command("refpcm.train", *arguments, "--out", folder, "--json")
    assert done.returncode == 0, done.stderr
    return arguments, folder


def test_the_network_file_holds_the_quantised_weights_and_the_checkpoint_those_of_full_precision(ternary, data):
    folder = ternary[1]
    network, state = load_network(folder / "network.safetensors"), load_checkpoint(folder / "checkpoint.safetensors")
    wanted = quantised_parameters(NETWORK, state.parameters, "ternary")
    for name, value in network.parameters.items():
        assert np.array_equal(value, wanted[name]), name
    assert len(np.unique(network.parameters["layer1.0.conv1.weight"])) == 3
    assert len(np.unique(state.parameters["layer1.0.conv1.weight"])) > 2000
    assert network.notes["config"]["weight_precision"] == "ternary"
    assert network.notes["config"]["noise_kind"] == "inputs"
    evaluated = command("refpcm.evaluate", "--network", folder / "network.safetensors", "--data", data,
                        "--digital", "--json")
    assert evaluated.returncode == 0, evaluated.stderr
    assert json.loads(evaluated.stdout)["correct"] == json.loads((folder / "result.json").read_text())["correct"]


def test_a_killed_and_resumed_run_ends_in_the_same_bytes(ternary, tmp_path):
    arguments, whole = ternary
    folder, checkpoint = tmp_path / "killed", tmp_path / "killed" / "checkpoint.safetensors"
    process = launch(*arguments, "--out", folder, "--checkpoint-every", "0.0001")
    kill(process, checkpoint, 5)
    process.stderr.close()
    done = command("refpcm.train", "--resume", folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "network.safetensors").read_bytes() == (whole / "network.safetensors").read_bytes()


@pytest.mark.parametrize("arguments, words", [
    (["--noise-kind", "pink"], "noise_kind = 'pink' must be one of additive"),
    (["--weight-precision", "8-bit"], "weight_precision = '8-bit' must be one of float, 4-bit, ternary"),
])
def test_a_bad_choice_gets_one_clear_sentence(arguments, words):
    done = command("refpcm.train", *arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
