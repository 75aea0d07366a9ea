"""Every file that a user names is opened here: regular files only, of limited size where they are text.

Opening a pipe or a device could block for ever or never end; reading a text of gigabytes would take all memory.
"""

import hashlib
import json
import os
import stat
from contextlib import contextmanager

from data_tools.errors import DataError

TEXT_LIMIT = 1 << 24  # bytes; ImageNet's longest list has 9 * 10^6
DEEPEST = 100  # lists and objects within one another in a JSON text; who walks through it may do so recursively
_UNPACKED_FLOOR, _UNPACKED_RATIO = 1 << 26, 64


@contextmanager
def remedy(words):
    """Context in which the message of a DataError ends with what to do about it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{error}; {words}") from error


def regular_size(path):
    """Bytes of the regular file `path`. Raises DataError for a folder, a pipe or a device, and OSError."""
    status = os.stat(path)
    if stat.S_ISDIR(status.st_mode):
        raise DataError(f"cannot read {path}: it is a folder; give the name of a file")
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"cannot read {path}: it is not a regular file")
    return status.st_size


@contextmanager
def open_input(path):
    """Binary stream of the regular, non-empty file `path`, with its size in bytes: (stream, size).

    Raises DataError for a missing, empty or unreadable file, a folder, a pipe or a device (which is not opened), and
    for a read error within the with-block.
    """
    try:
        regular_size(path)
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size == 0:
                raise DataError(f"cannot read {path}: the file is empty")
            yield stream, size
    except FileNotFoundError as error:
        raise DataError(f"cannot read {path}: there is no such file") from error
    except PermissionError as error:
        raise DataError(f"cannot read {path}: no permission; check who may read it") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error


def read_bytes(path, limit=TEXT_LIMIT):
    """The content of a file of at most `limit` bytes. Raises DataError as `open_input`, and for a longer file."""
    with open_input(path) as (stream, size):
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise DataError(f"cannot read {path}: it has {max(size, len(content))} bytes where at most {limit} are expected; "
                        "name another file")
    return content


def read_text(path, limit=TEXT_LIMIT):
    """The text of a UTF-8 file, without a byte order mark. Raises DataError as `read_bytes`, and for other encodings."""
    try:
        return read_bytes(path, limit).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"cannot read {path}: it is not UTF-8 text; convert it, or name another file") from None


def read_json(path, limit=TEXT_LIMIT):
    """The value in a JSON file. Raises DataError as `read_text` and `parse_json`."""
    return parse_json(read_text(path, limit), path)


def parse_json(text, where):
    """The value of a JSON text (str, or bytes in UTF-8); `where` is its name in messages.

    Raises DataError for what is no JSON, names a key twice, or is nested too deeply.
    """
    try:
        text = text if isinstance(text, str) else text.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise DataError(f"cannot read {where}: its JSON is nested too deeply") from None
    except ValueError as error:
        raise DataError(f"cannot read {where}: it is not JSON ({error})") from None
    if is_nested_deeply(value):
        raise DataError(f"cannot read {where}: its JSON is nested too deeply")
    return value


def is_nested_deeply(value):
    """Whether a value of JSON has more than DEEPEST lists and objects within one another."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [each for outer in level if isinstance(outer, (dict, list))
                 for each in (outer.values() if isinstance(outer, dict) else outer)]
    return bool(level)


def _unique(pairs):
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key occurs twice")
    return members


def sha256_of(path):
    """SHA-256 of a file's bytes, in hex. Raises DataError as `open_input`."""
    with open_input(path) as (stream, _):
        digest = hashlib.sha256()
        while piece := stream.read(1 << 20):
            digest.update(piece)
        return digest.hexdigest()


def unpacked_limit(packed):
    """Bytes that a compressed file of `packed` bytes may unpack to, in every reader: 64 times as many and 64 MiB."""
    return _UNPACKED_FLOOR + _UNPACKED_RATIO * packed
