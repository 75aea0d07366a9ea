"""Named arrays in the safetensors layout, with a digest that finds any single flipped bit.

Layout: 8 bytes little-endian length of the header; the header, a JSON object {name: {"dtype", "shape",
"data_offsets": [begin, end]}} with an optional "__metadata__": {str: str}, padded with spaces; the raw
little-endian C-order data, without gaps. Source: github.com/huggingface/safetensors, section "Format".

Files written here carry `refpcm.sha256` in the metadata: SHA-256 over the whole file with the 64 digits of the
digest itself read as zeros. A second entry, `refpcm.tensors`, gives the version of this layout; it also betrays a
file of ours whose digest entry was damaged, so that it cannot pass for a file of another program.
"""

import hashlib
import json
import math
import re

import numpy as np

from data_tools.foreign_text import shown
from refpcm.errors import RefpcmError
from refpcm.files.atomic import atomic_file
from refpcm.files.reading import open_input, parse_json

VERSION = "1"
HEADER_LIMIT = 100_000_000  # bytes, the limit of the safetensors library
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
           "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?"}
_NAMES = {np.dtype(code): name for name, code in _DTYPES.items()}
_DIGEST_KEY = '"refpcm.sha256":"'
_NO_DIGEST = "0" * 64


def write_tensors(path, tensors, metadata=None):
    """Write {name: array} and {str: str} metadata to `path`, atomically.

    dtypes: float64/32/16, int64 ... int8, uint64 ... uint8, bool; other byte orders and strides are converted. Large
    items come first, so that every tensor is aligned in the file. Raises RefpcmError for other dtypes, reserved
    names, metadata that is not text, and whatever keeps the file from being written.
    """
    arrays = {name: storable(path, name, value) for name, value in tensors.items()}
    metadata = dict(metadata or {})
    if not is_text_mapping(metadata) or any(key.startswith("refpcm") for key in metadata):
        raise RefpcmError(f"cannot write {path}: metadata must be text under names that do not begin with 'refpcm'")
    entries, begin = {}, 0
    order = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
    for name in order:
        end = begin + arrays[name].nbytes
        entries[name] = {"dtype": _NAMES[arrays[name].dtype], "shape": list(arrays[name].shape),
                         "data_offsets": [begin, end]}
        begin = end
    own = {"refpcm.sha256": _NO_DIGEST, "refpcm.tensors": VERSION}
    header = {"__metadata__": {**own, **metadata}, **{name: entries[name] for name in arrays}}
    try:
        head = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise RefpcmError(f"cannot write {path}: a name or metadata text is not valid Unicode") from error
    head += b" " * (-len(head) % 8)
    if len(head) > HEADER_LIMIT:
        raise RefpcmError(f"cannot write {path}: names and metadata take {len(head)} bytes; at most {HEADER_LIMIT}")
    head = len(head).to_bytes(8, "little") + head
    digest = hashlib.sha256(head)
    for name in order:
        digest.update(arrays[name].data)
    with atomic_file(path) as stream:
        zeros = (_DIGEST_KEY + _NO_DIGEST).encode()
        stream.write(head.replace(zeros, (_DIGEST_KEY + digest.hexdigest()).encode(), 1))
        for name in order:
            stream.write(arrays[name].data)


def read_tensors(path, accept_foreign=False):
    """({name: array}, {str: str} metadata) of a file in the safetensors layout, in the order of its header.

    A file of `write_tensors` is returned only if its digest agrees; the entries `refpcm...` are left out of the
    metadata. With `accept_foreign`, a file of another program (which carries no digest) is returned too; BF16
    becomes float32. Raises RefpcmError, naming file and reason, for everything that is truncated, damaged, foreign,
    inconsistent, or of another version.
    """
    with open_input(path) as (stream, size):
        prefix = stream.read(8)
        length = int.from_bytes(prefix, "little")
        if size < 10 or not 2 <= length <= min(size - 8, HEADER_LIMIT):
            raise RefpcmError(f"cannot read {path}: not a safetensors file, or truncated: "
                              f"a header of {length} bytes does not fit a file of {size} bytes")
        head, data = stream.read(length), stream.read()
    header = _parse_header(path, head)
    metadata = header.pop("__metadata__", {})
    if not is_text_mapping(metadata):
        raise RefpcmError(f"cannot read {path}: its metadata is not a mapping of text to text")
    own = {key: metadata.pop(key) for key in list(metadata) if key.startswith("refpcm")}
    if own:
        _check_digest(path, own, header, prefix + head, data)
    elif not accept_foreign:
        raise RefpcmError(f"cannot read {path}: it was not written by refpcm (no digest); "
                          "import it with python -m refpcm.convert")
    _check_layout(path, header, len(data))
    return {name: _array(path, name, entry, data) for name, entry in header.items()}, metadata


def storable(path, name, value):
    """`value` as an array in C order and little-endian; RefpcmError if dtype or name cannot be stored in `path`."""
    array = np.asarray(value)
    if not isinstance(name, str) or name == "__metadata__":
        raise RefpcmError(f"cannot write {path}: {name!r} cannot be the name of a tensor")
    if not is_storable(array.dtype):
        raise RefpcmError(f"cannot write {path}: tensor {name!r} has dtype {array.dtype}; "
                          f"possible are {', '.join(str(known) for known in _NAMES)}")
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def is_storable(dtype):
    """Whether arrays of this dtype, in either byte order, have a place in the files."""
    return dtype.newbyteorder("<") in _NAMES


def is_text_mapping(metadata):
    """Whether `metadata` is a dict of str to str."""
    return isinstance(metadata, dict) and all(isinstance(text, str) for pair in metadata.items() for text in pair)


def _parse_header(path, head):
    header = parse_json(head, f"{path}: not a safetensors file, or damaged: the header")
    if not isinstance(header, dict):
        raise RefpcmError(f"cannot read {path}: not a safetensors file: its header is not a JSON object")
    return header


def _check_digest(path, own, header, head, data):
    version, digest = own.get("refpcm.tensors"), own.get("refpcm.sha256", "")
    if version is not None and re.fullmatch(r"\d+", version) and version != VERSION:
        raise RefpcmError(f"cannot read {path}: version {shown(version)} of the tensor layout; this refpcm reads "
                          f"version {VERSION} (if the file is not newer than refpcm, it is damaged)")
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        digest = ""  # agrees with nothing
    zeroed = head.replace((_DIGEST_KEY + digest).encode(), (_DIGEST_KEY + _NO_DIGEST).encode(), 1)
    actual = hashlib.sha256(zeroed)
    actual.update(data)
    if set(own) != {"refpcm.tensors", "refpcm.sha256"} or version != VERSION or actual.hexdigest() != digest:
        lacking = _promised(header) - len(data)
        what = f"truncated: {lacking} bytes of its data are missing" if lacking > 0 else "damaged, or changed by another program"
        raise RefpcmError(f"cannot read {path}: {what}: its SHA-256 does not agree; take an intact copy")


def _promised(header):
    """Return the bytes of data that a header, which may be damaged, tells of."""
    ends = [entry["data_offsets"][1] for entry in header.values()
            if isinstance(entry, dict) and _is_naturals(entry.get("data_offsets")) and len(entry["data_offsets"]) == 2]
    return max(ends, default=0)


def _check_layout(path, header, size):
    """Every entry is well-formed and the data section is covered exactly once."""
    spans = []
    for name, entry in header.items():
        def refuse(reason):
            raise RefpcmError(f"cannot read {path}: tensor '{shown(name)}': {reason}")
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            refuse("its entry must have exactly dtype, shape and data_offsets")
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(dtype, str) or dtype not in {*_DTYPES, "BF16"}:
            refuse(f"dtype '{shown(dtype)}' is not known; known are {', '.join(_DTYPES)}, BF16")
        if not _is_naturals(shape) or len(shape) > 32:
            refuse(f"shape {shown(shape)} is not a list of at most 32 non-negative integers below 2^48")
        if not _is_naturals(offsets) or len(offsets) != 2 or not offsets[0] <= offsets[1] <= size:
            refuse(f"data_offsets {shown(offsets)} are not within the {size} bytes of data (truncated?)")
        if math.prod(shape) * _itemsize(dtype) != offsets[1] - offsets[0]:
            refuse(f"{dtype} of shape {shape} does not take {offsets[1] - offsets[0]} bytes")
        spans.append((*offsets, name))
    position = 0
    for begin, end, name in sorted(spans):
        if begin != position:
            what = "overlaps the tensor before it" if begin < position else f"follows a gap of {begin - position} bytes"
            raise RefpcmError(f"cannot read {path}: tensor '{shown(name)}' {what}")
        position = end
    if position != size:
        raise RefpcmError(f"cannot read {path}: {size - position} bytes of data belong to no tensor")


def _is_naturals(values):
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2 ** 48 for value in values)


def _itemsize(dtype):
    return 2 if dtype == "BF16" else np.dtype(_DTYPES[dtype]).itemsize


def _array(path, name, entry, data):
    """A fresh, writable array in the machine's byte order."""
    begin, end = entry["data_offsets"]
    code = "<u2" if entry["dtype"] == "BF16" else _DTYPES[entry["dtype"]]
    flat = np.frombuffer(data, code, (end - begin) // np.dtype(code).itemsize, begin)
    if entry["dtype"] == "BF16":
        flat = bfloat16_to_float32(flat)
    elif entry["dtype"] == "BOOL" and np.any(flat.view(np.uint8) > 1):
        raise RefpcmError(f"cannot read {path}: tensor '{shown(name)}' is BOOL but has bytes other than 0 and 1")
    try:
        return flat.astype(flat.dtype.newbyteorder("=")).reshape(entry["shape"])
    except ValueError as error:
        raise RefpcmError(f"cannot read {path}: tensor '{shown(name)}': shape {entry['shape']}: {error}") from error


def bfloat16_to_float32(bits):
    """float32 array of the bfloat16 numbers given by their 16 bits (uint16): the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)
