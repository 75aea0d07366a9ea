"""What is fuzzed: for every reader an intact file, a way to put a mutant of it in place, and a call that reads it.

TARGETS: {name: function of an empty folder that returns (content, put(content), read())}. Where a checksum would end every
mutant at the door, `put` makes it agree again.
"""

import gzip
import io
import json
import lzma
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from test_names import random_parameters  # noqa: E402
from torch_writer import STORAGES, matrix, pickled, sequential, zipped  # noqa: E402

from data_tools import npy, prepared, synthetic  # noqa: E402
from data_tools.cifar10_batches import PYTHON, decode_binary, decode_python  # noqa: E402
from data_tools.cifar10_checks import parse_checksums  # noqa: E402
from data_tools.cifar10_source import read_source as read_cifar10  # noqa: E402
from data_tools.errors import DataError  # noqa: E402
from data_tools.imagenet_building import build  # noqa: E402
from data_tools.imagenet_ground_truth import read_ground_truth  # noqa: E402
from data_tools.imagenet_images import BrokenImage, inspect_image, open_rgb  # noqa: E402
from data_tools.imagenet_index import check_cache, read_index  # noqa: E402
from data_tools.imagenet_tree import read_class_list  # noqa: E402
from data_tools.reading import sha256_of  # noqa: E402
from refpcm.convert import read_classes  # noqa: E402
from refpcm.errors import RefpcmError  # noqa: E402
from refpcm.files.holders import find_state_dict, is_tensor  # noqa: E402
from refpcm.files.network_file import NetworkFile, load_network, save_network  # noqa: E402
from refpcm.files.npz import read_npz, write_npz  # noqa: E402
from refpcm.files.reading import read_json, read_toml  # noqa: E402
from refpcm.files.sources import read_source  # noqa: E402
from refpcm.files.tensors import read_tensors, write_tensors  # noqa: E402
from refpcm.inspection.contents import describe  # noqa: E402
from refpcm.inspection.report import as_text  # noqa: E402
from refpcm.inspection.tables import contents_blocks  # noqa: E402
from refpcm.spec.resnet import build as build_network  # noqa: E402

ARRAYS = {"a": np.arange(12, dtype=np.float32).reshape(3, 4), "b/é": np.ones((2, 2), np.int64), "c": np.array(True)}
NETWORK = build_network("tiny-resnet8", 2)
FISH, LIZARD = "n01440764", "n01682714"
TARGETS = {}


def expected_errors():
    return RefpcmError, DataError, BrokenImage


def target(function):
    TARGETS[function.__name__.replace("_", " ")] = function
    return function


def plain(name, content, read):
    """A target of one file: the function that TARGETS holds."""
    def make(folder):
        path = folder / "file"
        return content, path.write_bytes, lambda: read(path)
    TARGETS[name] = make


def saved(save, *arguments):
    """The bytes that save(path, *arguments) writes."""
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "file", *arguments)
        return (Path(folder) / "file").read_bytes()


def show(path):
    """What `inspect` shows of a file or folder, as text and as JSON."""
    found = describe(path)
    as_text(contents_blocks(found))
    json.dumps(found)


def npy_bytes(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def zip_of(members, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def foreign(tensors=ARRAYS, metadata=None):
    """A safetensors file without a digest."""
    head, data = {"__metadata__": metadata or {}}, b""
    for name, array in tensors.items():
        kind = {"f": "F32", "i": "I64", "b": "BOOL"}[array.dtype.kind]
        head[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
    head = json.dumps(head).encode()
    return len(head).to_bytes(8, "little") + head + data


CHECKPOINT = {"epoch": 3, "args": pickle.dumps({"x": {1, 2}, "y": np.float64(3), "z": range(4)}, 2)[2:-1],
              "state_dict": {"conv1.weight": matrix(), "fc.bias": matrix(shape=(2,), strides=(1,))}}


def read_checkpoint(path):
    """What convert does with a source, and the values of its tensors where they are no expanded giants."""
    _, content, _ = read_source(path)
    state_dict, _ = find_state_dict(path, content)
    for tensor in filter(is_tensor, state_dict.values()):
        if np.prod(tensor.shape, dtype=float) < 1e6:
            np.asarray(tensor)


plain("safetensors of refpcm", saved(write_tensors, ARRAYS, {"key": "value"}), read_tensors)
plain("safetensors of others", foreign(), lambda path: read_tensors(path, accept_foreign=True))
plain("npz", saved(write_npz, ARRAYS, {"key": "value"}), read_npz)
plain("npz, packed", zip_of({f"{name}.npy": npy_bytes(array) for name, array in ARRAYS.items()}), read_npz)
plain("npy", npy_bytes(ARRAYS["a"]), lambda path: (npy.read_npy(path), npy.map_npy(path)))
plain("PyTorch, zip", zipped(CHECKPOINT, STORAGES), read_checkpoint)
plain("PyTorch, sequential", sequential(CHECKPOINT, STORAGES), read_checkpoint)
plain("network file, safetensors", saved(lambda path, file: save_network(path, file), NetworkFile(
    NETWORK, random_parameters(NETWORK), ("cat", "dog"), (0.5,) * 3, (0.25,) * 3)), load_network)
plain("class names", b"cat\ndog\n", lambda path: read_classes([str(path)], 2))
plain("JSON", b'{"a": [1, 2.5, null, true, "x"], "b": {"c": "\\u00e9"}}', read_json)
if sys.version_info >= (3, 11):
    plain("TOML", b'name = "x"\nbased_on = "y"\n[drift]\nnu = [1.0, 2.0]\na.b.c = 1979-05-27T07:32:00Z\n', read_toml)
plain("JPEG", saved(lambda path: Image.effect_noise((60, 40), 50).convert("RGB").save(path, "JPEG")),
      lambda path: (inspect_image(path), open_rgb(path)))
plain("JPEG, progressive", saved(lambda path: Image.effect_noise((60, 40), 50).save(path, "JPEG", progressive=True)),
      lambda path: (inspect_image(path), open_rgb(path)))
plain("PNG", saved(lambda path: Image.effect_noise((60, 40), 50).convert("P").save(path, "PNG")),
      lambda path: (inspect_image(path), open_rgb(path)))
plain("validation list", f"ImageId,Prediction\nval_1.JPEG,{FISH} 1 2\n\"val_2\",\"{LIZARD}\"\n".encode(), read_ground_truth)
plain("class list", f"{FISH} tench\n{LIZARD} anole\n".encode(), read_class_list)
plain("md5sums.txt", b"0" * 32 + b"  data_batch_1\n" + b"a" * 32 + b" *test_batch\n",
      lambda path: parse_checksums(path.read_bytes()))
plain("CIFAR-10, binary batch", bytes(3073 * 2), lambda path: decode_binary(path.read_bytes(), "batch", 2))
for protocol in (0, 2, 5):
    plain(f"CIFAR-10, pickle of protocol {protocol}", pickle.dumps(
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": np.array([1, 2]), "x": [np.int64(3)]}, protocol),
        lambda path: decode_python(path.read_bytes(), "batch", 2))


def packed(name, pack, content, read):
    """A target of a file that is packed after its content was mutated."""
    def make(folder):
        path = folder / "file"
        return content, lambda mutated: path.write_bytes(pack(mutated)), lambda: read(path)
    TARGETS[name] = make


packed("npy in an npz", lambda raw: zip_of({"a.npy": raw}), npy_bytes(ARRAYS["a"]), read_npz)
packed("metadata in an npz", lambda raw: zip_of({"refpcm.metadata.npy": npy_bytes(
    np.array(raw.decode("latin-1")))}), b'{"key": "value"}', read_npz)
packed("header of safetensors", lambda raw: len(raw).to_bytes(8, "little") + raw + foreign()[-81:],
       foreign()[8:8 + int.from_bytes(foreign()[:8], "little")], lambda path: read_tensors(path, accept_foreign=True))
packed("pickle in PyTorch's zip", lambda raw: zip_of({
    "x/data.pkl": raw, "x/data/0": STORAGES["0"][1], "x/byteorder": b"little"}, zipfile.ZIP_STORED), pickled(CHECKPOINT),
    read_checkpoint)


def tar_of(members):
    import tarfile
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


MEMBERS = {f"é/{'deep/' * 30}{name}": b"x" * 50 for name in PYTHON.batches}
plain("tar", tar_of(MEMBERS), read_cifar10)
plain("tar.xz", lzma.compress(tar_of(MEMBERS)), read_cifar10)
plain("zip of CIFAR-10", zip_of(MEMBERS), read_cifar10)
packed("tar in gzip", gzip.compress, tar_of(MEMBERS), read_cifar10)


@target
def dataset_json(folder):
    synthetic.make(folder / "set", 10, 10)
    path = folder / "set/dataset.json"
    return path.read_bytes(), path.write_bytes, lambda: prepared.read(folder / "set")


@target
def array_of_a_prepared_set(folder):
    """With its checksum recomputed."""
    synthetic.make(folder / "set", 10, 10)
    path, description = folder / "set/test_labels.npy", json.loads((folder / "set/dataset.json").read_bytes())
    del description["digest"]

    def put(content):
        path.write_bytes(content or b"\0")
        description["sha256"][path.name] = sha256_of(path)
        (folder / "set/dataset.json").write_text(json.dumps(description))
    return path.read_bytes(), put, lambda: prepared.read(folder / "set")


def indexed(folder):
    for split in ("train", "val"):
        (folder / "tree" / split / FISH).mkdir(parents=True)
        Image.new("RGB", (30, 30)).save(folder / "tree" / split / FISH / "a.JPEG")
    build(folder / "tree", folder / "index", cache=True)
    return folder / "index"


@target
def imagenet_json(folder):
    index = indexed(folder)
    return (index / "imagenet.json").read_bytes(), (index / "imagenet.json").write_bytes, lambda: read_index(index)


@target
def head_of_the_cache_of_an_index(folder):
    index = indexed(folder)
    whole = (index / "val_cache.npy").read_bytes()

    def read():
        check_cache(index, read_index(index).description)
    return whole[:300], lambda head: (index / "val_cache.npy").write_bytes(head + whole[300:]), read


@target
def matlab_file_of_the_development_kit(folder):
    from scipy.io import savemat
    synsets = np.zeros((2, 1), [("ILSVRC2012_ID", "O"), ("WNID", "O")])
    synsets[:, 0] = [(1, FISH), (2, LIZARD)]
    savemat(folder / "meta.mat", {"synsets": synsets}, do_compression=False)
    (folder / "ILSVRC2012_validation_ground_truth.txt").write_text("2\n1\n")
    return (folder / "meta.mat").read_bytes(), (folder / "meta.mat").write_bytes, lambda: read_ground_truth(folder)
