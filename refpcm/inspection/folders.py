"""What is in a folder that refpcm wrote: an evaluation, an attribution of losses, a training run, a data set."""

import os

from refpcm.datasets import load
from refpcm.datasets.imagenet import is_index
from refpcm.errors import RefpcmError
from refpcm.evaluation.evidence import Counts, summary_of_evidence
from refpcm.evaluation.provenance import INITIAL, data_identity
from refpcm.evaluation.store import digest_of_unit
from refpcm.files.reading import read_json, sha256_of
from refpcm.inspection.trace import DAMAGE, damaged

ROW_COLUMNS = ("t_s", "compensation", "mean", "low", "high", "chips", "reads")
SAME, OTHER, GONE, UNKNOWN = "the file has this hash", "the file has changed since", "the file is gone", "no hash was kept"


def describe_folder(folder):
    """Return what is in a folder. Raises RefpcmError for one that refpcm did not write."""
    result, config = (os.path.join(folder, name) for name in ("result.json", "config.json"))
    if os.path.exists(config):
        return describe_training(folder, config, result)
    if os.path.exists(result):
        found = read_json(result)
        try:
            return describe_results(folder, found, result)
        except DAMAGE as error:
            raise RefpcmError(damaged(result)) from error
    if os.path.exists(os.path.join(folder, "dataset.json")) or is_index(folder):
        return describe_data(folder)
    raise RefpcmError(f"{folder} holds neither results nor a training run nor data of refpcm; give another folder or a file")


def describe_results(folder, result, path):
    """Return what is in the folder of an evaluation or of an attribution; the hashes it names are checked."""
    if not isinstance(result, dict) or not {"protocol", "fingerprint"} <= set(result):
        raise RefpcmError(f"{path} is not the result of refpcm.evaluate or refpcm.inspect loss; give another folder")
    protocol, known = result["protocol"], result.get("sha256", {})
    facts = {"network": protocol["network"], "network sha256": known.get("network"),
             "network file": checked_file(protocol["network"], known.get("network")),
             "training began with": [*known.get("starts", []), known.get("starts_end", UNKNOWN)],
             "data": result.get("data"), "data sha256": known.get("data"), "device": protocol["device"],
             "digital accuracy": result["digital_accuracy"], "test images": result["test_images"],
             "fingerprint": result["fingerprint"], "versions": result.get("versions")}
    if "times" in result:
        rows = [[row["t_s"], protocol["compensations"][0], row["accuracy"]["mean"], row["accuracy"]["low"],
                 row["accuracy"]["high"], protocol["chips"], 1] for row in result["times"]]
        return {"kind": "attribution", "path": str(folder), "facts": facts, "columns": ROW_COLUMNS, "rows": rows,
                "result": result}
    facts["evidence"] = stored_evidence(folder, result["fingerprint"])
    return {"kind": "evaluation", "path": str(folder), "facts": facts, "columns": ROW_COLUMNS,
            "rows": [[row[name] for name in ROW_COLUMNS] for row in result["rows"]], "result": result}


def checked_file(path, digest):
    """Return in words whether the file `path` still has the SHA-256 that a result names."""
    if digest is None:
        return UNKNOWN
    try:
        return SAME if sha256_of(path) == digest else OTHER
    except RefpcmError:
        return GONE


def stored_evidence(folder, fingerprint):
    """Return `refpcm.evaluation.evidence.summary_of_evidence` of the units in the folder, and how many are damaged."""
    units, damaged = [], 0
    place = os.path.join(folder, "units")
    for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
        if not name.startswith(fingerprint[:16]) or not name.endswith(".json"):
            continue
        try:
            unit = read_json(os.path.join(place, name))
            if unit.pop("sha256") != digest_of_unit(unit):
                raise RefpcmError("its content is not that of its hash")
            units.append(Counts(unit["correct"], unit.get("evidence")))
        except (RefpcmError, AttributeError, KeyError, TypeError, ValueError):
            damaged += 1
    return {**summary_of_evidence(units), "damaged": damaged}


def describe_training(folder, config_path, result_path):
    """Return what is in the folder of a training run."""
    config, result = read_json(config_path), read_json(result_path) if os.path.exists(result_path) else {}
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
