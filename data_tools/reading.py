"""Text files that a user names."""

from pathlib import Path

from data_tools.errors import DataError


def read_text(path):
    """The text of a UTF-8 file, without a byte order mark. Raises DataError for other content, OSError for the disk."""
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text; convert it, or name another file") from None
