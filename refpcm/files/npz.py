"""Named arrays in NumPy's npz form, without pickle; the metadata travels as JSON text in one more array.

An npz file is a zip file of .npy files. Source: numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
Damage is found by the CRC-32 of each member.
"""

import ast
import io
import json
import math
import zipfile

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.files.archive import read_archive
from refpcm.files.atomic import atomic_file
from refpcm.files.tensors import is_storable, is_text_mapping, storable

METADATA = "refpcm.metadata"  # name of the text array that holds the metadata
_HEADER_LIMIT = 10000  # bytes; beyond it, parsing could exhaust the stack


def write_npz(path, tensors, metadata=None):
    """Write {name: array} and {str: str} metadata to `path`, atomically, uncompressed, always the same bytes.

    dtypes and errors as in `refpcm.files.tensors.write_tensors`.
    """
    arrays = {name: storable(path, name, value) for name, value in tensors.items()}
    if METADATA in arrays or not is_text_mapping(metadata or {}):
        raise RefpcmError(f"cannot write {path}: metadata must be text, and {METADATA!r} is no name for a tensor")
    if metadata:
        arrays[METADATA] = np.array(json.dumps(metadata))
    with atomic_file(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            packed = io.BytesIO()
            np.lib.format.write_array(packed, array, allow_pickle=False)
            try:
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), packed.getbuffer())
            except UnicodeEncodeError as error:
                raise RefpcmError(f"cannot write {path}: tensor name {name!r} is not valid Unicode") from error


def read_npz(path):
    """({name: array}, {str: str} metadata) of an npz file by anybody; metadata is {} if it has none of ours.

    Raises RefpcmError, naming file and member, for damage, Python objects, structured and other unusual dtypes.
    """
    tensors, metadata = {}, {}
    for member, content in read_archive(path).items():
        name = member.removesuffix(".npy")
        if name == member:
            raise RefpcmError(f"cannot read {path}: not an npz file: it holds {member!r}, which is no .npy file")
        array = _parse_npy(path, name, content)
        if name == METADATA:
            metadata = _parse_metadata(path, array)
        elif not is_storable(array.dtype):
            raise RefpcmError(f"cannot read {path}: array {name!r} has dtype {array.dtype}; only numbers and bool do")
        else:
            tensors[name] = array
    return tensors, metadata


def _parse_npy(path, name, content):
    """The array of one .npy file: fresh, writable, in the machine's byte order."""
    try:
        shape, fortran, dtype, position = _parse_header(content)
        if dtype.hasobject:
            raise ValueError("pickled Python objects, which could run code; save plain arrays")
        if math.prod(shape) * dtype.itemsize != len(content) - position:
            raise ValueError(f"{dtype} of shape {shape} does not take {len(content) - position} bytes")
        flat = np.frombuffer(content, dtype, math.prod(shape), position)
        return flat.reshape(shape, order="F" if fortran else "C").astype(dtype.newbyteorder("="), order="C")
    except (ValueError, TypeError, SyntaxError, KeyError, RecursionError, MemoryError, OverflowError) as error:
        raise RefpcmError(f"cannot read {path}: array {name!r}: {error or 'damaged header'}") from error


def _parse_header(content):
    """(shape, whether in Fortran order, dtype, where the data begin) of a .npy file. Raises what literal_eval does."""
    if content[:6] != b"\x93NUMPY" or content[6:8] not in (b"\x01\x00", b"\x02\x00"):
        raise ValueError("not a .npy file of version 1.0 or 2.0")
    begin = 10 if content[6] == 1 else 12
    end = begin + int.from_bytes(content[8:begin], "little")
    if end > len(content) or end - begin > _HEADER_LIMIT:
        raise ValueError("truncated, or an endless header")
    header = ast.literal_eval(content[begin:end].decode("latin-1").strip())
    shape, fortran = header["shape"], header["fortran_order"]
    if type(shape) is not tuple or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("its shape is not a tuple of sizes")
    return shape, fortran, np.dtype(header["descr"]), end


def _parse_metadata(path, array):
    try:
        metadata = json.loads(str(array))
    except (ValueError, RecursionError):
        metadata = None
    if not is_text_mapping(metadata):
        raise RefpcmError(f"cannot read {path}: its {METADATA!r} is not a JSON mapping of text to text")
    return metadata
