"""Citation, changelog, contributing and the package's metadata agree with the code."""

import configparser
import importlib.util
import re
from pathlib import Path

import pytest

import refpcm

ROOT = Path(__file__).resolve().parents[2]
METADATA = configparser.ConfigParser()
METADATA.read(ROOT / "setup.cfg")
FILES = ("CITATION.cff", "CHANGELOG.md", "CONTRIBUTING.md", "docs/description.md", "setup.cfg")


def test_the_citation_has_the_version_and_the_licence_of_the_package():
    text = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", text, re.M).group(1) == refpcm.__version__
    assert re.search(r"^license: (.+)$", text, re.M).group(1) == METADATA["metadata"]["license"]


def test_the_citation_is_of_a_software_and_names_the_paper():
    citation = pytest.importorskip("yaml").safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["cff-version"], citation["type"]) == ("1.2.0", "software")
    assert {"message", "title", "authors", "abstract"} <= set(citation)
    assert citation["authors"] == [{"name": METADATA["metadata"]["author"]}]
    paper, = citation["references"]
    assert (paper["doi"], paper["volume"], paper["year"], len(paper["authors"])) == ("10.1038/s41467-020-16108-9", 11, 2020, 10)


def test_the_changelog_begins_with_the_present_version_and_marks_what_changes_numbers():
    versions = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert versions[0] == refpcm.__version__ and versions == sorted(versions, reverse=True)
    assert (ROOT / "CHANGELOG.md").read_text().count("\n- **Numbers** ") >= 6


def test_what_contributing_names_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`([\w/.-]+)`", text) + re.findall(r"(?<=[\s(])tests/[\w/.]+", text)
    paths = {name for name in named if "/" in name}
    assert len(paths) > 20 and [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    modules = set(re.findall(r"python -m ([\w.]+)", text))
    assert [name for name in sorted(modules) if importlib.util.find_spec(name) is None] == []


@pytest.mark.parametrize("page", ["CHANGELOG.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text())
    assert targets and [target for target in targets if not (ROOT / target).exists()] == []


def test_the_long_description_needs_no_other_file_and_no_file_names_an_address_of_the_web():
    description = (ROOT / METADATA["metadata"]["long_description"].removeprefix("file: ")).read_text()
    assert "](" not in description and description.startswith("# refpcm\n")
    assert [name for name in FILES if re.search(r"https?://|www\.", (ROOT / name).read_text())] == []


def test_the_classifiers_name_the_versions_of_python_that_the_readme_names():
    first, last = re.search(r"Python 3\.(\d+) to 3\.(\d+)", (ROOT / "README.md").read_text()).groups()
    classified = re.findall(r"Programming Language :: Python :: 3\.(\d+)", METADATA["metadata"]["classifiers"])
    assert [int(minor) for minor in classified] == list(range(int(first), int(last) + 1))
    assert METADATA["options"]["python_requires"] == f">=3.{first}"
