"""data_tools.foreign_text: what a file says cannot command a terminal."""

from pathlib import Path

import pytest

from data_tools.foreign_text import shown, shown_lines


@pytest.mark.parametrize("value, text", [
    ("plain é 鱼", "plain é 鱼"), ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"), ("a\nerror: b\r", "a\\nerror: b\\r"),
    ("\u202egnp.exe", "\\u202egnp.exe"), ("\udcff", "\\udcff"), (Path("a\x1b[2J"), "a\\x1b[2J"), (b"\x1b", "b'\\x1b'"),
    (5, "5"), ((3, "\x1b"), "(3, '\\x1b')")])
def test_only_printable_characters_are_left(value, text):
    assert shown(value) == text and shown(value).isprintable()


def test_long_and_endless_values_are_shortened():
    doubled = ()
    for _ in range(100):
        doubled = doubled, doubled
    assert len(shown("a" * 10 ** 6)) == 200 and shown("a" * 300).endswith("a ...") and shown("a" * 200) == "a" * 200
    assert shown(10 ** 5000) == "a int with a number of thousands of digits"
    assert len(shown(doubled)) < 201 and len(shown(list(range(10 ** 6)))) < 201


def test_a_message_keeps_its_lines():
    assert shown_lines("a does not fit:\n  unknown: \x1b[2J") == "a does not fit:\n  unknown: \\x1b[2J"
