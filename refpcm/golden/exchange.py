"""Folders that carry a case to a program outside of Python, and its answer back.

<case>/case.txt        the case in lines of text: operation, parameters, inputs, outputs
<case>/inputs.safetensors    the input tensors, recipes carried out
<case>/outputs.safetensors   the output tensors, full of poison until the program overwrites them in place or anew; those
                             of an export that are LARGE hold a hole, zeros that take no space on most disks
"""

import json
import math

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.files.reading import open_input
from refpcm.files.tensors import read_tensors
from refpcm.golden.compare import is_poison, poisoned

LARGE = 2 ** 20  # bytes of a case's outputs
HEADER_BYTES = 2 ** 20  # room for the header and a few outputs that nobody asked for
NAMES = {"float64": "F64", "float32": "F32", "uint32": "U32", "int64": "I64", "int32": "I32", "uint8": "U8"}


def write_plain(path, tensors, hole=False):
    """{name: array} in the safetensors layout without any metadata, so that others may overwrite the data in place.

    hole: zeros in place of the data, which most file systems store without space.
    """
    header, begin = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": NAMES[str(array.dtype)], "shape": list(array.shape),
                        "data_offsets": [begin, begin + array.nbytes]}
        begin += array.nbytes
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    try:
        with open(path, "wb") as stream:
            stream.write(len(head).to_bytes(8, "little") + head)
            if hole:
                stream.truncate(8 + len(head) + begin)
            for array in () if hole else tensors.values():
                stream.write(np.ascontiguousarray(array).tobytes())
    except OSError as error:
        raise RefpcmError(f"cannot write {path}: {error.strerror}") from error


def write_case(folder, case, holes=False):
    """Everything a program needs for `case`, into `folder`, with poisoned outputs; holes: LARGE ones have none.

    A line of case.txt is: case ID / operation NAME / int|float|str NAME VALUE / input NAME DTYPE SIZE... / output ....
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RefpcmError(f"cannot write {folder}: {error.strerror}") from error
    lines = [f"case {case.id}", f"operation {case.operation}"]
    for name, value in case.values().items():
        lines.append(f"{type(value).__name__} {name} {value.hex() if isinstance(value, float) else value}")
    for kind, entries in (("input", case.inputs), ("output", case.outputs)):
        lines += [" ".join([kind, entry.name, entry.dtype, *map(str, entry.shape)]) for entry in entries]
    write_plain(folder / "inputs.safetensors", case.input_arrays())
    blank = {o.name: np.broadcast_to(poisoned(o.dtype, ()), o.shape) for o in case.outputs}
    write_plain(folder / "outputs.safetensors", blank, holes and sum(a.nbytes for a in blank.values()) > LARGE)
    (folder / "case.txt").write_bytes("\n".join([*lines, ""]).encode())


def read_outputs(folder, case):
    """Return {name: array} of a folder's outputs.

    Raises RefpcmError for a file that is missing or malformed, or much larger than the case's outputs: it is not read.
    """
    path = folder / "outputs.safetensors"
    largest = HEADER_BYTES + 4 * sum(poisoned(o.dtype, ()).nbytes * math.prod(o.shape) for o in case.outputs)
    with open_input(path) as (_, size):
        if size > largest:
            raise RefpcmError(f"{path.name} has {size} bytes; of the outputs of {case.id} at most {largest} are read")
    return read_tensors(path, accept_foreign=True)[0]


def untouched(case, outputs):
    """Whether the file is as `write_case` left it, all poison or all hole: this case was not answered at all."""
    if set(outputs) != {o.name for o in case.outputs}:
        return False
    large = sum(a.nbytes for a in outputs.values()) > LARGE
    return all(math.prod(a.shape) and (is_poison(a).all() or large and not a.any()) for a in outputs.values())
