"""Writing a kit, in the form that kit.py reads."""

import hashlib
import json
from dataclasses import replace

import numpy as np

from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.golden.case import Recipe
from refpcm.golden.constants import device_entries, network_entries
from refpcm.golden.errata import ERRATA
from refpcm.golden.kit import KITS, NEWEST, add_to_digest
from refpcm.golden.new_folder import new_folder

VERSIONS = {1: "1.1", 2: "2.2"}  # by major version
SCHEMA = "manifest.schema.json"
FORMAT = "FORMAT.md"
STORED_UP_TO = 300_000  # numbers of a case that have a recipe; version 2 has the recipes of larger cases only
FROZEN = "the values of a kit are frozen; give another folder"


def write_kit(folder, cases, versions, kept=None, major=NEWEST):
    """Write cases as a kit of this major version into the new folder `folder`: all of it or nothing.

    kept: a Kit. One of the same major version: its cases go into the new one as they are, bit for bit; of `cases` only
    those that it lacks are added, each behind the others of its level. One of an older major version: cases of an id
    that it has get its inputs and expectations, bit for bit; it has no others.
    Raises RefpcmError for a folder that is not empty or cannot be written.
    """
    with new_folder(folder, FROZEN) as partial:
        if kept and kept.major != major:
            old = {case.id: case for case in kept.cases}
            cases, kept = [old.get(case.id, case) for case in cases], None
        _write(partial, cases, versions, kept, major)


def with_stored_inputs(case):
    """Return the case with its inputs stored instead of made, unless they are large."""
    made = [i for i in case.inputs if isinstance(i.content, Recipe)]
    if sum(int(np.prod(i.shape)) for i in made) > STORED_UP_TO:
        return case
    return replace(case, inputs=tuple(replace(i, content=i.array()) for i in case.inputs))


def _write(folder, cases, versions, kept, major):
    old = kept.manifest["cases"] if kept else []
    new = [case for case in cases if case.id not in {entry["id"] for entry in old}]
    if major > 1:
        new = [with_stored_inputs(case) for case in new]
    entries, files = [], {}
    for level in sorted({case.level for case in new} | {entry["level"] for entry in old}):
        name = f"l{level}.safetensors"
        entries += [entry for entry in old if entry["level"] == level]
        tensors = read_tensors(kept.folder / name)[0] if kept and name in kept.manifest["files"] else {}
        entries += [_case_entry(case, name, tensors, major > 1) for case in new if case.level == level]
        write_tensors(folder / name, tensors)
        files[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    manifest = {"kit": "refpcm-golden", "version": VERSIONS[major], "generator": versions, "files": files,
                "errata": ERRATA[major]}
    if major > 1:
        manifest.update(devices=device_entries(), networks=network_entries())
    text = json.dumps({**manifest, "cases": entries}, separators=(",", ":")).replace('{"id"', '\n{"id"')  # a line a case
    for name in (SCHEMA,) if major == 1 else (SCHEMA, FORMAT, "LICENSE"):
        (folder / name).write_bytes((KITS[major] / name).read_bytes())
    (folder / "manifest.json").write_bytes(text.encode() + b"\n")  # as text it would have other bytes on Windows


def _case_entry(case, file, tensors, share):
    """share: a tensor that another case of the file has already is stored once, under that case's key."""
    digest = hashlib.sha256()

    def keep(key, array):
        array = np.asarray(array, order="C")
        same = (k for k in tensors if share and k.split("/")[2:] == key.split("/")[2:] and _equal(tensors[k], array))
        key = next(same, key)
        tensors[key] = array
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


def _equal(a, b):
    return (a.dtype, a.shape) == (b.dtype, b.shape) and a.tobytes() == b.tobytes()


def _tensor_entry(tensor):
    return {"name": tensor.name, "dtype": tensor.dtype, "shape": list(tensor.shape), "unit": tensor.unit}


def _recipe_entry(recipe):
    return {"recipe": {"seed": recipe.seed, "layer": recipe.layer, "scale": recipe.scale.hex(),
                       "offset": recipe.offset.hex()}}


def _parameter_entry(value, unit):
    text = value.hex() if isinstance(value, float) else str(value)
    return {"type": type(value).__name__, "value": text, "unit": unit}
