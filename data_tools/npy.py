"""Arrays in .npy files, read strictly: plain numbers, a header of the one known form, exactly the bytes that it claims.

Source: numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
"""

import ast
import math
import re

import numpy as np

from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.reading import open_input

HEADER_LIMIT = 10_000  # bytes; beyond it, parsing could exhaust the stack
_BEGIN_LIMIT = HEADER_LIMIT + 12
_KEYS = {"descr", "fortran_order", "shape"}
_DAMAGE = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, OverflowError)


def parse_npy(content):
    """The array in the bytes of a .npy file: fresh, writable, in the machine's byte order.

    Raises ValueError with the reason: another form or version, Python objects, structured types, other length.
    """
    shape, order, dtype, begin = _parse_header(content[:_BEGIN_LIMIT], len(content))
    flat = np.frombuffer(content, dtype, math.prod(shape), begin)
    return flat.reshape(shape, order=order).astype(dtype.newbyteorder("="), order="C")


def read_npy(path):
    """The array in the .npy file `path`, in the machine's byte order. Raises DataError with the reason."""
    def load(stream, shape, order, dtype, begin):
        stream.seek(begin)
        flat = np.fromfile(stream, dtype, math.prod(shape))
        return flat.reshape(shape, order=order).astype(dtype.newbyteorder("="), copy=False)
    return _read(path, load)


def map_npy(path):
    """The array in the .npy file `path` as a read-only memory map. Raises DataError with the reason."""
    def load(_, shape, order, dtype, begin):
        return np.memmap(path, dtype, "r", begin, shape, order)
    return _read(path, load)


def _read(path, load):
    with open_input(path) as (stream, size):
        try:
            return load(stream, *_parse_header(stream.read(_BEGIN_LIMIT), size))
        except _DAMAGE as error:
            raise DataError(f"{path} is no NumPy array, or damaged: {error}") from error


def _parse_header(begin, size):
    """(shape, "C" or "F", dtype, where the data begin) from the first bytes of a .npy file of `size` bytes."""
    if begin[:6] != b"\x93NUMPY" or begin[6:8] not in (b"\x01\x00", b"\x02\x00"):
        raise ValueError("not a .npy file of version 1.0 or 2.0")
    first = 10 if begin[6] == 1 else 12
    end = first + int.from_bytes(begin[8:first], "little")
    if end > size or end - first > HEADER_LIMIT:
        raise ValueError("truncated, or an endless header")
    try:
        header = ast.literal_eval(begin[first:end].decode("latin-1").strip())
    except _DAMAGE:
        raise ValueError("its header is no Python literal") from None
    if type(header) is not dict or set(header) != _KEYS:
        raise ValueError("its header has not exactly descr, fortran_order and shape")
    shape, fortran = header["shape"], header["fortran_order"]
    if type(shape) is not tuple or not all(type(length) is int and 0 <= length < 2 ** 63 for length in shape):
        raise ValueError("its shape is not a tuple of sizes")
    if type(fortran) is not bool:
        raise ValueError("its fortran_order is neither True nor False")
    dtype = _parse_dtype(header["descr"])
    if math.prod(shape) * dtype.itemsize != size - end:
        raise ValueError(f"{dtype} of shape {shown(shape)} does not take {size - end} bytes")
    return shape, "F" if fortran else "C", dtype, end


def _parse_dtype(code):
    if type(code) is list:
        raise ValueError("a structured dtype; only numbers do")
    if type(code) is not str or not re.fullmatch(r"[<>|=]?[a-zA-Z?]\d{0,9}(\[\w{1,9}\])?", code):
        raise ValueError(f"dtype {shown(code)} is not known")
    try:
        dtype = np.dtype(code)
    except TypeError:
        raise ValueError(f"dtype {shown(code)} is not known") from None
    if dtype.hasobject:
        raise ValueError("pickled Python objects, which could run code; save plain arrays")
    return dtype
