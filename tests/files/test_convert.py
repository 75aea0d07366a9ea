"""python -m refpcm.convert, run as a user runs it, in the processes of tests/commands.py."""

import argparse
import collections
import dataclasses
import datetime
import decimal
import hashlib
import os
import pickle
import subprocess
import sys
import tarfile
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from test_names import counters, random_parameters, renamed
from torch_writer import Tensor, named, sequential, zipped

from data_tools.cifar10_batches import CLASSES
from refpcm.files.holders import find_state_dict
from refpcm.files.names import to_parameters
from refpcm.files.network_file import NetworkFile, load_network, save_network
from refpcm.files.npz import write_npz
from refpcm.files.sources import read_source
from refpcm.files.tensors import write_tensors
from refpcm.spec.resnet import ARCHITECTURES, build
from tests.commands import command

NETWORK = build("tiny-resnet8")
PARAMETERS = random_parameters(NETWORK)
RESNET20 = Path(__file__).parents[3] / "shared" / "data" / "pretrained" / "resnet20-12fca82f.th"
THREE = ["0.1", "0.2", "0.3"]


def convert(*arguments, folder=None):
    return command("refpcm.convert", *arguments, cwd=folder)


def checkpoint(form=zipped, parameters=PARAMETERS, wrap=lambda state_dict: state_dict):
    """A PyTorch checkpoint with these arrays; the tensors hold every second number of their storages."""
    storages, state_dict = {}, {}
    for key, (name, array) in enumerate(parameters.items()):
        strides = [2 * int(np.prod(array.shape[axis + 1:])) for axis in range(array.ndim)]
        doubled = np.repeat(array.astype("<f4").reshape(-1), 2)
        state_dict[name] = Tensor(str(key), doubled.size, array.shape, tuple(strides), 1)
        storages[str(key)] = doubled.size, doubled.tobytes()
    return form(wrap(state_dict), storages)


def foreign_npz(path, parameters):
    np.savez(path, **parameters)


def foreign_safetensors(path, parameters):
    import json
    head, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in parameters.items():
        head[name] = {"dtype": "F32" if array.dtype == np.float32 else "I64", "shape": list(array.shape),
                      "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    head = json.dumps(head).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + data)


SOURCES = {
    "zip form": lambda path: path.write_bytes(checkpoint()),
    "sequential form": lambda path: path.write_bytes(checkpoint(sequential)),
    "DataParallel, under state_dict": lambda path: path.write_bytes(checkpoint(
        sequential, renamed(PARAMETERS, prefix="module."), lambda inner: {"state_dict": inner, "best_prec1": 91.5})),
    "CIFAR names, under net": lambda path: path.write_bytes(checkpoint(
        zipped, renamed(PARAMETERS, ("fc.", "linear."), (".downsample.", ".shortcut.")), lambda inner: {"net": inner})),
    "npz with counters": lambda path: foreign_npz(path, {**PARAMETERS, **counters(NETWORK)}),
    "safetensors with counters": lambda path: foreign_safetensors(path, {**PARAMETERS, **counters(NETWORK)}),
    "tensors without description": lambda path: write_tensors(path, PARAMETERS),
}


@pytest.mark.parametrize("source", SOURCES)
def test_sources_of_all_forms_become_the_same_network(tmp_path, source):
    SOURCES[source](tmp_path / "source.npz")
    run = convert("source.npz", "n.safetensors", "--architecture", "tiny-resnet8", folder=tmp_path)
    assert run.returncode == 0 and run.stderr == ""
    assert "tiny-resnet8, 61,050 weights, 47 tensors" in run.stdout
    assert "note: mean and std were not given: CIFAR-10's were assumed" in run.stdout
    found = load_network(tmp_path / "n.safetensors")
    assert all(np.array_equal(found.parameters[name], array) for name, array in PARAMETERS.items())
    assert (found.mean, found.std) == ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
    assert found.classes == CLASSES and found.notes["imported from"] == "source.npz"
    assert found.notes["sha256 of source"] == hashlib.sha256((tmp_path / "source.npz").read_bytes()).hexdigest()


@dataclasses.dataclass
class Settings:
    """A class of the program that wrote the checkpoint."""
    rate: float = 0.1


BESIDE = {"NumPy number": np.float64(91.5), "NumPy array": np.arange(3), "array of objects": np.array([None, "a"]),
          "Namespace": argparse.Namespace(lr=0.1, name="x"), "set": {1, 2}, "frozenset": frozenset("ab"), "complex": 1 + 2j,
          "defaultdict": collections.defaultdict(list, a=[1]), "deque": collections.deque([1, 2], 5),
          "date": datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc), "duration": datetime.timedelta(1),
          "path": Path("/a/b"), "bytearray": bytearray(b"ab"), "slice": slice(1, 2), "range": range(3),
          "class of its own": Settings(), "class itself": Settings, "decimal": decimal.Decimal("1.5"),
          "SimpleNamespace": types.SimpleNamespace(a=1)}


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("what", BESIDE)
def test_what_lies_beside_the_weights_is_skipped(tmp_path, what, protocol):
    instructions = pickle.dumps({"x": BESIDE[what]}, protocol)[2:-1]
    for form in (zipped, sequential):
        (tmp_path / "c.pt").write_bytes(checkpoint(form, wrap=lambda inner: {"beside": instructions, "state_dict": inner}))
        state_dict, _ = find_state_dict("c.pt", read_source(tmp_path / "c.pt")[1])
        found = to_parameters("c.pt", NETWORK, state_dict)
        assert all(np.array_equal(found[name], array) for name, array in PARAMETERS.items())


def test_copies_prefixes_and_skipped_objects_are_said(tmp_path):
    """As a Lightning checkpoint with averaged weights."""
    skipped = pickle.dumps(argparse.Namespace(lr=0.1), 2)[2:-1]
    copy = {name: 2 * array for name, array in PARAMETERS.items()}
    both = {**renamed(PARAMETERS, prefix="model."), **renamed(copy, prefix="ema.model.")}
    (tmp_path / "c.pt").write_bytes(checkpoint(zipped, both, lambda inner: {"args": skipped, "state_dict": inner}))
    arguments = ["c.pt", "n.npz", "--architecture", "tiny-resnet8"]
    run = convert(*arguments, folder=tmp_path)
    assert run.returncode == 0, run.stderr
    for words in ("begin with model., which was left out", "others under state_dict.ema.model: --weights NAME takes those",
                  "skipped without reading: args (an object of argparse.Namespace)"):
        assert f"note: {words}" in run.stdout or words in run.stdout
    run = convert(*arguments, "--weights", "state_dict.ema.model", folder=tmp_path)
    assert run.returncode == 0 and np.array_equal(load_network(tmp_path / "n.npz").parameters["fc.bias"], copy["fc.bias"])


def test_class_names_cannot_command_a_terminal(tmp_path):
    (tmp_path / "c.pt").write_bytes(checkpoint())
    names = ["\x1b]0;owned\x07", "a\u202eb", *"cdefghij"]
    run = convert("c.pt", "n.npz", "--architecture", "tiny-resnet8", "--classes", *names, folder=tmp_path)
    assert run.returncode == 0 and "\x1b" not in run.stdout and "\\x1b]0;owned\\x07, a\\u202eb, c" in run.stdout
    assert load_network(tmp_path / "n.npz").classes[:2] == tuple(names[:2])


def test_networks_go_to_npz_and_back_unchanged(tmp_path):
    network_file = NetworkFile(NETWORK, PARAMETERS, tuple("abcdefghij"), (0.1,) * 3, (0.2,) * 3, {"epochs": 3})
    save_network(tmp_path / "a.safetensors", network_file)
    for source, target in (("a.safetensors", "b.npz"), ("b.npz", "c.safetensors"), ("c.safetensors", "d.npz")):
        run = convert(source, target, folder=tmp_path)
        assert run.returncode == 0 and "note" not in run.stdout and "refpcm network file" in run.stdout
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "c.safetensors").read_bytes()
    assert (tmp_path / "b.npz").read_bytes() == (tmp_path / "d.npz").read_bytes()


def test_normalisation_and_classes_can_be_given_and_later_changed(tmp_path):
    (tmp_path / "c.pt").write_bytes(checkpoint())
    (tmp_path / "names.txt").write_text("\ufeff" + "\n".join(f"n{i:08} class, number {i}" for i in range(10)) + "\n\n")
    run = convert("c.pt", "n.npz", "--architecture", "tiny-resnet8", "--mean", *THREE, "--std", *THREE, "--classes",
                  "names.txt", folder=tmp_path)
    assert run.returncode == 0 and "note" not in run.stdout
    found = load_network(tmp_path / "n.npz")
    assert found.mean == found.std == (0.1, 0.2, 0.3) and found.classes[3] == "n00000003 class, number 3"
    run = convert("n.npz", "m.npz", "--architecture", "tiny-resnet8", "--classes", *"abcdefghij", folder=tmp_path)
    assert run.returncode == 0 and load_network(tmp_path / "m.npz").classes == tuple("abcdefghij")
    assert load_network(tmp_path / "m.npz").mean == (0.1, 0.2, 0.3)


def test_the_number_of_classes_follows_the_checkpoint(tmp_path):
    (tmp_path / "c.pt").write_bytes(checkpoint(zipped, random_parameters(build("tiny-resnet8", 100))))
    assert convert("c.pt", "n.npz", "--architecture", "tiny-resnet8", folder=tmp_path).returncode == 0
    assert load_network(tmp_path / "n.npz").classes[98:] == ("class 98", "class 99")


def test_imagenet_networks_get_imagenets_normalisation(tmp_path):
    network = build("imagenet-resnet18", 2)
    write_npz(tmp_path / "s.npz", random_parameters(network))
    run = convert("s.npz", "n.npz", "--architecture", "imagenet-resnet18", folder=tmp_path)
    assert "ImageNet's were assumed" in run.stdout
    found = load_network(tmp_path / "n.npz")
    assert (found.mean, found.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert found.classes == ("class 0", "class 1")


def test_help_lists_the_architectures_without_numpy():
    """In a Python of its own: a forked one has imported NumPy already."""
    run = subprocess.run([sys.executable, "-X", "importtime", "-m", "refpcm.convert", "--help"], capture_output=True, text=True)
    assert run.returncode == 0 and all(name in run.stdout for name in ARCHITECTURES)
    assert "refpcm.spec.resnet" in run.stderr and "numpy" not in run.stderr


ARCHITECTURE = ["--architecture", "tiny-resnet8"]
BAD = {  # arguments, words on stderr
    "no arguments": ([], "the following arguments are required"),
    "no target": (["good.pt"], "the following arguments are required"),
    "class file a folder": (["good.pt", "n.npz", *ARCHITECTURE, "--classes", "folder.npz"], "it is a folder"),
    "unknown option": (["good.pt", "n.npz", "--arch", "tiny-resnet8"], "unrecognized arguments"),
    "missing source": (["absent.pt", "n.npz", *ARCHITECTURE], "absent.pt: there is no such file"),
    "source a folder": ([".", "n.npz", *ARCHITECTURE], "it is a folder"),
    "source empty": (["empty", "n.npz", *ARCHITECTURE], "empty: the file is empty"),
    "source a device": (["/dev/zero", "n.npz", *ARCHITECTURE], "not a regular file"),
    "source a text": (["text", "n.npz", *ARCHITECTURE], "neither a PyTorch checkpoint nor"),
    "source truncated": (["cut.pt", "n.npz", *ARCHITECTURE], "cut.pt: damaged or truncated zip file"),
    "source malicious": (["evil.pt", "n.npz", *ARCHITECTURE], "it asks for 'os.system', but only tensors"),
    "source without tensors": (["none.pt", "n.npz", *ARCHITECTURE], "none.pt: no tensors found"),
    "source a number": (["number.pt", "n.npz", *ARCHITECTURE], "number.pt: it holds a int"),
    "source our checkpoint": (["checkpoint", "n.npz"], "is a refpcm-checkpoint file; convert takes network files"),
    "source damaged": (["damaged", "n.npz"], "damaged: damaged, or changed by another program"),
    "other target": (["good.pt", "n.pt", *ARCHITECTURE], "must end in .safetensors or .npz"),
    "target the source": (["network.npz", "./network.npz"], "SOURCE and TARGET are the same file"),
    "target folder missing": (["good.pt", "absent/n.npz", *ARCHITECTURE], "there is no folder"),
    "target a folder": (["good.pt", "folder.npz", *ARCHITECTURE], "folder.npz: it is a folder"),
    "no network": (["foreign.pt", "n.npz"], "holds no network that refpcm knows: it has no convolution conv1.weight"),
    "data missing": (["good.pt", "n.npz", "--check", "absent"], "absent: no such folder"),
    "architecture left empty": (["good.pt", "n.npz", "--architecture", ""], "--architecture: a name is wanted, not an empty"),
    "unknown architecture": (["good.pt", "n.npz", "--architecture", "vgg16"], "unknown architecture 'vgg16'; known"),
    "wrong architecture": (["good.pt", "n.npz", "--architecture", "cifar-resnet20"], "its tensors fit tiny-resnet8"),
    "weights of a network file": (["network.npz", "n.npz", "--weights", "ema"], "leave --weights out"),
    "architecture of another": (["network.npz", "n.npz", "--architecture", "cifar-resnet20"], "is a network file"),
    "mean alone": (["good.pt", "n.npz", *ARCHITECTURE, "--mean", *THREE], "--mean and --std belong together"),
    "two means": (["good.pt", "n.npz", *ARCHITECTURE, "--mean", "0", "0", "--std", *THREE], "expected 3 arguments"),
    "mean no number": (["good.pt", "n.npz", *ARCHITECTURE, "--mean", "a", "b", "c"], "invalid float value"),
    "mean of 0 ... 255": (["good.pt", "n.npz", *ARCHITECTURE, "--mean", "123", "116", "103", "--std", "58", "57", "57"],
                          "divide them by 255?"),
    "std of 0": (["good.pt", "n.npz", *ARCHITECTURE, "--mean", *THREE, "--std", "0", "0", "0"], "stds above 0"),
    "mean nan": (["good.pt", "n.npz", *ARCHITECTURE, "--mean", "nan", "0", "0", "--std", *THREE], "finite numbers"),
    "two classes": (["good.pt", "n.npz", *ARCHITECTURE, "--classes", "cat", "dog"], "10 class names are wanted"),
    "class file missing": (["good.pt", "n.npz", *ARCHITECTURE, "--classes", "absent.txt"], "absent.txt: there is no"),
    "class file short": (["good.pt", "n.npz", *ARCHITECTURE, "--classes", "text"], "text: 10 class names are wanted"),
    "class file binary": (["good.pt", "n.npz", *ARCHITECTURE, "--classes", "good.pt"], "good.pt: it is not UTF-8 text"),
    "class file a pipe": (["good.pt", "n.npz", *ARCHITECTURE, "--classes", "pipe"], "not a regular file"),
    "class file endless": (["good.pt", "n.npz", *ARCHITECTURE, "--classes", "/dev/zero"], "not a regular file"),
    "class file of terabytes": (["good.pt", "n.npz", *ARCHITECTURE, "--classes", "sparse"], "at most 16777216 are expected"),
    "other weights": (["good.pt", "n.npz", *ARCHITECTURE, "--weights", "ema"], "no weights under ema; there are some under"),
    "tar of a checkpoint": (["good.tar", "n.npz", *ARCHITECTURE], "it is a tar archive; unpack it with tar -xf"),
    "zip of a checkpoint": (["packed.zip", "n.npz", *ARCHITECTURE], "it holds good.pt); if that is a checkpoint, unpack"),
    "names that command": (["escape.pt", "n.npz", *ARCHITECTURE], "unknown (1): \\x1b[2J.weight"),
    "global that commands": (["escape2.pt", "n.npz", *ARCHITECTURE], "it asks for 'os.\\x1b[2J'"),
    "format that commands": (["escape3", "n.npz", *ARCHITECTURE], "escape3 is a refpcm-\\x1b[2J file"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("bad")
    good = checkpoint()
    files = {"good.pt": good, "cut.pt": good[:-1000], "empty": b"", "text": b"one\ntwo\n",
             "evil.pt": zipped(named("os system") + b"(X\x0a\0\0\0touch evil" + b"tR"),
             "foreign.pt": checkpoint(zipped, {"stage_1.0.conv_a.weight": np.zeros((4, 4, 3, 3))}),
             "none.pt": zipped({"epoch": 3}), "number.pt": sequential(5)}
    for name, content in files.items():
        (path / name).write_bytes(content)
    (path / "folder.npz").mkdir()
    os.mkfifo(path / "pipe")
    with open(path / "sparse", "wb") as sparse:
        sparse.truncate(1 << 40)
    (path / "escape.pt").write_bytes(checkpoint(zipped, {**PARAMETERS, "\x1b[2J.weight": np.zeros(2)}))
    (path / "escape2.pt").write_bytes(zipped(named("os \x1b[2J")))
    write_tensors(path / "escape3", PARAMETERS, {"format": "refpcm-\x1b[2J"})
    with tarfile.open(path / "good.tar", "w") as archive:
        archive.add(path / "good.pt", "good.pt")
    with zipfile.ZipFile(path / "packed.zip", "w") as archive:
        archive.write(path / "good.pt", "good.pt")
    write_tensors(path / "checkpoint", PARAMETERS, {"format": "refpcm-checkpoint"})
    network_file = NetworkFile(NETWORK, PARAMETERS, CLASSES, (0.5,) * 3, (0.5,) * 3)
    save_network(path / "network.npz", network_file)
    save_network(path / "damaged", network_file)
    raw = (path / "damaged").read_bytes()
    (path / "damaged").write_bytes(raw[:-5] + bytes([raw[-5] ^ 64]) + raw[-4:])
    return path


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_and_exit_status_2(folder, case):
    arguments, words = BAD[case]
    before = sorted(os.listdir(folder))
    run = convert(*arguments, folder=folder)
    assert run.returncode == 2 and run.stdout == ""
    assert words in run.stderr and "Traceback" not in run.stderr and "\x1b" not in run.stderr
    assert sorted(os.listdir(folder)) == before


def test_the_bad_inputs_are_counted():
    assert len(BAD) == 45


@pytest.mark.skipif(not RESNET20.exists(), reason="needs ../shared/data/pretrained")
def test_the_published_resnet20_is_imported(tmp_path):
    run = convert(RESNET20, tmp_path / "n.safetensors", "--architecture", "cifar-resnet20", "--mean", "0.485", "0.456",
                  "0.406", "--std", "0.229", "0.224", "0.225")
    assert run.returncode == 0 and "cifar-resnet20, 268,346 weights, 97 tensors" in run.stdout
    found = load_network(tmp_path / "n.safetensors")
    state_dict = read_source(RESNET20)[1]["state_dict"]
    assert len(state_dict) == 97 and list(state_dict)[-1] == "module.linear.bias"
    assert np.array_equal(found.parameters["fc.bias"], state_dict["module.linear.bias"])
    assert found.mean == (0.485, 0.456, 0.406) and found.std == (0.229, 0.224, 0.225)


@pytest.mark.peers
@pytest.mark.skipif(not RESNET20.exists(), reason="needs ../shared/data/pretrained")
def test_the_published_resnet20_has_the_values_torch_reads():
    import torch
    expected = torch.load(RESNET20, map_location="cpu", weights_only=True)
    _, found, _ = read_source(RESNET20)
    assert list(found) == list(expected) and found["best_prec1"] == expected["best_prec1"]
    assert list(found["state_dict"]) == list(expected["state_dict"])
    for name, tensor in expected["state_dict"].items():
        assert np.array_equal(found["state_dict"][name], tensor.numpy()), name
    parameters = to_parameters(RESNET20, build("cifar-resnet20"), found["state_dict"])
    assert np.array_equal(parameters["fc.weight"], expected["state_dict"]["module.linear.weight"].numpy())
