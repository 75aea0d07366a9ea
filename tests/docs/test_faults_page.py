"""docs/faults.md: every test that a fault is held by is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_kind_of_fault_names_tests_that_are_there():
    page = (ROOT / "docs/faults.md").read_text(encoding="utf-8")
    entries = re.findall(r"^(\d+)\. (.*?)(?=^\d+\. |^#|\Z)", page, re.MULTILINE | re.DOTALL)
    assert [number for number, _ in entries] == [str(number) for number in range(1, 31)]
    for _, entry in entries:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", entry)
        assert named, entry
        for file, name in named:
            assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{name}"
