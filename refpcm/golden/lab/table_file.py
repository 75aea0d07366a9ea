"""Measurements from a CSV file: a line of column names, then a reading a line.

    device,target_us,time_s,g_us,read
    1,2.5,25,2.31,1

`read` numbers repeated reads of a device at a time and may be missing. Empty lines and lines that begin with # are
skipped.
"""

import array

import numpy as np

from data_tools.foreign_text import shown
from refpcm.errors import RefpcmError
from refpcm.files.reading import open_input
from refpcm.golden.lab.measurements import measured

NEEDED = ("device", "target_us", "time_s", "g_us")
COLUMNS = NEEDED + ("read",)
LONGEST_LINE = 1000  # bytes
FORM = f"the first line names the columns, with commas between: {','.join(NEEDED)}, and {COLUMNS[-1]} where reads are repeated"


def read_table(path):
    """Return the Measurements in a CSV file.

    Time and memory are proportional to its size. Raises RefpcmError, naming the line, for columns that are unknown,
    missing or there twice, for lines of another form, and as `measured`.
    """
    values, lines, names = array.array("d"), array.array("q"), None
    with open_input(path) as (stream, _):
        for number, text in enumerate(_lines(stream, path), 1):
            if not text or text.startswith("#"):
                continue
            fields = [field.strip() for field in text.split(",")]
            if names is None:
                names = _column_names(fields, f"{path}, line {number}")
                continue
            if len(fields) != len(names):
                raise RefpcmError(f"{path}, line {number}: {len(fields)} fields where there are {len(names)} columns")
            try:
                values.extend([float(field) for field in fields])
            except ValueError:
                field = next(field for field in fields if not _is_number(field))
                raise RefpcmError(f"{path}, line {number}: {shown(field, 40)!r} is no number; write it as in 2.31e1, "
                                  "columns separated by commas") from None
            lines.append(number)
    if not lines:
        raise RefpcmError(f"{path} has no readings; {FORM}")
    table = np.frombuffer(values).reshape(len(lines), len(names))
    columns = {name: table[:, i].copy() for i, name in enumerate(names)}
    return measured(columns, lambda row: f"{path}, line {lines[row]}")


def write_table(m, stream):
    """Write Measurements as a CSV file to a binary stream."""
    again = np.append(False, (m.owner[1:] == m.owner[:-1]) & (m.t_s[1:] == m.t_s[:-1]))
    read = np.arange(len(m)) - np.flatnonzero(~again)[np.cumsum(~again) - 1] + 1
    stream.write((",".join(COLUMNS) + "\n").encode())
    for owner, t_s, g_us, number in zip(m.owner, m.t_s, m.g_us, read):
        stream.write(f"{m.number[owner]:.0f},{m.target_us[owner]:.10g},{t_s:.10g},{g_us:.6g},{number}\n".encode())


def _lines(stream, path):
    """Yield the lines of a binary stream as text, stripped."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 2):
        number += 1
        if len(line) > LONGEST_LINE:
            raise RefpcmError(f"{path}, line {number} has more than {LONGEST_LINE} bytes; this is no table of "
                              f"readings: {FORM}")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            raise RefpcmError(f"{path}, line {number} is not UTF-8 text; {FORM}") from None


def _column_names(fields, where):
    for name in fields:
        if name not in COLUMNS:
            raise RefpcmError(f"{where}: unknown column {shown(name, 40)!r}; {FORM}")
        if fields.count(name) > 1:
            raise RefpcmError(f"{where}: column {name} is there twice")
    for name in NEEDED:
        if name not in fields:
            raise RefpcmError(f"{where}: column {name} is missing; {FORM}")
    return fields


def _is_number(field):
    try:
        float(field)
    except ValueError:
        return False
    return True
