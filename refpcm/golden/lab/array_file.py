"""Measurements from an npz file: the columns of the CSV form, or the conductances of all devices at the same times.

As columns: device, target_us, time_s, g_us and perhaps read, all (n,). As a block: target_us (D,), time_s (T,) and g_us
(D, T), or (D, T, R) for R reads each time; the devices are numbered from 0.
"""

import numpy as np

from data_tools.foreign_text import shown
from refpcm.errors import RefpcmError
from refpcm.files.npz import read_npz
from refpcm.golden.lab.measurements import measured
from refpcm.golden.lab.table_file import COLUMNS, NEEDED

FORM = (f"either {', '.join(NEEDED)} and perhaps read, all of one length, or target_us (D,), time_s (T,) and g_us "
        "(D, T) or (D, T, reads)")


def read_arrays(path):
    """Return the Measurements in an npz file. Raises RefpcmError for other arrays or shapes, and as `measured`."""
    arrays, _ = read_npz(path)
    for name in arrays:
        if name not in COLUMNS:
            raise RefpcmError(f"{path}: unknown array {shown(name, 40)!r}; it holds {FORM}")
    columns = {name: array.astype(np.float64) for name, array in arrays.items()}
    if set(columns) == {"target_us", "time_s", "g_us"}:
        return _of_block(path, **columns)
    shapes = {array.shape for array in columns.values()}
    if not set(NEEDED) <= set(columns) or len(shapes) != 1 or len(shapes.pop()) != 1 or not columns["g_us"].size:
        found = ", ".join(f"{name} {array.shape}" for name, array in columns.items()) or "nothing"
        raise RefpcmError(f"{path} holds {shown(found, 300)}; wanted is {FORM}")
    return measured(columns, lambda row: f"{path}, row {row}")


def _of_block(path, target_us, time_s, g_us):
    shape = (target_us.size, time_s.size)
    if target_us.ndim != 1 or time_s.ndim != 1 or g_us.ndim not in (2, 3) or g_us.shape[:2] != shape or not g_us.size:
        raise RefpcmError(f"{path}: g_us {g_us.shape} does not fit target_us {target_us.shape} and time_s "
                          f"{time_s.shape}; wanted is {FORM}")
    device, time, read = (part.ravel() for part in np.indices(g_us.reshape(*shape, -1).shape))
    columns = {"device": device, "target_us": target_us[device], "time_s": time_s[time], "g_us": g_us.ravel(),
               "read": read}
    return measured({name: np.asarray(column, np.float64) for name, column in columns.items()},
                    lambda row: f"{path}, g_us[{', '.join(map(str, np.unravel_index(row, g_us.shape)))}]")
