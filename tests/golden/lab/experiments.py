"""Measurements to try: of refpcm's own chips, and of the other simulators in docs/examples/lab_simulators.py."""

import importlib.util
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from refpcm.fast import chip as fast_chip
from refpcm.golden.lab.measurements import measured

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "lab_simulators.py"
TIMES_S = (25.0, 600.0, 86400.0, 2592000.0)


def of_chip(device, targets_us, devices, times_s=TIMES_S, reads=2, seed=5):
    """Return Measurements of G+ of a chip: `devices` of each target, read at each time so often."""
    device = replace(device, identity="devices")
    matrix = np.repeat(np.append(targets_us, device.g_max_us)[:, None], devices, 1)  # the last row sets W_max
    chip = fast_chip.program({"bins": matrix}, device, seed, 0, dtype=np.float64)
    g_us = np.array([[fast_chip.read_conductances(chip, chip.crossbars[0], t_s, read)[0, :-1].ravel()
                      for read in range(reads)] for t_s in times_s])
    time, read, number = (index.ravel() for index in np.indices(g_us.shape))
    return of_columns(device=number, target_us=matrix[:-1].ravel()[number], time_s=np.array(times_s)[time],
                      g_us=g_us.ravel(), read=read)


def of_columns(**columns):
    """Return Measurements of columns of any numbers."""
    columns = {name: np.asarray(values, np.float64) for name, values in columns.items()}
    return measured(columns, lambda row: f"row {row}")


@cache
def simulators():
    """Return the module docs/examples/lab_simulators.py."""
    spec = importlib.util.spec_from_file_location("lab_simulators", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def differing(rows):
    """Return {quantity: [target in uS, None for all together]} of the Rows that differ."""
    found = {}
    for row in rows:
        if row.verdict == "differs":
            found.setdefault(row.quantity, []).append(row.targets and row.targets[0])
    return found
