"""Any file that may hold trained weights: which form it has, by its content and not by its name."""

from refpcm.errors import RefpcmError
from refpcm.files.archive import member_names
from refpcm.files.npz import read_npz
from refpcm.files.reading import open_input
from refpcm.files.tensors import read_tensors
from refpcm.files.torch_file import read_torch


def read_source(path):
    """(form, content, metadata) of the file `path`; form is "safetensors", "npz" or "PyTorch".

    content is {name: array}, for PyTorch whatever object was saved; metadata is {str: str}, for PyTorch {}. Raises
    RefpcmError for files of other forms and as the readers of the three forms do.
    """
    with open_input(path) as (stream, size):
        begin = stream.read(512)
    if begin[8:9] == b"{" and int.from_bytes(begin[:8], "little") <= size:
        return "safetensors", *read_tensors(path, accept_foreign=True)
    if begin[:2] == b"PK" and any(name.endswith(".npy") for name in member_names(path)):
        return "npz", *read_npz(path)
    if begin[:2] == b"PK" or begin[:1] == b"\x80" or begin[257:262] == b"ustar":
        return "PyTorch", read_torch(path), {}
    raise RefpcmError(f"cannot read {path}: neither a PyTorch checkpoint nor a safetensors or npz file")
