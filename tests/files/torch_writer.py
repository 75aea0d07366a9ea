"""PyTorch checkpoints made by hand, without torch: what the tests of the reader feed it, and how."""

import io
import struct
import zipfile
from dataclasses import dataclass

import numpy as np

from refpcm.files.torch_file import read_torch

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
PROTOCOL = b"\x80\x02M\xe9\x03."
SYSTEM = b"\x80\x02}."
VALUES = np.arange(12, dtype="<f4")
STORAGES = {"0": (12, VALUES.tobytes())}


@dataclass(frozen=True)
class Tensor:
    """What _rebuild_tensor_v2 gets: a storage (key, class, element count) and the view into it."""
    key: str
    count: int
    shape: tuple
    strides: tuple
    offset: int = 0
    storage: str = "torch FloatStorage"


def matrix(**changes):
    """VALUES as a tensor (3, 4), with other fields of Tensor where named."""
    return Tensor(**{"key": "0", "count": 12, "shape": (3, 4), "strides": (4, 1), **changes})


def emit(value, view=()):
    """Pickle instructions (protocol 2) that push `value`; `bytes` stand for raw instructions.

    view: what ends a persistent id, in the sequential form (None,).
    """
    if isinstance(value, bytes):
        return value
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        return b"\x8a\x08" + struct.pack("<q", value)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
    if isinstance(value, tuple):
        return b"(" + b"".join(emit(part, view) for part in value) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(emit(part, view) for part in value) + b"e"
    if isinstance(value, dict):
        return b"}(" + b"".join(emit(part, view) for pair in value.items() for part in pair) + b"u"
    identity = emit(("storage", named(value.storage), value.key, "cpu", value.count, *view))
    call = emit((identity + b"Q", value.offset, value.shape, value.strides, False, ordered_dict()))
    return named("torch._utils _rebuild_tensor_v2") + call + b"R"


def named(name):
    """GLOBAL: 'module name'."""
    return b"c" + name.replace(" ", "\n").encode() + b"\n"


def ordered_dict():
    return named("collections OrderedDict") + b")R"


def pickled(value, view=()):
    return b"\x80\x02" + emit(value, view) + b"."


def sequential(value, storages=(), magic=MAGIC, protocol=PROTOCOL):
    """The older form; storages: {key: (element count, raw bytes)}."""
    storages = dict(storages)
    data = b"".join(struct.pack("<q", count) + raw for count, raw in storages.values())
    return magic + protocol + SYSTEM + pickled(value, (None,)) + pickled(list(storages)) + data


def zipped(value, storages=(), byteorder=b"little", root="archive", extra=(), method=zipfile.ZIP_STORED):
    """Today's form; storages: {key: (element count, raw bytes)}; `byteorder` None leaves that entry out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(f"{root}/data.pkl", pickled(value))
        archive.writestr(f"{root}/version", "3\n")
        if byteorder is not None:
            archive.writestr(f"{root}/byteorder", byteorder)
        for key, (_, raw) in dict(storages).items():
            archive.writestr(f"{root}/data/{key}", raw)
        for name, content in dict(extra).items():
            archive.writestr(f"{root}/{name}", content)
    return stream.getvalue()


FORMS = {"sequential": sequential, "zip": zipped}


def read(tmp_path, content):
    """What refpcm reads in a file of this content, named c.pt."""
    (tmp_path / "c.pt").write_bytes(content)
    return read_torch(tmp_path / "c.pt")
