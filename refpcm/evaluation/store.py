"""Finished units on disk: an evaluation that was interrupted, or is widened, goes on where it was.

One small JSON file a unit, written atomically, named by the protocol's fingerprint and the task's name (chip, time and
read). It holds the number of recognised images for each compensation that has been run so far.
"""

import json
import os

from refpcm.files.atomic import atomic_file, make_folder


class Store:
    """Units in `folder`, which is made if missing. Raises RefpcmError where it cannot be."""

    def __init__(self, folder, fingerprint):
        self.folder, self.fingerprint = os.path.join(folder, "units"), fingerprint
        make_folder(self.folder)

    def path(self, task):
        return os.path.join(self.folder, f"{self.fingerprint[:16]}-{task.name}.json")

    def identity(self, task):
        """What a unit's file says about whose it is."""
        return {"fingerprint": self.fingerprint, **task.address}

    def load(self, task):
        """{compensation: recognised images}, empty if the unit has not been run or its file is of no use."""
        try:
            with open(self.path(task), encoding="utf-8") as file:
                unit = json.load(file)
            wanted = self.identity(task)
            if {key: unit[key] for key in wanted} != wanted:
                return {}
            return {name: int(count) for name, count in unit["correct"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def save(self, task, correct):
        unit = {**self.identity(task), "correct": correct}
        with atomic_file(self.path(task)) as stream:
            stream.write(json.dumps(unit, indent=1).encode())
