"""PyTorch checkpoints without PyTorch: today's zip form and the older sequential form.

Zip (torch 1.6 on): a zip file, nothing compressed, with NAME/data.pkl (the object; a tensor's storage is a
persistent id ("storage", type, key, device, element count)), NAME/data/KEY (raw elements) and NAME/byteorder.
Sequential: pickles of a magic number, of the protocol version 1001, of some facts on the writing machine, of the
object and of the list of storage keys; then for each key 8 bytes element count and the elements, little-endian.
Source: PyTorch, torch/serialization.py.
"""

import numpy as np

from data_tools.foreign_text import shown
from data_tools.pickle_values import Inert, Refused
from refpcm.errors import RefpcmError
from refpcm.files.archive import read_archive
from refpcm.files.reading import open_input
from refpcm.files.torch_names import ElementType, Storage
from refpcm.files.torch_pickle import load_pickle

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


def read_torch(path):
    """The object that torch.save wrote: dicts, lists, tuples, text, numbers and TorchTensor.

    Nothing in the file is executed. Raises RefpcmError for other kinds of file, damage, and objects of any other
    class, by name.
    """
    with open_input(path) as (stream, _):
        begin = stream.read(512)
        if begin[257:262] == b"ustar":
            raise RefpcmError(f"cannot read {path}: {_about_tar(begin)}")
        if begin[:1] == b"\x80":
            value = _read_sequential(path, begin + stream.read())
        elif begin[:4] == b"PK\x03\x04":
            value = _read_zip(path)
        else:
            raise RefpcmError(f"cannot read {path}: not a PyTorch checkpoint (neither a zip file nor a pickle)")
    if type(value) is Inert:
        raise RefpcmError(f"cannot read {path}: it holds a whole model or another object of class {shown(value.name)}, "
                          "whose code is needed to read it; in PyTorch, save model.state_dict() instead")
    return value


def _about_tar(begin):
    """What a tar file with these first bytes is, and what to do with it."""
    if begin.startswith(b"sys_info\0"):
        return "the tar form of PyTorch before 0.1.10 is not supported; load and save it once with a later PyTorch"
    return "it is a tar archive; unpack it with tar -xf and give the file in it"


class _Storages:
    """The storages a pickle asks for, by key; calling it with a persistent id is the machine's `find_storage`."""

    def __init__(self, limit):
        self.limit, self.found = limit, {}

    def __call__(self, identity):
        if type(identity) is tuple and identity[:1] == ("module",):
            raise Refused("it holds a whole model, that is, code; save model.state_dict() instead")
        if type(identity) is not tuple or [type(part) for part in identity[:5]] != [str, ElementType, str, str, int]:
            raise Refused("a persistent id that is no storage")
        kind, element, key, _, count, *view = identity
        if kind != "storage" or len(key) > 100:
            raise Refused("a persistent id that is no storage")
        if not 0 <= count * element.itemsize <= self.limit:
            raise Refused(f"storage {key!r} claims {shown(count)} elements, more than the file can hold")
        if view and view[0] is not None:
            raise Refused("a view of a storage, as before PyTorch 0.4; load and save it once with a later PyTorch")
        storage = self.found.setdefault(key, Storage(key, element, count))
        if (storage.element, storage.count) != (element, count):
            raise Refused(f"storage {key!r} appears with two types or sizes")
        return storage


def _read_zip(path):
    contents = read_archive(path)
    roots = [name.removesuffix("data.pkl") for name in contents if name.endswith("/data.pkl")]
    if len(roots) != 1:
        names = ", ".join(shown(name, 60) for name in list(contents)[:3])
        raise RefpcmError(f"cannot read {path}: a zip file, but not a PyTorch checkpoint (no single data.pkl; it holds "
                          f"{names or 'nothing'}); if that is a checkpoint, unpack it and give the file in it")
    root, = roots
    if f"{root}constants.pkl" in contents:
        raise RefpcmError(f"cannot read {path}: a TorchScript program; save model.state_dict() instead")
    order = contents.get(f"{root}byteorder", b"little").decode("latin-1")
    if order not in ("little", "big"):
        raise RefpcmError(f"cannot read {path}: its byteorder entry says {order[:20]!r}, neither little nor big")
    storages = _Storages(limit=sum(map(len, contents.values())))
    pickled = contents[f"{root}data.pkl"]
    value, end = load_pickle(path, pickled, 0, storages)
    if end != len(pickled):
        raise RefpcmError(f"cannot read {path}: data.pkl goes on after its end; damaged")
    for key, storage in storages.found.items():
        raw = contents.get(f"{root}data/{key}")
        if raw is None:
            raise RefpcmError(f"cannot read {path}: the data of storage {key!r} are missing")
        if order == "big" and storage.retyped:
            raise RefpcmError(f"cannot read {path}: big-endian bytes that are seen as numbers of a type that their storage "
                              "does not name; load and save it once on a little-endian machine")
        _fill(path, storage, np.frombuffer(raw, np.uint8), swap=order == "big")
    return value


def _read_sequential(path, data):
    magic, position = load_pickle(path, data)
    if type(magic) is not int or magic != MAGIC:
        raise RefpcmError(f"cannot read {path}: a pickle, but not one of torch.save (its magic number is missing)")
    protocol, position = load_pickle(path, data, position)
    if type(protocol) is not int or protocol != PROTOCOL:
        raise RefpcmError(f"cannot read {path}: its protocol version is not {PROTOCOL}; damaged, or of another PyTorch")
    _, position = load_pickle(path, data, position)
    storages = _Storages(limit=len(data))
    value, position = load_pickle(path, data, position, storages)
    keys, position = load_pickle(path, data, position)
    if (type(keys) is not list or not all(type(key) is str for key in keys) or len(set(keys)) != len(keys)
            or set(keys) != set(storages.found)):
        raise RefpcmError(f"cannot read {path}: its list of storages does not match its tensors; damaged")
    for key in keys:
        storage = storages.found[key]
        size = storage.count * storage.element.itemsize
        if int.from_bytes(data[position:position + 8], "little") != storage.count:
            raise RefpcmError(f"cannot read {path}: truncated, or damaged, before the data of storage {key!r}")
        _fill(path, storage, np.frombuffer(data, np.uint8)[position + 8:position + 8 + size], swap=False)
        position += 8 + size
    if position != len(data):
        raise RefpcmError(f"cannot read {path}: {len(data) - position} bytes follow its end; damaged")
    return value


def _fill(path, storage, raw, swap):
    """Give `storage` its bytes, turned to little-endian if `swap`."""
    size = storage.count * storage.element.itemsize
    if len(raw) != size:
        raise RefpcmError(f"cannot read {path}: storage {storage.key!r} has {len(raw)} bytes instead of {size}; "
                          "damaged or truncated")
    if swap:
        raw = raw.reshape(storage.count, storage.element.itemsize)[:, ::-1].reshape(-1)
    storage.data = raw
