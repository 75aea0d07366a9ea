"""docs/api.md lists every public name, and its examples print what it says."""

import doctest
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import refpcm

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_the_examples_print_what_the_page_says():
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted > 20 and result.failed == 0


def test_pages_and_examples_import_public_names_only():
    """What a page shows a reader to import must not move without notice."""
    folder = PAGE.parent
    imported = {}
    for path in (folder.parent / "README.md", *folder.rglob("*.md"), *(folder / "examples").rglob("*.py")):
        for module, names in re.findall(r"^(?:>>> |\.\.\. | {4})* *from (refpcm[\w.]*) import (.+)", path.read_text(), re.M):
            imported[path.name] = imported.get(path.name, set()) | {(module, name.strip()) for name in names.split(",")}
    assert imported and {(module, name) for found in imported.values() for module, name in found} <= {
        *(("refpcm", name) for name in refpcm.__all__),
        ("refpcm.golden.pytest_cases", "cases"), ("refpcm.golden.pytest_cases", "check")}


@pytest.mark.parametrize("name", refpcm.__all__)
def test_every_public_name_is_on_the_page_and_can_be_had(name):
    assert f"`{name}" in PAGE.read_text() and callable(getattr(refpcm, name)) and getattr(refpcm, name).__doc__


def test_an_unknown_name_is_refused_with_the_public_ones():
    with pytest.raises(AttributeError, match="no public name 'magic'; it has .*compensated_read"):
        refpcm.magic


def test_times_and_devices_may_be_given_as_text_or_as_what_they_are():
    chip = refpcm.program({"m": [[1.0, -0.5]]}, refpcm.find_device("hermes"), seed=1, chip=2)
    assert (refpcm.read(chip, "1 h")["m"] == refpcm.read(chip, 3600.0)["m"]).all()
    with pytest.raises(refpcm.RefpcmError, match="is not a time"):
        refpcm.read(chip, "soon")


@pytest.mark.parametrize("first", ["import refpcm.evaluate", "from refpcm.evaluate import main", "refpcm.evaluate"])
def test_a_public_name_stays_where_the_command_of_that_name_is_imported(first):
    code = f"import refpcm\n{first}\nimport refpcm.evaluate\nfrom refpcm import evaluate\nassert refpcm.evaluate is evaluate\n" \
           "assert evaluate.__module__ == 'refpcm.api' and evaluate.__doc__"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_what_a_read_returns_is_the_callers_own():
    for device in ("joshi2020", "joshi2020-transfer"):
        chip = refpcm.program({"m": np.eye(3, dtype=np.float32)}, device)
        before, read = refpcm.chip_hash(chip), refpcm.read_conductances(chip, "1 h")["m"]
        read *= 2
        assert refpcm.chip_hash(chip) == before


def test_a_reference_that_was_measured_otherwise_is_refused():
    chip = refpcm.program({"m": np.eye(3, dtype=np.float32)})
    reference = refpcm.reference_readouts(chip, "one_hot")
    assert refpcm.compensated_read(chip, "1 day", reference, readout="one_hot")[2]["m"] < 1
    assert refpcm.compensated_read(chip, "1 day", dict(refpcm.reference_readouts(chip)))[2]["m"] < 1
    for wrong, words in ((reference.copy(), "readout = 'one_hot' and per_column = False"), ({"n": 1.0}, "of layers n, the chip has m"),
                         (refpcm.reference_readouts(chip, per_column=True), "per_column = True")):
        with pytest.raises(refpcm.RefpcmError, match=words):
            refpcm.compensated_read(chip, "1 day", wrong)


def test_evaluate_is_the_command_as_a_function(tmp_path):
    network, data = refpcm.build("tiny-resnet8"), refpcm.load_data()
    file = refpcm.NetworkFile(network, refpcm.initial_parameters(network), data.classes, data.mean, data.std)
    refpcm.save_network(tmp_path / "net.safetensors", replace(file, notes={"by": "a test"}))
    result = refpcm.evaluate(tmp_path / "net.safetensors", times=("25 s", 86400.0), chips=1, images=32,
                             compensations=("none", "gdc"))
    assert [(row["t_s"], row["compensation"]) for row in result["rows"]] == [
        (25.0, "none"), (25.0, "gdc"), (86400.0, "none"), (86400.0, "gdc")]
    same = refpcm.evaluate(tmp_path / "net.safetensors", times=86400, chips=1, images=32, compensations="none, gdc",
                           device=refpcm.find_device("joshi2020"))
    assert same["rows"] == result["rows"][2:]


@pytest.mark.parametrize("choices, said", [
    ({"chip": 3}, "there is no choice 'chip'; there are adabs_batch_size,"), ({"chips": "3"}, "chips must be a whole number, not '3'"),
    ({"chips": 2.5}, "chips must be a whole number"), ({"device": 3}, "device must be a name or a TOML file"),
    ({"calibration": "train", "augmentation": "flip"}, "augmentation has no effect"),
    ({"compensations": "gcd"}, "not 'gcd'"), ({"times": "soon"}, "is not a time"),
    ({"device": replace(refpcm.find_device("hermes"), g_max_us=30.0)}, "device 'hermes' is none of the built-in ones")], ids=str)
def test_a_mistake_in_a_choice_of_evaluate_gets_one_sentence(choices, said):
    with pytest.raises(refpcm.RefpcmError, match=said) as error:
        refpcm.evaluate("net.safetensors", **choices)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500
