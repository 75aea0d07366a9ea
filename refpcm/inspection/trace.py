"""A number of an evaluation, followed back: units, chips, network, starts of its training, data, code, equations."""

import os
from dataclasses import replace

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.evaluation.protocol import Protocol
from refpcm.files.devices import find_device
from refpcm.files.reading import read_json
from refpcm.forms import find_forms
from refpcm.inspection.folders import DAMAGE, damaged, has_digest
from refpcm.inspection.places import located
from refpcm.inspection.trace_sources import equation_links, loaded, source_links
from refpcm.inspection.trace_units import DIFFERS, OK, chips_behind, number_again, units_behind
from refpcm.spec.crossbars import program_network
from refpcm.spec.pcm.chip import chip_hash
from refpcm.times import time_text


def trace_number(folder, t_s=None, compensation=None, reprogram=False, network=None, data=None,
                 progress=lambda done, total: None):
    """Return every link behind one number of the evaluation in `folder`, ready for JSON.

    {"folder", "t_s", "compensation", "number", "units", "chips", "sources", "equations", "holds"}; holds: the number
    was counted again and nothing differs. t_s [s] and compensation choose the number, None: the only one. reprogram:
    program the chips again. network, data: where these are now, None: where the result says, seen from the current folder,
    from `folder` or from one above it. progress(done, total): after every chip programmed.
    Raises RefpcmError for a folder without the result of an evaluation, and for a number that it does not have.
    """
    result, protocol = read_result(folder)
    row = chosen_row(folder, result["rows"], t_s, compensation)
    try:
        protocol = _as_it_lies(folder, result, protocol, network, data)
        return _links(folder, result, protocol, row, reprogram, progress)
    except DAMAGE as error:
        raise RefpcmError(damaged(os.path.join(folder, "result.json"))) from error


def _as_it_lies(folder, result, protocol, network, data):
    """Return the protocol with the places at which its network, data and device file are now; where not found, as noted."""
    noted = (result.get("sha256") or {}).get("network")
    network = network or located(protocol.network, folder, lambda place: has_digest(place, noted)) or protocol.network
    data = data or protocol.data and (located(protocol.data, folder) or protocol.data)
    device = located(protocol.device, folder) if protocol.device.endswith(".toml") else None
    ranges = protocol.range_network and (located(protocol.range_network, folder) or protocol.range_network)
    return replace(protocol, network=network, data=data, device=device or protocol.device, range_network=ranges)


def _links(folder, result, protocol, row, reprogram, progress):
    """Return what `trace_number` does. row: the number's, of result["rows"]. Raises one of DAMAGE for odd entries."""
    if np.shape(row["accuracies"]) != (protocol.chips, protocol.reads) or not result["test_images"] >= 1:
        raise ValueError("accuracies of other chips or reads, or no images")
    units = units_behind(folder, result, protocol, row)
    told = {name: None if row[name] is None else float(row[name]) for name in ("mean", "low", "high")}
    number = {**told, **number_again(row, units, result["test_images"])}
    file, inputs = loaded(protocol)

    def program_again(chip):
        if file is None:
            raise RefpcmError(f"{protocol.network} cannot be read")
        device, program = find_device(protocol.device), find_forms(protocol.kernels).chip.program
        return chip_hash(program_network(file.network, file.parameters, device, protocol.seed, chip, protocol.on_chip,
                                         program))
    chips = chips_behind(units, program_again if reprogram else None, progress)
    sources = source_links(folder, result, protocol, file, inputs)
    try:
        steps = equation_links(protocol, find_device(protocol.device), row["compensation"], result.get("code"),
                               sources[-1]["status"] == OK)
    except RefpcmError:  # the device's file is gone: the link `choices` says so
        steps = []
    links = [number, *units, *chips, *sources]
    return {"folder": str(folder), "t_s": row["t_s"], "compensation": row["compensation"], "number": number,
            "units": units, "chips": chips, "sources": sources, "equations": steps,
            "holds": number["status"] == OK and all(link["status"] != DIFFERS for link in links)}


def read_result(folder):
    """Return the content of result.json in `folder` and its Protocol.

    Raises RefpcmError for what is not the result of an evaluation.
    """
    path = os.path.join(folder, "result.json")
    if not os.path.isdir(folder):
        raise RefpcmError(f"{folder} is not a folder; give the folder (--out) of an evaluation")
    result = read_json(path)
    if not isinstance(result, dict) or not {"protocol", "fingerprint", "rows", "test_images"} <= set(result):
        raise RefpcmError(f"{path} is not the result of refpcm.evaluate; give the folder of an evaluation")
    try:
        protocol = Protocol(**{name: _as_tuple(value) for name, value in result["protocol"].items()})
        check_hashes(result.get("sha256") or {})
        check_code(result.get("code"))
        rows = [{**row, "t_s": float(row["t_s"]), "compensation": str(row["compensation"])} for row in result["rows"]]
        return {**result, "rows": rows, "fingerprint": str(result["fingerprint"])}, protocol
    except (*DAMAGE, RefpcmError) as error:
        raise RefpcmError(damaged(path)) from error


def check_hashes(known):
    """Raises TypeError unless the entries of `sha256` in a result have the types that they are written with."""
    for name, kind in (("network", str), ("starts_end", str), ("data", dict), ("starts", list)):
        if not isinstance(known.get(name, kind()), kind):
            raise TypeError(name)
    if not all(isinstance(digest, str) for digest in known.get("starts", [])):
        raise TypeError("starts")


def check_code(known):
    """Raises TypeError unless `code` of a result is absent or has the types that it is written with."""
    if known is not None and not (isinstance(known["results_version"], int) and isinstance(known["equations"], dict)):
        raise TypeError("code")


def _as_tuple(value):
    """Return a list of JSON, and the lists in it, as tuples; anything else as it is."""
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


def chosen_row(folder, rows, t_s, compensation):
    """Return the one row of a time [s] and a compensation, None: any. Raises RefpcmError for none and for several."""
    found = [row for row in rows if t_s in (None, row["t_s"]) and compensation in (None, row["compensation"])]
    if len(found) != 1:
        there = ", ".join(f"{time_text(row['t_s'])} {row['compensation']}" for row in rows)
        raise RefpcmError(f"{folder} has {'several numbers' if found else 'no number'} for this; choose one of its "
                          f"numbers with --time and --compensation: {there}")
    return found[0]
