"""Opening and reading files that somebody names, with refpcm's own exception; the work is done by data_tools."""

import sys
from contextlib import contextmanager

from data_tools import reading
from data_tools.errors import DataError
from refpcm.errors import RefpcmError

TOML_LIMIT = 1 << 16  # bytes
TOML_LINE_LIMIT = 8000  # characters; Python's reader takes time with the square of the parts of a dotted key


@contextmanager
def data_errors():
    """Context, or decorator, in which a DataError of data_tools becomes a RefpcmError of the same words."""
    try:
        yield
    except DataError as error:
        raise RefpcmError(str(error)) from error


@contextmanager
def open_input(path):
    """Binary stream of the regular, non-empty file `path`, with its size in bytes: (stream, size).

    Raises RefpcmError for a missing, empty or unreadable file, a folder, a pipe or a device (which is not opened,
    since that could block for ever), and for a read error within the with-block.
    """
    with data_errors(), reading.open_input(path) as opened:
        yield opened


read_bytes = data_errors()(reading.read_bytes)
read_text = data_errors()(reading.read_text)
read_json = data_errors()(reading.read_json)
parse_json = data_errors()(reading.parse_json)
sha256_of = data_errors()(reading.sha256_of)


def read_toml(path, instead=""):
    """The table in a TOML file of at most 64 KiB. Raises RefpcmError as `read_text`, for what is no TOML, and before 3.11.

    Python has a reader of TOML from version 3.11 on; instead: what a user of an older one may do, to end the sentence.
    """
    if sys.version_info < (3, 11):
        raise RefpcmError(f"cannot read {path}: TOML files need Python 3.11 or later{instead}")
    import tomllib
    text = read_text(path, TOML_LIMIT)
    if max(map(len, text.split("\n"))) > TOML_LINE_LIMIT:
        raise RefpcmError(f"cannot read {path}: a line has more than {TOML_LINE_LIMIT} characters; break it")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        table = None
    except ValueError as error:
        raise RefpcmError(f"cannot read {path}: it is not TOML ({error}); in it numbers have no unit and "
                          "a decimal point, and text stands in quotes") from None
    if table is None or reading.is_nested_deeply(table):
        raise RefpcmError(f"cannot read {path}: its TOML is nested too deeply")
    return table
