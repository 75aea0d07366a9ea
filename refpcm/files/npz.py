"""Named arrays in NumPy's npz form, without pickle; the metadata travels as JSON text in one more array.

An npz file is a zip file of .npy files. Source: numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
Damage is found by the CRC-32 of each member.
"""

import io
import json
import zipfile

import numpy as np

from data_tools.foreign_text import shown
from data_tools.npy import parse_npy
from refpcm.errors import RefpcmError
from refpcm.files.archive import read_archive
from refpcm.files.atomic import atomic_file
from refpcm.files.reading import parse_json
from refpcm.files.tensors import is_storable, is_text_mapping, storable

METADATA = "refpcm.metadata"  # name of the text array that holds the metadata


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
    tensors, metadata, contents = {}, {}, read_archive(path)
    for member in list(contents):
        name = member.removesuffix(".npy")
        if name == member:
            raise RefpcmError(f"cannot read {path}: not an npz file: it holds {shown(member)}, which is no .npy file")
        try:
            array = parse_npy(contents.pop(member))  # one at a time, so that the file is not in memory twice
        except ValueError as error:
            raise RefpcmError(f"cannot read {path}: array '{shown(name)}': {error}") from error
        if name == METADATA:
            metadata = _parse_metadata(path, array)
        elif not is_storable(array.dtype):
            raise RefpcmError(f"cannot read {path}: array '{shown(name)}' has dtype {array.dtype}; only numbers and bool do")
        else:
            tensors[name] = array
    return tensors, metadata


def _parse_metadata(path, array):
    metadata = parse_json(str(array), f"{path}: its {METADATA!r}")
    if not is_text_mapping(metadata):
        raise RefpcmError(f"cannot read {path}: its {METADATA!r} is not a JSON mapping of text to text")
    return metadata
