"""What FORMAT.md inside the kit says is so: its code reads the kit, its formulas give the numbers."""

import hashlib
import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from refpcm.files.tensors import read_tensors
from refpcm.golden.compare import probe
from refpcm.golden.kit import KITS, NEWEST, Kit
from refpcm.golden.reference import chosen
from refpcm.golden.small_network import network_named
from refpcm.spec import random
from refpcm.spec.pcm.curve import curve_value
from tests.golden.operations import with_section

PAGE = (KITS[NEWEST] / "FORMAT.md").read_text()


def test_the_page_says_what_every_operation_takes_and_gives():
    assert with_section(PAGE) == PAGE, "write it anew: python -m tests.golden.operations"


def test_the_page_names_every_kind_of_layer_and_its_fields():
    text = PAGE.split("## Devices and networks")[1]
    for network in Kit().manifest["networks"].values():
        for layer in network["layers"]:
            assert layer["kind"] in text and all(field in text for field in layer)


@pytest.fixture
def read_kit(monkeypatch, capsys):
    """The names that the page's Python code defines."""
    library = SimpleNamespace(load_file=lambda name: read_tensors(KITS[NEWEST] / name)[0])
    monkeypatch.setitem(sys.modules, "safetensors", SimpleNamespace(numpy=library))
    monkeypatch.setitem(sys.modules, "safetensors.numpy", library)
    monkeypatch.chdir(KITS[NEWEST])
    names = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL).group(1), names)
    return names, capsys.readouterr().out


def test_the_code_of_the_page_reads_every_case_in_fifteen_lines(read_kit):
    names, printed = read_kit
    assert len(printed.splitlines()) == 211 and "L1-drift-1h drifted {'device': 'joshi2020', 't_s': 3600.0}" in printed
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL).group(1)
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    assert set(names["expected"]) == {output.name for output in Kit().cases[-1].outputs}


def test_the_digest_of_a_case_is_what_the_page_says(read_kit):
    names, _ = read_kit
    case = next(case for case in names["manifest"]["cases"] if case["id"] == "L8-column-32")
    digest = hashlib.sha256()
    for place in [i for i in case["inputs"] if "key" in i] + [p for o in case["outputs"] for p in o["expected"].values()]:
        digest.update(place["key"].encode() + names["tensors"][place["file"]][place["key"]].tobytes())
    assert digest.hexdigest() == case["sha256"]


def test_a_recipe_is_the_formula_of_the_page():
    """Philox from its own known answers (L0); AS 241 stands in refpcm.spec.random and is tested there."""
    case = next(case for case in Kit().cases if case.id == "L4-resnet32-32")
    entry = case.inputs[1]
    recipe, n = entry.content, int(np.prod(entry.shape))
    blocks = np.arange(-(-n // 4))
    counter = np.stack([blocks, 0 * blocks, 0 * blocks, 0 * blocks + 65536 + recipe.layer], 1).astype(np.uint32)
    key = np.tile(np.array([recipe.seed, 0], np.uint32), (len(blocks), 1))
    words = random.philox4x32(counter, key).ravel()[:n]
    z = random.normal_quantile((words + 0.5) / 2.0 ** 32)
    found = (recipe.offset + recipe.scale * z).astype(np.float32).reshape(entry.shape)
    assert np.array_equal(found, entry.array())


def test_a_probe_is_the_formula_of_the_page():
    f = np.random.default_rng(0).standard_normal((3, 5, 7)).ravel()
    n, i = f.size, np.arange(f.size)
    wanted = [f[k * (n - 1) // 15] for k in range(16)] + [f.sum(), (f * (1 + (i % 97) / 97)).sum(), np.abs(f).sum()]
    np.testing.assert_allclose(probe(f.reshape(3, 5, 7))[0], wanted, rtol=1e-14)


def number(text, otherwise):
    return otherwise if text is None else float.fromhex(text)


def curve(pieces, g):
    """A curve of the manifest at one g, as the page has it."""
    for form, coefficients, low, high, below in pieces:
        if g < number(below, np.inf):
            c, at = [float.fromhex(c) for c in coefficients], max(g, 1e-7)
            value = {"polynomial": lambda: sum(c_k * g ** k for k, c_k in enumerate(c)), "power": lambda: c[0] * at ** c[1],
                     "logarithm": lambda: c[0] * np.log(at) + c[1], "reciprocal": lambda: 1 / (c[0] * g + c[1])}[form]()
            return min(max(value, number(low, -np.inf)), number(high, np.inf))


def test_devices_of_the_manifest_are_those_of_the_reference():
    for name, entry in Kit().manifest["devices"].items():
        device = chosen.device({"device": name})
        assert float.fromhex(entry["g_max_us"]) == device.g_max_us and float.fromhex(entry["t0_s"]) == device.t0_s
        for field in ("programming_us", "nu_mean", "nu_sigma", "read_noise"):
            for g in (0.0, 1e-5, 0.03, 0.4, 1.0):
                np.testing.assert_allclose(curve(entry[field], g), curve_value(getattr(device, field), np.array([g]))[0], rtol=1e-13)


def test_networks_of_the_manifest_are_those_of_the_reference():
    for name, entry in Kit().manifest["networks"].items():
        for layer, written in zip(network_named(name).layers, entry["layers"], strict=True):
            written = dict(written)
            assert written.pop("kind") == type(layer).__name__ and tuple(written.pop("inputs")) == layer.inputs
            assert all(getattr(layer, size) == value for size, value in written.items())


def tolerances_of_the_page():
    """Return the kinds in the page's table of tolerances; "sample-normal, -folded" are sample-normal and sample-folded."""
    kinds = []
    for row in re.findall(r"^\| ([a-z, -]+) \|", PAGE.split("## Tolerances")[1].split("\n## ")[0], re.MULTILINE):
        for name in row.split(", "):
            kinds.append(kinds[-1].split("-")[0] + name if name.startswith("-") else name)
    return kinds[1:]  # without the table's head


def test_the_page_names_every_kind_of_tolerance_and_no_others():
    """The schema also knows those that kit 1 alone has."""
    kinds, older = ({output.tolerance.kind for case in Kit(version).cases for output in case.outputs} for version in ("2", "1"))
    found = tolerances_of_the_page()
    assert len(found) == len(set(found)) and set(found) == kinds
    schema = json.loads((KITS[NEWEST] / "manifest.schema.json").read_text())
    assert set(schema["$defs"]["tolerance"]["properties"]["kind"]["enum"]) == kinds | older


def test_the_page_names_every_stage_of_the_chip():
    stages = {output.name.split(".")[0] for case in Kit().cases if case.level == 8 for output in case.outputs}
    assert all(re.search(rf"\b{stage}\b", PAGE) for stage in stages), stages
