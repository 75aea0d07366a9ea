"""From a number of an evaluation to the units behind it and to their chips: everything is counted again.

A unit is one read of one chip. It keeps which images were right, one bit each (refpcm/evaluation/evidence.py). The bits
are counted, compared with the count that the unit stores and with the accuracy in result.json, and summarised anew.
"""

import os
from dataclasses import asdict

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.evaluation.evidence import Counts, lacking, unpacked
from refpcm.evaluation.nested import summarise_shares
from refpcm.evaluation.protocol import Task
from refpcm.evaluation.store import digest_of_unit
from refpcm.files.reading import read_json
from refpcm.inspection.folders import DAMAGE

OK, CHANGED, DIFFERS, NOT_THERE = "ok", "changed", "differs", "not there"


def units_behind(folder, result, protocol, row):
    """Return the units of one row of result.json, a dict for each chip and read in that order; see `checked_unit`."""
    tasks = [Task(protocol, chip, float(row["t_s"]), draw, (row["compensation"],))
             for chip in range(protocol.chips) for draw in range(protocol.reads)]
    return [checked_unit(folder, result, row, task) for task in tasks]


def checked_unit(folder, result, row, task):
    """Return {"chip", "read", "file", "status", "stored", "counted", "lacks", "chip_sha256", "what"} of a unit.

    stored: images right as its file says; counted: as its bits say, None without bits; lacks: names of the evidence
    that is not in the file; what: what is wrong, or "". stored and counted are None for a file that is
    missing or damaged.
    """
    file = os.path.join("units", f"{result['fingerprint'][:16]}-{task.name}.json")
    found = {"chip": task.chip, "read": task.draw, "file": file, "status": NOT_THERE, "stored": None, "counted": None,
             "lacks": [], "chip_sha256": None, "what": "no such file"}
    path = os.path.join(folder, file)
    if not os.path.lexists(path):
        return found
    try:
        unit = read_json(path)
        if unit.pop("sha256") != digest_of_unit(unit):
            return {**found, "status": DIFFERS, "what": "the file was altered: its content has another hash"}
        evidence = unit.pop("evidence", {})
        if unit != {"fingerprint": result["fingerprint"], **task.address, "correct": unit["correct"]}:
            return {**found, "status": DIFFERS, "what": "the file is that of another unit"}
        return {**found, **_counted(unit["correct"], evidence, result, row, task)}
    except RefpcmError as error:
        return {**found, "status": DIFFERS, "what": str(error)}
    except DAMAGE:
        return {**found, "status": DIFFERS, "what": "the file is damaged, or of another version"}


def _counted(correct, evidence, result, row, task):
    """Return the entries of `checked_unit` that a whole file of this unit gives."""
    name, images = row["compensation"], result["test_images"]
    if name not in correct:
        return {"what": f"its file has no count for {name}"}
    stored, text = int(correct[name]), evidence.get("right", {}).get(name)
    counted = None if text is None else int(unpacked(text, evidence["images"]).sum())
    lacks = [each for each in lacking(Counts({name: stored}, evidence)) if each != "right" or text is None]
    known = {"stored": stored, "counted": counted, "lacks": lacks, "chip_sha256": evidence.get("chip_sha256")}
    listed = row["accuracies"][task.chip][task.draw]
    for wrong, what in ((counted not in (None, stored), f"{counted} bits are set, {stored} images stored"),
                        (evidence.get("images", images) != images,
                         f"it saw {evidence.get('images')} images, not {images}"),
                        (stored / images != listed, f"result.json says {listed!r} for it")):
        if wrong:
            return {**known, "status": DIFFERS, "what": what}
    return {**known, "status": NOT_THERE if lacks else OK, "what": f"lacks {', '.join(lacks)}" if lacks else ""}


def number_again(row, units, images):
    """Return {"status", "what", "again"} of the number: again, its summary from the units, must equal it exactly.

    Counts of units without bits are taken as they are stored. again is None if a unit has no count.
    """
    counts = [unit["stored"] if unit["counted"] is None else unit["counted"] for unit in units]
    if None in counts:
        lost = sum(count is None for count in counts)
        return {"status": NOT_THERE, "again": None,
                "what": f"cannot be counted again: {lost} of {len(counts)} units without a count"}
    again = asdict(summarise_shares(np.reshape(counts, np.shape(row["accuracies"])) / images))
    same = all(row.get(name) == value for name, value in again.items())
    stored = sum(unit["counted"] is None for unit in units)
    what = f"counted again from {len(units)} unit{'s' * (len(units) != 1)}"
    what += f", {stored} of them without bits, as stored" if stored else ""
    return {"status": OK if same else DIFFERS, "again": again,
            "what": what if same else f"{what}: mean {again['mean']!r}, not {row['mean']!r}, or another spread"}


def chips_behind(units, program_again, progress):
    """Return {"chip", "status", "chip_sha256", "again", "what"} of each chip of the units.

    program_again: None, or a function of the chip's number that gives the hash of the chip programmed again and may
    raise RefpcmError; progress(done, total) is then called after every chip.
    """
    numbers, found = sorted({unit["chip"] for unit in units}), []
    for done, number in enumerate(numbers, 1):
        noted = sorted({unit["chip_sha256"] for unit in units if unit["chip"] == number and unit["chip_sha256"]})
        found.append({"chip": number, **_chip(number, noted, program_again)})
        if program_again:
            progress(done, len(numbers))
    return found


def _chip(number, noted, program_again):
    digest = noted[0] if len(noted) == 1 else None
    entry = {"status": OK, "chip_sha256": digest, "again": None, "what": "as its units note; --reprogram compares"}
    if len(noted) > 1:
        return {**entry, "status": DIFFERS, "what": f"its reads note {len(noted)} different chips"}
    if digest is None:
        return {**entry, "status": NOT_THERE, "what": "its units note no hash"}
    if program_again is None:
        return entry
    try:
        again = program_again(number)
    except RefpcmError as error:
        return {**entry, "status": NOT_THERE, "what": f"cannot be programmed again: {error}"}
    same = again == digest
    return {**entry, "status": OK if same else DIFFERS, "again": again,
            "what": "programmed again: the same" if same else f"programmed again: {again[:16]}"}
