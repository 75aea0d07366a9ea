"""A new folder that is there as a whole or not at all, with the errors of refpcm."""

from contextlib import contextmanager

from data_tools.new_folder import is_free
from data_tools.new_folder import new_folder as filled_in_one_step
from refpcm.errors import RefpcmError
from refpcm.files.reading import data_errors


def demand_free(folder, reason):
    """Raises RefpcmError, giving the reason, unless `folder` does not exist or is empty."""
    with data_errors():
        if not is_free(folder):
            raise RefpcmError(f"{folder} exists and is not empty: {reason}")


@contextmanager
def new_folder(folder, reason):
    """Context of a temporary folder beside `folder`, which gets its name when the block ends without an error.

    Of a process that is killed, a hidden folder remains that counts as nothing and is removed by a later one. Raises
    RefpcmError for a folder with something in it, giving the reason, and for one that cannot be written.
    """
    demand_free(folder, reason)
    try:
        with data_errors(), filled_in_one_step(folder) as partial:
            yield partial
    except OSError as error:
        raise RefpcmError(f"cannot write {folder}: {error.strerror or error}") from error
