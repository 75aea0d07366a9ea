"""Everything a PyTorch checkpoint may name, each standing for a harmless thing of ours.

`NAMES` is the closed list: dtypes and storage classes become an ElementType, the functions that rebuild tensors and
containers become functions here that check every argument. What stands beside the weights and is not needed becomes
inert: `DATA_CLASSES` of Python, and all classes of other programs. Source: PyTorch's torch/_utils.py and
torch/storage.py.
"""

import math
import re
import sys
from dataclasses import dataclass

import numpy as np

from data_tools.foreign_text import shown
from data_tools.pickle_values import Inert, Refused, set_items
from refpcm.files.tensors import bfloat16_to_float32

_LIMIT = 2 ** 48  # sizes, strides and offsets beyond this are nonsense


@dataclass(frozen=True)
class ElementType:
    """A torch dtype: its name and the NumPy code of its little-endian elements (bfloat16, bool: of their bits)."""
    name: str
    code: str

    @property
    def itemsize(self):
        return np.dtype(self.code).itemsize


@dataclass(eq=False)
class Storage:
    """`count` elements under `key` in the file; `data` is the (count * itemsize,) uint8 array once it was read.

    retyped: whether a tensor sees its bytes as elements of another type.
    """
    key: str
    element: ElementType
    count: int
    data: np.ndarray = None
    retyped: bool = False


@dataclass(frozen=True, eq=False)
class TorchTensor:
    """A tensor of a checkpoint: a strided view into a storage. `numpy.asarray(tensor)` gives its values.

    offset and strides count elements of `element`. The array is read-only; bfloat16 becomes float32.
    """
    storage: Storage
    element: ElementType
    offset: int
    shape: tuple
    strides: tuple

    def __array__(self, dtype=None, copy=None):
        data, itemsize = self.storage.data, self.element.itemsize
        flat = data[:len(data) // itemsize * itemsize].view(self.element.code)[self.offset:]
        strides = [stride * itemsize for stride in self.strides]
        array = np.lib.stride_tricks.as_strided(flat, self.shape, strides, writeable=False)
        if self.element.name == "bfloat16":
            array = bfloat16_to_float32(array)
        elif self.element.name == "bool":
            array = array != 0
        return array.astype(dtype or array.dtype.newbyteorder("="), copy=bool(copy))


_DTYPES = {"float64": "<f8", "float32": "<f4", "float16": "<f2", "bfloat16": "<u2", "int64": "<i8", "int32": "<i4",
           "int16": "<i2", "int8": "i1", "uint8": "u1", "bool": "u1", "uint16": "<u2", "uint32": "<u4", "uint64": "<u8"}
_STORAGES = {"Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64",
             "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool"}


def _naturals(values):
    return type(values) in (tuple, list) and len(values) <= 32 and all(
        type(value) is int and 0 <= value < _LIMIT for value in values)


def _dictionary(items=()):
    """OrderedDict() or OrderedDict([(key, value), ...]), and Counter({key: count}), as a dict."""
    if type(items) not in (dict, list, tuple):
        raise Refused("a dictionary made of what is neither pairs nor a dictionary")
    result = {}
    for pair in items.items() if type(items) is dict else items:
        if type(pair) not in (list, tuple) or len(pair) != 2:
            raise Refused("a dictionary made of what are no pairs")
        set_items(result, pair)
    return result


def _default_dictionary(*factory):
    """defaultdict(list), empty at first; the pickle fills it like any other."""
    return {}


def _size(values):
    if not _naturals(values):
        raise Refused("a torch.Size that is none")
    return tuple(values)


def _device(kind, *index):
    """torch.device("cuda", 0) or torch.device("cuda:0") as text."""
    if type(kind) is not str or len(kind) > 20 or len(index) > 1 or not _naturals(index):
        raise Refused("a torch.device that is none")
    return ":".join([kind, *map(str, index)])


def _tensor(storage, offset, shape, strides, *hooks):
    """_rebuild_tensor and _rebuild_tensor_v2: the remaining arguments concern gradients."""
    return _checked(storage, storage.element, offset, shape, strides)


def _tensor_v3(storage, offset, shape, strides, requires_grad, hooks, element, *more):
    """As v2, on a storage of bytes, with the dtype apart."""
    tensor = _checked(storage, element, offset, shape, strides)
    storage.retyped |= element != storage.element
    return tensor


def _parameter(tensor, *hooks):
    return tensor


def _checked(storage, element, offset, shape, strides):
    if type(storage) is not Storage or type(element) is not ElementType:
        raise Refused("a tensor without storage or dtype")
    if not (_naturals([offset]) and _naturals(shape) and _naturals(strides) and len(shape) == len(strides)):
        raise Refused("a tensor with an impossible offset, shape or stride")
    count = storage.count * storage.element.itemsize // element.itemsize
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides))
    if math.prod(size or 1 for size in shape) >= _LIMIT or (0 not in shape and last >= count) or offset > count:
        raise Refused(f"a tensor of shape {shown(tuple(shape))} that reaches beyond its storage of {count} elements")
    return TorchTensor(storage, element, offset, tuple(shape), tuple(strides))


_TYPES = {name: ElementType(name, code) for name, code in _DTYPES.items()}
NAMES = {
    "collections.OrderedDict": _dictionary, "collections.Counter": _dictionary,
    "collections.defaultdict": _default_dictionary,
    "torch.Size": _size, "torch.device": _device,
    "torch._utils._rebuild_tensor": _tensor, "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter, "torch._utils._rebuild_parameter_with_state": _parameter,
    **{f"torch.{name}": element for name, element in _TYPES.items()},
    **{f"torch.{where}{name}Storage": _TYPES[dtype] for name, dtype in _STORAGES.items() for where in ("", "cuda.")},
    "torch.storage.UntypedStorage": _TYPES["uint8"], "torch.UntypedStorage": _TYPES["uint8"],
}
_BUILTINS = ("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object", "range", "set",
             "slice", "str", "tuple", "long", "unicode", "xrange")
_PATHS = ("Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath")
DATA_CLASSES = {  # of Python's own: they hold data and do nothing
    *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in _BUILTINS),
    *(f"{module}.{name}" for module in ("pathlib", "pathlib._local") for name in _PATHS),
    *(f"datetime.{name}" for name in ("date", "datetime", "time", "timedelta", "timezone")),
    "_codecs.encode", "argparse.Namespace", "collections.deque", "copy_reg._reconstructor", "copyreg._reconstructor",
    "decimal.Decimal", "fractions.Fraction", "types.SimpleNamespace", "uuid.UUID"}
_INERT_OF_TORCH = re.compile(r"torch\.(optim|nn|amp|cuda\.amp)\..+")  # optimisers, modules, gradient scalers saved whole
_OWN = {*sys.stdlib_module_names, "__builtin__", "copy_reg", "torch"}  # of these only known names are taken


def find_name(name):
    """What stands for "module.name": an entry of NAMES, or an Inert. Nothing is imported.

    Raises Refused for a name of Python's library or of PyTorch that is not known to be plain data.
    """
    if name in NAMES:
        return NAMES[name]
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)+", name) or (
            name.partition(".")[0] in _OWN and name not in DATA_CLASSES and not _INERT_OF_TORCH.fullmatch(name)):
        raise Refused(f"it asks for '{shown(name)}', but only tensors and plain data are read; in PyTorch, save "
                      "them alone: torch.save(model.state_dict(), FILE)")
    return Inert(name)
