"""refpcm.files.network_file: a network comes back as it was; whatever is not a sound network is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from test_names import random_parameters

from refpcm.errors import RefpcmError
from refpcm.files.network_file import NetworkFile, load_network, save_network
from refpcm.files.npz import read_npz, write_npz
from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.spec.resnet import ARCHITECTURES, build

SUFFIXES = (".safetensors", ".npz")


def sample(architecture="tiny-resnet8", classes=10, dtype="f4"):
    network = build(architecture, classes)
    return NetworkFile(network, random_parameters(network, dtype=dtype), tuple(f"ü {i}" for i in range(classes)),
                       (0.1, 0.2, 1 / 3), (0.4, 0.5, 0.6), {"epochs": 3, "how": {"schedule": ["cosine", None]}})


def equal(a, b):
    return (replace(a, parameters={}) == replace(b, parameters={}) and list(a.parameters) == list(b.parameters)
            and all(a.parameters[name].dtype == b.parameters[name].dtype
                    and np.array_equal(a.parameters[name], b.parameters[name]) for name in a.parameters))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("architecture, classes", [*((name, None) for name in ARCHITECTURES if "110" not in name
                                                     and "34" not in name),
                                                   ("cifar-resnet20", 100), ("tiny-resnet8", 1)])
def test_networks_come_back_bit_for_bit(tmp_path, suffix, architecture, classes):
    network_file = sample(architecture, classes or build(architecture).classes)
    save_network(tmp_path / f"n{suffix}", network_file)
    assert equal(load_network(tmp_path / f"n{suffix}"), network_file)


def test_float64_stays_float64(tmp_path):
    save_network(tmp_path / "n", sample(dtype="f8"))
    assert equal(load_network(tmp_path / "n"), sample(dtype="f8"))


def test_the_form_is_told_by_content_not_by_name(tmp_path):
    save_network(tmp_path / "n.npz", sample())
    (tmp_path / "n.npz").rename(tmp_path / "n.safetensors")
    assert equal(load_network(tmp_path / "n.safetensors"), sample())


def test_numpy_scalars_and_lists_are_welcome_as_descriptions(tmp_path):
    network_file = replace(sample(), mean=np.float32([0.5, 0.25, 0.125]).tolist(), std=tuple(np.float32([1, 1, 0.5])))
    save_network(tmp_path / "n", network_file)
    assert load_network(tmp_path / "n").std == (1.0, 1.0, 0.5)


def changed(**changes):
    return replace(sample(), **changes)


def with_parameter(name, array):
    return changed(parameters={**sample().parameters, name: array})


def not_the_architecture():
    network = build("tiny-resnet8")
    return replace(network, layers=network.layers[:-1] + (replace(network.layers[-1], in_features=3),))


def with_first(name, value):
    array = sample().parameters[name].copy()
    array.flat[0] = value
    return with_parameter(name, array)


UNSOUND = {
    "missing": (changed(parameters={}), r"missing \(47\)"),
    "unknown": (with_parameter("fc.scale", np.zeros(1, "f4")), "unknown .1.: fc.scale"),
    "misshapen": (with_parameter("fc.bias", np.zeros(11, "f4")), r"fc.bias \(11,\) instead of \(10,\)"),
    "nan": (with_first("conv1.weight", np.nan), "not finite .1.: conv1.weight"),
    "infinite": (with_first("fc.bias", -np.inf), "not finite .1.: fc.bias"),
    "negative variance": (with_first("bn1.running_var", -1e-30), "negative variance .1.: bn1.running_var"),
    "integers": (with_parameter("fc.bias", np.zeros(10, "i4")), "not floating-point .1.: fc.bias .int32."),
    "mixed": (with_parameter("fc.bias", np.zeros(10, "f8")), "all float32 or all float64"),
    "half": (changed(parameters={name: a.astype("f2") for name, a in sample().parameters.items()}), "all float32 or"),
    "class names too few": (changed(classes=("a",) * 9), "10 non-empty class names"),
    "class names empty": (changed(classes=("",) * 10), "10 non-empty class names"),
    "class names numbers": (changed(classes=tuple(range(10))), "10 non-empty class names"),
    "mean too short": (changed(mean=(0.5, 0.5)), "mean must be 3 finite numbers"),
    "mean of 0 ... 255": (changed(mean=(123.7, 116.3, 103.5)), "divide them by 255"),
    "mean nan": (changed(mean=(0.5, 0.5, float("nan"))), "mean must be 3 finite numbers"),
    "mean of text": (changed(mean=("0.5",) * 3), "mean must be 3 finite numbers"),
    "mean a number": (changed(mean=0.5), "mean must be 3 finite numbers"),
    "std of 0": (changed(std=(0.2, 0.0, 0.2)), "stds above 0"),
    "std negative": (changed(std=(0.2, -0.2, 0.2)), "stds above 0"),
    "std true": (changed(std=(True,) * 3), "std must be 3 finite numbers"),
    "notes a list": (changed(notes=[1]), "notes are not a mapping"),
    "notes by number": (changed(notes={1: 2}), "notes are not a mapping"),
    "notes nan": (changed(notes={"loss": float("nan")}), "do not fit into JSON"),
    "notes deep": (changed(notes={"a": json.loads("[" * 200 + "]" * 200)}), "notes are nested too deeply"),
    "notes array": (changed(notes={"a": np.zeros(1)}), "do not fit into JSON"),
    "other layers": (changed(network=not_the_architecture()), "not those of the architecture tiny-resnet8"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("case", UNSOUND)
def test_unsound_networks_are_not_written(tmp_path, suffix, case):
    network_file, words = UNSOUND[case]
    with pytest.raises(RefpcmError, match=f"n{suffix}.*(\n.*)*{words}"):
        save_network(tmp_path / f"n{suffix}", network_file)
    assert not list(tmp_path.iterdir())


def metadata_with(**changes):
    def change(tensors, metadata):
        return tensors, {key: value for key, value in {**metadata, **changes}.items() if value is not None}
    return change


def tensors_with(name, array):
    def change(tensors, metadata):
        return {key: value for key, value in {**tensors, name: array}.items() if value is not None}, metadata
    return change


FILES = {
    "no metadata": (lambda tensors, metadata: (tensors, {}), "not a refpcm network file .it has no format entry"),
    "foreign format": (metadata_with(format="pt"), "not a refpcm network file .its format is 'pt'"),
    "checkpoint": (metadata_with(format="refpcm-checkpoint"), "its format is 'refpcm-checkpoint'"),
    "version 0": (metadata_with(version="0"), "version '0' of the network file; this refpcm reads version '1'"),
    "version 2": (metadata_with(version="2"), "version '2'"),
    "no version": (metadata_with(version=None), "version None"),
    "no architecture": (metadata_with(architecture=None), "unknown architecture None; known are: tiny"),
    "unknown architecture": (metadata_with(architecture="vgg16"), "unknown architecture 'vgg16'"),
    "other architecture": (metadata_with(architecture="cifar-resnet20"), "does not fit cifar-resnet20"),
    "no classes": (metadata_with(classes=None), "metadata lack 'classes'"),
    "no mean": (metadata_with(mean=None), "metadata lack 'mean'"),
    "no std": (metadata_with(std=None), "metadata lack 'std'"),
    "no notes": (metadata_with(notes=None), "metadata lack 'notes'"),
    "classes no JSON": (metadata_with(classes="cat, dog"), "entry 'classes': it is not JSON"),
    "classes deep": (metadata_with(classes="[" * 100000), "entry 'classes': its JSON is nested too deeply"),
    "classes empty": (metadata_with(classes="[]"), "not a list with at least one"),
    "classes a number": (metadata_with(classes="10"), "not a list"),
    "classes more": (metadata_with(classes=json.dumps(["a"] * 11)), "does not fit tiny-resnet8 with 11 classes"),
    "classes of numbers": (metadata_with(classes=json.dumps([0] * 10)), "non-empty class names"),
    "mean null": (metadata_with(mean="null"), "mean must be 3 finite numbers"),
    "mean NaN": (metadata_with(mean="[NaN, 0, 0]"), "mean must be 3 finite numbers"),
    "std zero": (metadata_with(std="[0, 1, 1]"), "stds above 0"),
    "std huge": (metadata_with(std=f"[{'9' * 400}, 1, 1]"), "std must be 3 finite numbers"),
    "notes a list": (metadata_with(notes="[]"), "notes are not a mapping"),
    "notes deep": (metadata_with(notes='{"a":' + "[" * 200 + "]" * 200 + "}"), "its JSON is nested too deeply"),
    "missing": (tensors_with("fc.bias", None), "missing .1.: fc.bias"),
    "unknown": (tensors_with("fc.scale", np.ones(1)), "unknown .1.: fc.scale"),
    "misshapen": (tensors_with("fc.weight", np.zeros((56, 10), "f4")), r"fc.weight \(56, 10\) instead of \(10, 56\)"),
    "nan": (tensors_with("fc.bias", np.full(10, np.nan, "f4")), "not finite .1.: fc.bias"),
    "negative variance": (tensors_with("bn1.running_var", np.full(16, -1, "f4")), "negative variance .1.: bn1"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("case", FILES)
def test_unsound_files_are_refused_by_name_and_reason(tmp_path, suffix, case):
    change, words = FILES[case]
    path = tmp_path / f"n{suffix}"
    save_network(path, sample())
    (write_npz if suffix == ".npz" else write_tensors)(
        path, *change(*(read_npz if suffix == ".npz" else read_tensors)(path)))
    with pytest.raises(RefpcmError, match=f"n{suffix}.*(\n.*)*({words})"):
        load_network(path)


def test_damaged_network_files_are_refused(tmp_path):
    """300 flipped bits and 100 truncations."""
    path, draw = tmp_path / "n.safetensors", np.random.default_rng(8)
    save_network(path, sample())
    raw = path.read_bytes()
    damaged = [raw[:length] for length in draw.integers(1, len(raw), 100)]
    for byte, bit in zip(draw.integers(0, len(raw), 300), draw.integers(0, 8, 300)):
        damaged.append(raw[:byte] + bytes([raw[byte] ^ 1 << bit]) + raw[byte + 1:])
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(RefpcmError, match="n.safetensors"):
            load_network(path)


@pytest.mark.peers
def test_other_programs_read_network_files(tmp_path):
    from safetensors.numpy import load_file
    save_network(tmp_path / "n.safetensors", sample())
    save_network(tmp_path / "n.npz", sample())
    with np.load(tmp_path / "n.npz") as arrays:
        for found in (load_file(tmp_path / "n.safetensors"), arrays):
            assert all(np.array_equal(found[name], array) for name, array in sample().parameters.items())
