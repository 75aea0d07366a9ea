"""Finished units on disk: an evaluation that was interrupted, or is widened, goes on where it was.

One small JSON file a unit, written atomically, named by the protocol's fingerprint and the task's name (chip, time and
read). It holds the number of recognised images for each compensation that has been run so far, the evidence behind these
numbers (refpcm/evaluation/evidence.py), which older files lack, and a SHA-256 of all that.
"""

import hashlib
import json
import os

from refpcm.errors import RefpcmError
from refpcm.evaluation.evidence import Counts
from refpcm.files.atomic import atomic_file, make_folder
from refpcm.files.reading import read_json


class Store:
    """Units in `folder`, which is made if missing. Raises RefpcmError where it cannot be."""

    def __init__(self, folder, fingerprint):
        self.folder, self.fingerprint = os.path.join(folder, "units"), fingerprint
        make_folder(self.folder)

    def path(self, task):
        """Of the task's file, whether it is there or not."""
        return os.path.join(self.folder, f"{self.fingerprint[:16]}-{task.name}.json")

    def identity(self, task):
        """What a unit's file says about whose it is."""
        return {"fingerprint": self.fingerprint, **task.address}

    def load(self, task):
        """Return the Counts {compensation: recognised images}, empty if the unit has not been run or its file is of no use."""
        try:
            unit = read_json(self.path(task))
            whole = unit.pop("sha256") == digest_of_unit(unit)
            evidence = unit.pop("evidence", {})
            counts = Counts(unit["correct"], evidence)
            return counts if whole and unit == {**self.identity(task), "correct": unit["correct"]} else Counts()
        except (RefpcmError, ValueError, KeyError, TypeError, AttributeError):
            return Counts()

    def save(self, task, correct):
        """Write the unit {compensation: recognised images}, with its evidence if it has some, atomically.

        Raises RefpcmError if it cannot be written.
        """
        unit = {**self.identity(task), "correct": correct}
        if getattr(correct, "evidence", None):
            unit["evidence"] = correct.evidence
        with atomic_file(self.path(task)) as stream:
            stream.write(json.dumps({**unit, "sha256": digest_of_unit(unit)}, indent=1).encode())


def digest_of_unit(unit):
    """Return the SHA-256 of a unit's content, everything but the digest itself."""
    return hashlib.sha256(json.dumps(unit).encode()).hexdigest()
