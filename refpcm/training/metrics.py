"""The log of a run: one JSON object a line, one line an epoch."""

import json

from refpcm.errors import RefpcmError
from refpcm.files.atomic import write_bytes
from refpcm.files.reading import read_bytes

LOG_LIMIT = 1 << 30  # bytes, some four million epochs


def append_record(path, record):
    """Add a line. Raises RefpcmError if it cannot be written (a full disk, say)."""
    try:
        with open(path, "ab") as file:
            file.write(json.dumps(record).encode() + b"\n")
    except OSError as error:
        raise RefpcmError(f"cannot write {path}: {error.strerror}; make room, then resume the run") from None


def keep_records(path, last_step):
    """Drop the lines that a resumed run will write again, those beyond `last_step`, and lines that are damaged.

    Raises RefpcmError if the log cannot be read or written.
    """
    kept = []
    try:
        empty = not path.exists() or path.stat().st_size == 0 and path.is_file()
        lines = () if empty else read_bytes(path, LOG_LIMIT).splitlines()
    except (OSError, RefpcmError) as error:
        raise RefpcmError(f"cannot read {path}: {error}; move it away, then resume the run") from None
    for line in lines:
        try:
            if json.loads(line)["step"] <= last_step:
                kept.append(line + b"\n")
        except (ValueError, TypeError, KeyError, RecursionError):  # cut short by a kill, or not ours
            continue
    write_bytes(path, b"".join(kept))
