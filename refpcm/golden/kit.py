"""Reading a kit: manifest.json and one file in the safetensors layout a level, verified by their digests.

Numbers in the manifest are text: integers in decimal, floating point as IEEE-754 hex (float.hex of Python, %a of C).
Every tensor of a level stands in l<level>.safetensors under the key "<case>/<in or out>/<name>/<part>".

A chain of SHA-256 leads from a released version to every number: `released` has the manifest's digest, the manifest
those of the files and of the tensors of each case, and all tolerances. What breaks the chain is refused here; `check`
says when a manifest is not a released one. The JSON Schema beside the manifest is for other programs.
"""

import fnmatch
import hashlib
import math
import re
from pathlib import Path

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.files.reading import parse_json, read_bytes, sha256_of
from refpcm.files.tensors import read_tensors
from refpcm.golden.case import PRECISION, Case, Input, Output, Recipe, Tolerance
from refpcm.golden.compare import PARTS, POISON, PROBES, SUMS
from refpcm.golden.released import RELEASED

KITS = {major: Path(__file__).parent / f"v{major}" for major in (1, 2)}  # the kits of this source tree
NEWEST = max(KITS)
LARGEST_MANIFEST = 2 ** 24  # bytes
LARGEST_RECIPE = 2 ** 24  # numbers of an input that is made, not stored; those of the largest case have 2.4 million
DTYPES = (*POISON, "uint8")  # the last of inputs only
READ = {"int": int, "float": float.fromhex, "str": str}
WRONG_FORM = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)


class Kit:
    """A kit that was read and verified.

    folder: of the kit, or the major version of one of KITS as text; None: the newest of them. .folder, .manifest,
    .major, .digest (SHA-256 of the manifest), .released (whether it is that of a released version), .cases, .errata
    ([{case, since, text}]).
    Raises RefpcmError, naming the file, for a folder without a kit, a manifest of another form or major version, and
    files or cases whose SHA-256 does not agree.
    """

    def __init__(self, folder=None):
        self.folder = kit_folder(folder)
        path = self.folder / "manifest.json"
        if not path.exists():
            raise RefpcmError(f"no golden kit in {self.folder}; kit {NEWEST} is installed with the package, older ones are "
                              "in refpcm/golden of the source tree: give a folder with --kit")
        text = read_bytes(path, LARGEST_MANIFEST)
        self.digest = hashlib.sha256(text).hexdigest()
        self.manifest = parse_json(text, path)
        try:
            version = self.manifest["version"]
            self.major = int(version.split(".")[0])
            if self.major not in KITS:
                raise RefpcmError(f"{path} is a kit of version {version}; this refpcm reads versions "
                                  + " and ".join(f"{major}.x" for major in KITS))
            self.released = RELEASED.get(version) == self.digest
            self._tensors = {name: self._verified(name, digest) for name, digest in self.manifest["files"].items()}
            self.cases = [self._case(entry) for entry in self.manifest["cases"]]
            self.errata = [{name: e[name] for name in ("case", "since", "text")} for e in self.manifest["errata"]]
            demand(is_text(*(text for erratum in self.errata for text in erratum.values())), "an erratum is no text")
        except WRONG_FORM as error:
            raise RefpcmError(f"{path} is not the manifest of a golden kit ({type(error).__name__}: {error}); "
                              "take an intact copy of the kit") from error

    def chosen(self, levels=None, patterns=None):
        """Return the cases of these levels whose id fits one of the patterns; None: of all levels, of any id.

        Raises RefpcmError if there is none.
        """
        patterns = patterns or ["*"]
        cases = [case for case in self.cases if (levels is None or case.level in levels)
                 and any(fnmatch.fnmatchcase(case.id, pattern) for pattern in patterns)]
        if not cases:
            raise RefpcmError(f"no case fits {' '.join(patterns)}; python -m refpcm.golden list shows all")
        return cases

    def _verified(self, name, digest):
        """Return the tensors {key: array} of a file of the kit."""
        demand(re.fullmatch(r"[\w-]+\.safetensors", name), f"a file is named {name!r}")
        if sha256_of(self.folder / name) != digest:
            raise RefpcmError(f"{self.folder / name} is not the file of this kit: its SHA-256 differs from the "
                              "manifest's; take an intact copy of the kit")
        return read_tensors(self.folder / name)[0]

    def _case(self, entry):
        id = entry["id"]
        demand(re.fullmatch(r"L[0-8]-[a-z0-9-]+", id), f"a case is named {id!r}")
        demand(entry["level"] == int(id[1]), f"{id} says level {entry['level']}")
        demand(re.fullmatch(r"[a-z][a-z0-9_]*", entry["operation"]), f"{id} asks for operation {entry['operation']!r}")
        digest = hashlib.sha256()
        inputs = tuple(self._input(i, digest) for i in entry["inputs"])
        outputs = tuple(self._output(o, digest) for o in entry["outputs"])
        if digest.hexdigest() != entry["sha256"]:
            raise RefpcmError(f"{self.folder / 'manifest.json'}: the tensors of case {id} do not agree with its "
                              "SHA-256; take an intact copy of the kit")
        parameters = {name: (READ[p["type"]](p["value"]), p["unit"]) for name, p in entry["parameters"].items()}
        texts = (entry[name] for name in ("equation", "interpretation", "catches"))
        demand(is_text(*texts, *(unit for _, unit in parameters.values())), f"{id} has numbers where text belongs")
        return Case(id, entry["level"], entry["operation"], entry["equation"], entry["interpretation"],
                    entry["catches"], parameters, inputs, outputs)

    def _input(self, entry, digest):
        if "recipe" in entry:
            recipe = entry["recipe"]
            demand(math.prod(entry["shape"]) <= LARGEST_RECIPE, f"{entry['name']} is to be made of more than 2^24 numbers")
            demand(all(type(recipe[name]) is int and 0 <= recipe[name] < limit
                       for name, limit in (("seed", 2 ** 32), ("layer", 2 ** 16))), f"{entry['name']} has another recipe")
            demand(entry["dtype"] in PRECISION, f"{entry['name']} is to be made as {entry['dtype']}")
            return Input(*_tensor_fields(entry), Recipe(recipe["seed"], recipe["layer"], float.fromhex(recipe["scale"]),
                                                        float.fromhex(recipe["offset"])))
        found = Input(*_tensor_fields(entry), self._tensor(entry, digest))
        demand((str(found.content.dtype), found.content.shape) == (found.dtype, found.shape),
               f"{entry['key']} has another dtype or shape")
        return found

    def _output(self, entry, digest):
        tolerance = Tolerance(entry["tolerance"]["kind"], float.fromhex(entry["tolerance"]["value"]),
                              entry["tolerance"]["why"])
        expected = {part: self._tensor(place, digest) for part, place in entry["expected"].items()}
        found = Output(*_tensor_fields(entry), tolerance, expected)
        demand(is_text(tolerance.why) and found.dtype in POISON, f"{found.name} has a tolerance or dtype of no output")
        demand(set(expected) == set(PARTS[tolerance.kind]), f"{found.name} has other parts than {tolerance.kind} takes")
        shape = (PROBES + len(SUMS),) if tolerance.kind == "probe" else found.shape
        demand("value" not in expected or all(part.shape == shape for part in expected.values()),
               f"an expectation of {found.name} has another shape")
        return found

    def _tensor(self, place, digest):
        array = self._tensors[place["file"]][place["key"]]
        add_to_digest(digest, place["key"], array)
        return array


def kit_folder(name):
    """Return the folder of a kit: of a major version, such as "1", of the newest one for None, or the folder itself."""
    if name is None:
        return KITS[NEWEST]
    shipped = {str(major): folder for major, folder in KITS.items()}
    return shipped.get(str(name)) or Path(name)


def demand(fulfilled, otherwise):
    """Raises ValueError with this text unless fulfilled."""
    if not fulfilled:
        raise ValueError(otherwise)


def add_to_digest(digest, key, array):
    """Let a tensor into the SHA-256 of its case: its key, and its data in C order."""
    digest.update(key.encode() + np.asarray(array, order="C").tobytes())


def _tensor_fields(entry):
    name, dtype, shape, unit = (entry[key] for key in ("name", "dtype", "shape", "unit"))
    demand(is_text(name, unit) and dtype in DTYPES, f"a tensor is named {name!r}, {dtype!r}, [{unit!r}]")
    demand(all(type(size) is int and size >= 0 for size in shape), f"{name} has the shape {shape!r}")
    return name, dtype, tuple(shape), unit


def is_text(*values):
    """Whether all values are text."""
    return all(isinstance(value, str) for value in values)
