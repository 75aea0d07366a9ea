"""Read the pickles of CIFAR-10's python batches without running anything that they name.

A pickle may call any function it can import. Here it can import nothing: the five names that the batches use stand
for the recorders below, which keep the raw bytes of an array and check them; any other name is refused.
"""

import io
import pickle

import numpy as np

from data_tools.errors import DataError


class _Type:
    """What a pickle says of a dtype: only unsigned bytes are known."""

    def __init__(self, code, *_):
        if code not in ("u1", b"u1"):
            raise pickle.UnpicklingError(f"an array of type {code!r}")

    def __setstate__(self, state):
        """Byte order and alignment, which a byte has not."""


class _Array:
    """What a pickle says of an array: its state (version, shape, type, Fortran order, raw bytes)."""
    values = None  # until the state has come

    def __setstate__(self, state):
        _, shape, kind, fortran_order, raw = state
        if not isinstance(kind, _Type) or fortran_order or not isinstance(raw, bytes):
            raise pickle.UnpicklingError("an array that is not of bytes in C order")
        self.values = np.frombuffer(raw, np.uint8).reshape(shape)


def _array_type():
    raise pickle.UnpicklingError("an array made otherwise than by _reconstruct")


def _reconstruct(kind, shape, code):
    """numpy's empty array, to be filled by its state; shape and code are placeholders."""
    if kind is not _array_type:
        raise pickle.UnpicklingError("an array of another class")
    return _Array()


def _encode(text, encoding):
    """How Python 3 writes bytes into an old pickle."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes encoded as {encoding!r}")
    return text.encode("latin1")


_KNOWN = {
    ("numpy", "ndarray"): _array_type,
    ("numpy", "dtype"): _Type,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle._Unpickler):
    """Python's own form of the reader: the one in C takes gigabytes when a damaged file asks for them.

    Without the instructions that no CIFAR-10 file needs, some of which take what memory a file claims, and with plain
    keys only: hashing nested tuples may take for ever.
    """
    dispatch = {code: load for code, load in pickle._Unpickler.dispatch.items() if bytes([code]) not in (
        pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER, pickle.EXT1, pickle.EXT2, pickle.EXT4,
        pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.INST, pickle.OBJ, pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET)}

    def load_dict(self):
        items = self.pop_mark()
        self.append({})
        self._put(items)

    def load_setitem(self):
        value, key = self.stack.pop(), self.stack.pop()
        self._put([key, value])

    def load_setitems(self):
        self._put(self.pop_mark())

    def _put(self, items):
        target = self.stack[-1]
        if type(target) is not dict or not all(type(key) in (str, bytes, int) for key in items[::2]):
            raise pickle.UnpicklingError("a dict with keys that are no text")
        target.update(zip(items[::2], items[1::2], strict=True))

    def load_build(self):
        if type(self.stack[-2]) not in (_Type, _Array):
            raise pickle.UnpicklingError("a state of what has none")
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.DICT[0]] = load_dict
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems

    def find_class(self, module, name):
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR-10 file needs")
        return _KNOWN[module, name]


def loads(data, name):
    """The dict in the pickle `data` (bytes): keys str; values bytes, str, lists of them, ints, uint8 arrays.

    `name` is the file's name for messages. Raises DataError for anything else.
    """
    try:
        content = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except Exception as failure:  # a damaged pickle can raise nearly anything
        raise DataError(f"{name} is no CIFAR-10 batch: {str(failure) or type(failure).__name__}") from None
    if not isinstance(content, dict):
        raise DataError(f"{name} is no CIFAR-10 batch: it holds no dict")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key):
            value.values if isinstance(value, _Array) else value for key, value in content.items()}
