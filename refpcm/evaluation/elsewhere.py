"""Units in other processes, on this machine or another: what travels with a unit, and the inputs that a process keeps.

A unit travels with the names of its files, not with their content. So a process that runs one loads the files itself and
computes the fingerprint of what it found: another file under the same name, or another version of this code, is refused.
"""

import os
import threading
from dataclasses import replace

from refpcm.errors import RefpcmError
from refpcm.evaluation.inputs import load_inputs

_latest, _loading = None, threading.Lock()  # (what was asked for, its Inputs, fingerprints that were found right)


def portable(task):
    """Return the unit with absolute paths, which hold in any working folder."""
    protocol = task.protocol
    paths = {name: os.path.abspath(value) for name in ("network", "data", "device", "range_network")
             if (value := getattr(protocol, name, None)) and (name != "device" or str(value).endswith(".toml"))}
    return replace(task, protocol=replace(protocol, **paths))


def work_elsewhere(work, fingerprint_of, fingerprint, task):
    """Return work(inputs, task) in a process that is handed nothing but the unit.

    The inputs are kept for the next unit, and loaded again only where the protocol or a file has changed.
    Raises RefpcmError where fingerprint_of(inputs, protocol) is not the caller's fingerprint.
    """
    inputs, right = _inputs_of(task.protocol)
    if fingerprint not in right:
        if fingerprint_of(inputs, task.protocol) != fingerprint:
            raise RefpcmError(f"a process that evaluates finds another network, other data, another device or another "
                              f"version of refpcm than the command that started it: make {task.protocol.network} and the "
                              "other files the same on all machines")
        right.add(fingerprint)
    return work(inputs, task)


def _inputs_of(protocol):
    global _latest
    names = protocol.network, protocol.data, getattr(protocol, "device", None)
    wanted = names, protocol.kernels, [_stamp(name) for name in names]
    with _loading:  # threads that begin together load once
        if _latest is None or _latest[0] != wanted:
            _latest = None
            _latest = wanted, load_inputs(protocol), set()
        return _latest[1:]


def _stamp(path):
    """What changes when a file, or one in a folder, is written anew: names, times, sizes."""
    try:
        paths = sorted(entry.path for entry in os.scandir(path)) if path and os.path.isdir(path) else [path]
        return tuple((each, found.st_mtime_ns, found.st_size) for each in paths for found in [os.stat(each)])
    except (OSError, TypeError, ValueError):  # built in, or not there: reading it has more to say
        return None
