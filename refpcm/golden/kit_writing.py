"""Writing a kit, in the form that kit.py reads."""

import hashlib
import json

import numpy as np

from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.golden.case import Recipe
from refpcm.golden.errata import ERRATA
from refpcm.golden.kit import HERE, add_to_digest
from refpcm.golden.new_folder import new_folder

VERSION = "1.1"
SCHEMA = "manifest.schema.json"
FROZEN = "the values of a kit are frozen; give another folder"


def write_kit(folder, cases, versions, kept=None):
    """Write cases as a kit into the new folder `folder`: all of it or nothing.

    kept: a Kit whose cases go into the new one as they are, bit for bit; of `cases` only those that it lacks are added,
    each behind the others of its level. Raises RefpcmError for a folder that is not empty or cannot be written.
    """
    with new_folder(folder, FROZEN) as partial:
        _write(partial, cases, versions, kept)


def _write(folder, cases, versions, kept):
    old = kept.manifest["cases"] if kept else []
    new = [case for case in cases if case.id not in {entry["id"] for entry in old}]
    entries, files = [], {}
    for level in sorted({case.level for case in new} | {entry["level"] for entry in old}):
        name = f"l{level}.safetensors"
        entries += [entry for entry in old if entry["level"] == level]
        tensors = read_tensors(kept.folder / name)[0] if kept and name in kept.manifest["files"] else {}
        entries += [_case_entry(case, name, tensors) for case in new if case.level == level]
        write_tensors(folder / name, tensors)
        files[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    manifest = {"kit": "refpcm-golden", "version": VERSION, "generator": versions, "files": files, "errata": ERRATA,
                "cases": entries}
    text = json.dumps(manifest, separators=(",", ":")).replace('{"id"', '\n{"id"')  # one line a case
    (folder / SCHEMA).write_bytes((HERE / SCHEMA).read_bytes())
    (folder / "manifest.json").write_bytes(text.encode() + b"\n")  # as text it would have other bytes on Windows


def _case_entry(case, file, tensors):
    digest = hashlib.sha256()

    def keep(key, array):
        tensors[key] = np.asarray(array, order="C")
        add_to_digest(digest, key, array)
        return {"file": file, "key": key}

    def input_entry(i):
        if isinstance(i.content, Recipe):
            return {**_tensor_entry(i), **_recipe_entry(i.content)}
        return {**_tensor_entry(i), **keep(f"{case.id}/in/{i.name}", i.content)}

    def output_entry(o):
        tolerance = {"kind": o.tolerance.kind, "value": float(o.tolerance.value).hex(), "why": o.tolerance.why}
        expected = {part: keep(f"{case.id}/out/{o.name}/{part}", array) for part, array in o.expected.items()}
        return {**_tensor_entry(o), "tolerance": tolerance, "expected": expected}

    inputs, outputs = [input_entry(i) for i in case.inputs], [output_entry(o) for o in case.outputs]
    parameters = {name: _parameter_entry(value, unit) for name, (value, unit) in case.parameters.items()}
    return {"id": case.id, "level": case.level, "operation": case.operation, "equation": case.equation,
            "interpretation": case.interpretation, "catches": case.catches, "parameters": parameters, "inputs": inputs,
            "outputs": outputs, "sha256": digest.hexdigest()}


def _tensor_entry(tensor):
    return {"name": tensor.name, "dtype": tensor.dtype, "shape": list(tensor.shape), "unit": tensor.unit}


def _recipe_entry(recipe):
    return {"recipe": {"seed": recipe.seed, "layer": recipe.layer, "scale": recipe.scale.hex(),
                       "offset": recipe.offset.hex()}}


def _parameter_entry(value, unit):
    text = value.hex() if isinstance(value, float) else str(value)
    return {"type": type(value).__name__, "value": text, "unit": unit}
