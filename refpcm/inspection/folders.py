"""What is in a folder that refpcm wrote: an evaluation, its units, an attribution of losses, a training run, a data set."""

import os

from refpcm.datasets import load
from refpcm.datasets.imagenet import is_index
from refpcm.errors import RefpcmError
from refpcm.evaluation.evidence import Counts, summary_of_evidence
from refpcm.evaluation.provenance import INITIAL, data_identity
from refpcm.evaluation.store import digest_of_unit
from refpcm.files.reading import read_json, sha256_of
from refpcm.inspection.places import located, where_looked

ROW_COLUMNS = ("t_s", "compensation", "mean", "low", "high", "chips", "reads")
UNIT_COLUMNS = ("fingerprint", "t_s", "chips", "reads", "units")
SAME, OTHER, UNKNOWN = "the file has this hash", "the file has changed since", "no hash was kept"
UNNOTED = "not noted"
DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # what a damaged result.json or unit leads to


def describe_folder(folder):
    """Return what is in a folder. Raises RefpcmError for one that refpcm did not write."""
    result, config = (os.path.join(folder, name) for name in ("result.json", "config.json"))
    if os.path.exists(config):
        return describe_training(folder, config, result)
    if os.path.exists(result):
        return describe_results(folder, read_json(result), result)
    if os.path.exists(os.path.join(folder, "dataset.json")) or is_index(folder):
        return describe_data(folder)
    if os.path.isdir(os.path.join(folder, "units")):
        return describe_units(folder)
    raise RefpcmError(f"{folder} holds neither results nor a training run nor data of refpcm; give another folder or a file")


def describe_results(folder, result, path):
    """Return what is in the folder of an evaluation or of an attribution; the hashes it names are checked.

    Raises RefpcmError for the result of something else, and for one that is damaged.
    """
    if not isinstance(result, dict) or not {"protocol", "fingerprint"} <= set(result):
        raise RefpcmError(f"{path} is not the result of refpcm.evaluate or refpcm.inspect loss; give another folder")
    try:
        return _described_results(folder, result)
    except DAMAGE as error:
        raise RefpcmError(damaged(path)) from error


def damaged(path):
    """Return the sentence about a result.json that is no longer as an evaluation wrote it."""
    return f"{path} is damaged, or of another version of refpcm; run the evaluation's command again"


def _described_results(folder, result):
    """Return what `describe_results` does. Raises one of DAMAGE for odd entries."""
    protocol, known = result["protocol"], result.get("sha256", {})
    facts = {"network": str(protocol["network"]), "network sha256": known.get("network"),
             "network file": checked_file(str(protocol["network"]), known.get("network"), folder),
             "training began with": [*known.get("starts", []), known.get("starts_end", UNKNOWN)],
             "data": result.get("data"), "data sha256": known.get("data"), "device": protocol["device"],
             "device in full": result.get("device", UNNOTED),
             "digital accuracy": result["digital_accuracy"], "test images": result["test_images"],
             "fingerprint": result["fingerprint"], "versions": result.get("versions")}
    if "times" in result:
        rows = [_row(row["t_s"], protocol["compensations"][0], *(row["accuracy"][name] for name in ("mean", "low", "high")),
                     protocol["chips"], 1) for row in result["times"]]
        return {"kind": "attribution", "path": str(folder), "facts": facts, "columns": ROW_COLUMNS, "rows": rows,
                "result": result}
    units, lost = stored_units(folder, str(result["fingerprint"])[:16])
    facts["evidence"] = {**summary_of_evidence([counts for _, counts in units]), "damaged": lost}
    return {"kind": "evaluation", "path": str(folder), "facts": facts, "columns": ROW_COLUMNS,
            "rows": [_row(*(row[name] for name in ROW_COLUMNS)) for row in result["rows"]], "result": result}


def _row(t_s, compensation, mean, low, high, chips, reads):
    """Return a row of ROW_COLUMNS, each entry of its type. Raises one of DAMAGE for others."""
    low, high = (None if value is None else float(value) for value in (low, high))
    return [float(t_s), str(compensation), float(mean), low, high, int(chips), int(reads)]


def checked_file(path, digest, folder):
    """Return in words whether the file that a result in `folder` names still has the SHA-256 that it notes."""
    if digest is None:
        return UNKNOWN
    place = located(path, folder, lambda place: has_digest(place, digest))
    if place is None:
        return where_looked(path, folder)
    return (SAME if has_digest(place, digest) else OTHER) + ("" if place == path else f": {place}")


def has_digest(path, digest):
    """Return whether the file can be read and has this SHA-256."""
    try:
        return sha256_of(path) == digest
    except RefpcmError:
        return False


def stored_units(folder, begin=""):
    """Return [(content, Counts)] of the whole units in `folder` whose names begin so, and the number of damaged ones."""
    units, lost = [], 0
    place = os.path.join(folder, "units")
    for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
        if not name.startswith(begin) or not name.endswith(".json"):
            continue
        try:
            unit = read_json(os.path.join(place, name))
            if unit.pop("sha256") != digest_of_unit(unit):
                raise RefpcmError("its content is not that of its hash")
            units.append((unit, Counts(unit["correct"], unit.get("evidence"))))
        except (RefpcmError, *DAMAGE):
            lost += 1
    return units, lost


def describe_units(folder):
    """Return what is in a folder of units without a result: an evaluation that is not finished, or a part of a program's.

    Raises RefpcmError if there is no whole unit.
    """
    units, lost = stored_units(folder)
    groups = {}
    for unit, _ in units:
        try:
            groups.setdefault((str(unit["fingerprint"])[:16], float(unit["t_s"])), []).append((unit["chip"], unit["read"]))
        except DAMAGE:  # of an attribution, or of another version
            lost += 1
    if not groups:
        raise RefpcmError(f"{folder} holds neither results nor whole units of an evaluation; give another folder or a file")
    rows = [[mark, t_s, len({chip for chip, _ in each}), len({read for _, read in each}), len(each)]
            for (mark, t_s), each in sorted(groups.items())]
    facts = {"result": "no result.json: the evaluation is not finished, or the command that made the units keeps its result "
                       "in another folder", "units": len(units), "damaged or of another kind": lost,
             "evidence": summary_of_evidence([counts for _, counts in units])}
    return {"kind": "units of an evaluation", "path": str(folder), "facts": facts, "columns": UNIT_COLUMNS, "rows": rows}


def describe_training(folder, config_path, result_path):
    """Return what is in the folder of a training run. Raises RefpcmError for the files of something else."""
    config, result = read_json(config_path), read_json(result_path) if os.path.exists(result_path) else {}
    for path, content, needed in ((config_path, config, {"command", "data"}), (result_path, result, set())):
        if not isinstance(content, dict) or not needed <= set(content) or not isinstance(content.get("command", []), list):
            raise RefpcmError(f"{path} is not of a training run of refpcm, or damaged; give another folder or a file")
    network = os.path.join(folder, "network.safetensors")
    facts = {"finished": bool(result), "command": " ".join(map(str, config.get("command", []))),
             "data": config.get("data") or "built-in",
             "data identity": config.get("data_identity"), "start sha256": config.get("start_sha256") or INITIAL,
             "test accuracy": result.get("accuracy"), "test images": result.get("total"),
             "network sha256": sha256_of(network) if os.path.isfile(network) else None, "versions": config.get("versions")}
    return {"kind": "training run", "path": str(folder), "facts": facts, "columns": (), "rows": []}


def describe_data(folder):
    """Return what is in a prepared data folder or ImageNet index. Raises RefpcmError as `refpcm.datasets.load`."""
    data = load(folder)
    facts = {"name": data.name, "classes": list(data.classes), "image shape": list(data.test_images.shape[1:]),
             "mean": list(data.mean), "std": list(data.std), "sha256": data_identity(data)}
    rows = [["train", len(data.train_labels)], ["test", len(data.test_labels)]]
    return {"kind": "data", "path": str(folder), "facts": facts, "columns": ("split", "images"), "rows": rows}
