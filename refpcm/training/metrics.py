"""The log of a run: one JSON object a line, one line an epoch."""

import json

from refpcm.errors import RefpcmError
from refpcm.files.atomic import write_bytes


def append_record(path, record):
    """Add a line. Raises RefpcmError if it cannot be written (a full disk, say)."""
    try:
        with open(path, "a") as file:
            file.write(json.dumps(record) + "\n")
    except OSError as error:
        raise RefpcmError(f"cannot write {path}: {error.strerror}; make room, then resume the run") from None


def keep_records(path, last_step):
    """Drop the lines that a resumed run will write again: those beyond `last_step`, and one cut short by a kill."""
    kept = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            if json.loads(line)["step"] <= last_step:
                kept.append(line + "\n")
        except ValueError:
            break
    write_bytes(path, "".join(kept).encode())
