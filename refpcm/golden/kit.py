"""The kit as files: manifest.json, its JSON Schema, and one file in the safetensors layout a level.

Numbers in the manifest are text: integers in decimal, floating point as IEEE-754 hex (float.hex of Python, %a of C).
Every tensor of a level stands in l<level>.safetensors under the key "<case>/<in or out>/<name>/<part>".
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.golden.case import Case, Input, Output, Recipe, Tolerance
from refpcm.golden.errata import ERRATA
from refpcm.golden.schema import check_schema

VERSION = "1.1"
HERE = Path(__file__).parent / "v1"
SCHEMA = "manifest.schema.json"


def write_kit(folder, cases, versions, kept=None):
    """Write cases as a kit into `folder`, which must not hold one: values of a version are frozen.

    kept: a Kit whose cases go into the new one as they are, bit for bit; of `cases` only those that it lacks are added,
    each behind the others of its level. Raises RefpcmError for a folder with a manifest, or one that cannot be written.
    """
    folder = Path(folder)
    if (folder / "manifest.json").exists():
        raise RefpcmError(f"{folder} already holds a kit, whose values are frozen; give another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SCHEMA).write_text((HERE / SCHEMA).read_text())
    except OSError as error:
        raise RefpcmError(f"cannot write {folder}: {error.strerror}") from error
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
    check_schema(manifest, json.loads((HERE / SCHEMA).read_text()), "manifest.json")
    text = json.dumps(manifest, separators=(",", ":")).replace('{"id"', '\n{"id"')  # one line a case
    (folder / "manifest.json").write_text(text + "\n")


def _case_entry(case, file, tensors):
    digest = hashlib.sha256()

    def keep(key, array):
        array = np.asarray(array, order="C")
        digest.update(key.encode() + array.tobytes())
        tensors[key] = array
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


class Kit:
    """A kit that was read: .folder, .manifest, .digest (SHA-256 of the manifest, which has those of all files), .cases.

    Raises RefpcmError for a folder without a kit, a manifest against its schema, and files whose hash does not agree.
    """

    def __init__(self, folder=None):
        self.folder = HERE if folder is None else Path(folder)
        try:
            text = (self.folder / "manifest.json").read_bytes()
            self.manifest = json.loads(text)
        except (OSError, ValueError, RecursionError) as error:
            raise RefpcmError(f"no golden kit in {self.folder} ({type(error).__name__}); it is in refpcm/golden/v1 of "
                              "the source tree and not installed with the package: "
                              "give its folder with --kit") from error
        schema = (HERE if (HERE / SCHEMA).exists() else self.folder) / SCHEMA
        check_schema(self.manifest, json.loads(schema.read_text()), self.folder / "manifest.json")
        self.digest = hashlib.sha256(text).hexdigest()
        self._files = {}
        try:
            self.cases = [self._case(entry) for entry in self.manifest["cases"]]
        except (ValueError, OverflowError) as error:  # a number that the schema's patterns let through
            raise RefpcmError(f"{self.folder / 'manifest.json'}: {error}; take an intact copy of the kit") from error

    def _tensor(self, place):
        name = place["file"]
        if name not in self._files:
            try:
                actual = hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
            except OSError as error:
                raise RefpcmError(f"{self.folder / name}: {error.strerror}; take an intact copy of the kit") from error
            if self.manifest["files"].get(name) != actual:
                raise RefpcmError(f"{self.folder / name} is not the file of this kit: "
                                  "its SHA-256 differs from the manifest's")
            self._files[name] = read_tensors(self.folder / name)[0]
        if place["key"] not in self._files[name]:
            raise RefpcmError(f"{self.folder / name} has no tensor {place['key']!r}; take an intact copy of the kit")
        return self._files[name][place["key"]]

    def _case(self, entry):
        inputs = tuple(Input(*_tensor_fields(i), _recipe(i["recipe"]) if "recipe" in i else self._tensor(i))
                       for i in entry["inputs"])
        outputs = tuple(Output(*_tensor_fields(o), _tolerance(o["tolerance"]),
                               {part: self._tensor(place) for part, place in o["expected"].items()})
                        for o in entry["outputs"])
        read = {"int": int, "float": float.fromhex, "str": str}
        parameters = {name: (read[p["type"]](p["value"]), p["unit"]) for name, p in entry["parameters"].items()}
        return Case(entry["id"], entry["level"], entry["operation"], entry["equation"], entry["interpretation"],
                    entry["catches"], parameters, inputs, outputs)


def _tensor_fields(entry):
    return entry["name"], entry["dtype"], tuple(entry["shape"]), entry["unit"]


def _tolerance(entry):
    return Tolerance(entry["kind"], float.fromhex(entry["value"]), entry["why"])


def _recipe(entry):
    return Recipe(entry["seed"], entry["layer"], float.fromhex(entry["scale"]), float.fromhex(entry["offset"]))
