"""The pickle in a PyTorch checkpoint: the pickle machine of data_tools with the names that tensors need."""

from data_tools.pickle_machine import unpickle
from data_tools.pickle_values import Refused
from refpcm.errors import RefpcmError
from refpcm.files.torch_names import find_name


def load_pickle(path, data, position=0, find_storage=None):
    """(value, position after it) of the pickle that begins at `position` of `data` (bytes).

    `find_storage(persistent id)` returns a Storage or raises Refused. Raises RefpcmError, naming `path` and the
    instruction or name that is not allowed, and where.
    """
    try:
        return unpickle(data, find_name, find_storage, _old_text, position)
    except Refused as error:
        raise RefpcmError(f"cannot read {path}: {error}") from error


def _old_text(raw):
    """A text of Python 2, which may also be the bytes of an array; only names of tensors matter."""
    return str(raw, "utf-8", "backslashreplace")
