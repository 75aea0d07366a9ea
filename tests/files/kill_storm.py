"""SIGKILL at random moments: `python -m tests.files.kill_storm [60 30 20]` kills trainings, evaluations and exports.

After every kill what lies on the disk must be readable, and the same command (of a training: --resume) goes on from there.
What is finished in the end must be the same bytes as without a kill. Prints a table; exit status 1 for any fault.
"""

import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from data_tools import synthetic
from refpcm.errors import RefpcmError
from refpcm.evaluation.store import digest_of_unit
from refpcm.files.checkpoints import load_checkpoint
from refpcm.files.reading import read_json
from refpcm.files.tensors import read_tensors
from tests.commands import command, start

KILLS = {"training": 60, "evaluation": 30, "export": 20}
OVERHEAD = 0.1  # of a run's time: no later kill than this behind its end


class Storm:
    """Kills of one command. counts: of kills by what they left, of finished runs, and of faults by their words."""

    def __init__(self, name, folder, seed):
        self.name, self.folder, self.counts = name, folder, Counter()
        self.chance, self.files = random.Random(f"{seed} {name}"), [str(folder / f"{name}.{n}") for n in ("out", "err")]

    def kill(self, module, arguments, within_s):
        """Start a command and kill it at a random moment within so many seconds. -> its exit status if it was faster."""
        process = start(module, arguments, self.folder, self.files)
        process.join(self.chance.random() * within_s)
        if process.exitcode is None:
            process.kill()
            process.join()
        if process.exitcode < 0:
            self.counts["kills"] += 1
            return None
        if process.exitcode:
            self.fault(Path(self.files[1]).read_text()[-300:])
        return process.exitcode

    def fault(self, words):
        self.counts[f"FAULT: {words}"] += 1


def seconds(module, *arguments, cwd):
    """Time of an undisturbed run, which must succeed."""
    began = time.monotonic()
    done = command(module, *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return time.monotonic() - began


def storm_of_training(folder, kills, seed=0):
    """Kill a training of 30 steps, with a checkpoint after each; -> Counter."""
    storm = Storm("training", folder, seed)
    options = ["--data", "set", "--batch-size", "32", "--validation-images", "0", "--epochs", "3", "--threads", "1",
               "--checkpoint-every", "0.0001"]
    whole_s = seconds("refpcm.train", *options, "--out", "whole", cwd=folder)
    whole, killed = (folder / name / "network.safetensors" for name in ("whole", "killed"))
    while storm.counts["kills"] < kills:
        checkpoint = killed.parent / "checkpoint.safetensors"
        arguments = ["--resume", "killed"] if checkpoint.exists() else [*options, "--out", "killed"]
        ended = storm.kill("refpcm.train", arguments, whole_s / 2)
        if ended == 0:
            storm.counts["finished runs"] += 1
            if killed.read_bytes() != whole.read_bytes():
                storm.fault("the network has other bytes than without kills")
        if ended is not None:
            shutil.rmtree(killed.parent)
        elif not checkpoint.exists():
            storm.counts["nothing written yet"] += 1
        else:
            storm.counts["a checkpoint left"] += 1
            readable(storm, lambda path=checkpoint: load_checkpoint(path))
    finish(storm, "refpcm.train", ["--resume", "killed"] if killed.with_name("checkpoint.safetensors").exists()
           else [*options, "--out", "killed"], lambda: killed.read_bytes() == whole.read_bytes())
    return storm.counts


def storm_of_evaluation(folder, kills, seed=0):
    """Kill an evaluation of 12 units of the network in whole/; -> Counter."""
    storm = Storm("evaluation", folder, seed)
    options = ["--network", "whole/network.safetensors", "--data", "set", "--chips", "2", "--reads", "2", "--times",
               "25s,1day,1year", "--adabs-batches", "2", "--adabs-batch-size", "50", "--threads", "1"]
    whole_s = seconds("refpcm.evaluate", *options, "--out", "results", cwd=folder)
    results, killed = folder / "results", folder / "results-killed"
    while storm.counts["kills"] < kills:
        ended = storm.kill("refpcm.evaluate", [*options, "--out", killed.name], whole_s / 2)
        if ended == 0:
            storm.counts["finished runs"] += 1
            if content(killed) != content(results):
                storm.fault("the results have other bytes than without kills")
        if ended is not None:
            shutil.rmtree(killed)
            continue
        units = list((killed / "units").glob("*.json"))
        storm.counts["units left" if units else "nothing written yet"] += 1
        for path in units:
            readable(storm, lambda path=path: whole_unit(path))
    finish(storm, "refpcm.evaluate", [*options, "--out", killed.name], lambda: content(killed) == content(results))
    return storm.counts


def storm_of_export(folder, kills, seed=0):
    """Kill an export of the golden kit's cases of levels 0 to 3; -> Counter."""
    storm = Storm("export", folder, seed)
    whole_s = seconds("refpcm.golden", "export", "cases", "--level", "0", "1", "2", "3", cwd=folder)
    whole, killed = content(folder / "cases"), folder / "cases-killed"
    while storm.counts["kills"] < kills:
        ended = storm.kill("refpcm.golden", ["export", killed.name, "--level", "0", "1", "2", "3"], whole_s * (1 + OVERHEAD))
        storm.counts["finished runs"] += ended == 0
        storm.counts["nothing of that name"] += not killed.exists()
        if killed.exists():
            storm.counts["a whole export left"] += ended is None
            if content(killed) != whole:
                storm.fault("a part of an export was left under its name")
            shutil.rmtree(killed)
    finish(storm, "refpcm.golden", ["export", killed.name, "--level", "0", "1", "2", "3"], lambda: content(killed) == whole)
    return storm.counts


def finish(storm, module, arguments, same):
    """Let the command go on to its end after the last kill; same(): whether it ended in the same bytes."""
    done = command(module, *arguments, cwd=storm.folder)
    storm.counts["finished runs"] += 1
    if done.returncode or not same():
        storm.fault(f"after the last kill: {done.stderr[-300:]}")


def readable(storm, read):
    """Count it as a fault if read() refuses."""
    try:
        read()
    except RefpcmError as error:
        storm.fault(str(error))


def whole_unit(path):
    """Raises RefpcmError for a unit that is not whole."""
    unit = read_json(path)
    if unit.pop("sha256") != digest_of_unit(unit):
        raise RefpcmError(f"{path} is damaged")


def content(folder):
    """{relative path: bytes} of the files in a folder, hidden ones (left by kills, no part of it) apart."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")}


def main(kills=KILLS):
    """Print a line for each storm. -> exit status."""
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        synthetic.make(folder / "set", 320, 100)
        for name, storm in (("training", storm_of_training), ("evaluation", storm_of_evaluation),
                            ("export", storm_of_export)):
            began, counts = time.monotonic(), storm(folder, kills[name])
            faults = {words: number for words, number in counts.items() if words.startswith("FAULT")}
            status = status or int(bool(faults))
            print(f"{name}: " + ", ".join(f"{words} {number}" for words, number in counts.items())
                  + f", faults {sum(faults.values())}; {time.monotonic() - began:.0f} s", flush=True)
        read_tensors(folder / "whole/network.safetensors")
    return status


if __name__ == "__main__":
    sys.exit(main(dict(zip(KILLS, map(int, sys.argv[1:]))) if sys.argv[1:] else KILLS))
