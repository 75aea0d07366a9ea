"""Read the pickles of CIFAR-10's python batches: dicts of text, numbers, lists and arrays of whole numbers.

The pickle machine calls nothing that a pickle names; the names that NumPy and Python give to arrays and bytes stand for
the functions below. Any other name is refused.
"""

import re

import numpy as np

from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.pickle_machine import unpickle
from data_tools.pickle_values import Refused


class _Type:
    """What a pickle says of a dtype: whole numbers of 1 to 8 bytes."""

    def __init__(self, code):
        code = code.decode("latin1") if isinstance(code, bytes) else code
        if type(code) is not str or not re.fullmatch("[<>|=]?[iu][1248]", code):
            raise Refused(f"an array of type {shown(code)}")
        self.dtype = np.dtype(code)

    def set_state(self, state):
        """(version, byte order, ...); the rest concerns structured types."""
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise Refused(f"numbers in byte order {shown(order)}")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """What a pickle says of an array. `values` is None until its state has come."""
    values = None

    def set_state(self, state):
        _, shape, kind, fortran_order, raw = state
        self.fill(raw, kind, shape, "F" if fortran_order else "C")

    def fill(self, raw, kind, shape, order):
        if not isinstance(kind, _Type) or not isinstance(raw, bytes) or order not in ("C", "F"):
            raise Refused("an array that is not of whole numbers")
        self.values = np.frombuffer(raw, kind.dtype).reshape(shape, order=order)


def _dtype(code, *_):
    return _Type(code)


def _array_class():
    raise Refused("an array made otherwise than by _reconstruct")


def _reconstruct(kind, shape, code):
    """NumPy's empty array, to be filled by its state; shape and code are placeholders."""
    if kind is not _array_class:
        raise Refused("an array of another class")
    return _Array()


def _from_buffer(raw, kind, shape, order, *_):
    """NumPy's array in pickles of protocol 5."""
    array = _Array()
    array.fill(raw, kind, shape, order)
    return array


def _scalar(kind, raw):
    array = _Array()
    array.fill(raw, kind, (), "C")
    return int(array.values)


def _encode(text, encoding):
    """How Python 3 writes bytes into an old pickle."""
    if encoding != "latin1":
        raise Refused(f"bytes encoded as {shown(encoding)}")
    return text.encode("latin1")


def _no_bytes():
    return b""


_NAMES = {
    "numpy.ndarray": _array_class, "numpy.dtype": _dtype, "_codecs.encode": _encode,
    "builtins.bytes": _no_bytes, "__builtin__.bytes": _no_bytes,
    **{f"numpy.{core}.{name}": function for core in ("core", "_core") for name, function in (
        ("multiarray._reconstruct", _reconstruct), ("multiarray.scalar", _scalar), ("numeric._frombuffer", _from_buffer))},
}


def _find_name(name):
    if name not in _NAMES:
        raise Refused(f"it asks for {shown(name)}, which no CIFAR-10 file needs")
    return _NAMES[name]


def loads(data, name):
    """The dict in the pickle `data` (bytes): keys str; values bytes, str, ints, lists, arrays of whole numbers.

    `name` is the file's name for messages. Raises DataError for anything else.
    """
    try:
        content, _ = unpickle(data, _find_name)
    except Refused as failure:
        raise DataError(f"{name} is no CIFAR-10 batch: {failure}") from None
    if not isinstance(content, dict):
        raise DataError(f"{name} is no CIFAR-10 batch: it holds no dict")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key):
            value.values if isinstance(value, _Array) else value for key, value in content.items()}
