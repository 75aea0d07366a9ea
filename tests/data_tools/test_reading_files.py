"""data_tools.reading: regular files only, texts of limited size, JSON with its damage named."""

import os

import pytest

from data_tools import reading
from data_tools.errors import DataError

READERS = [reading.read_bytes, reading.read_text, reading.read_json, reading.sha256_of]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name, words", [("pipe", "not a regular file"), ("zero", "not a regular file"),
                                         ("folder", "is a folder"), ("absent", "no such file"), ("empty", "is empty")])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, read, name, words):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    with pytest.raises(DataError, match=f"{name}: .*{words}"):
        read(tmp_path / name)


@pytest.mark.parametrize("read", READERS[:3])
def test_a_text_of_terabytes_is_refused_without_reading_it(tmp_path, read):
    with open(tmp_path / "sparse", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match="1099511627776 bytes where at most 16777216 are expected"):
        read(tmp_path / "sparse")


@pytest.mark.parametrize("text, words", [("{", "not JSON"), ('{"a": 1, "a": 2}', "a key occurs twice"),
                                         ("[" * 100_000, "nested too deeply"), ('{"a":' * 100_000, "nested too deeply"),
                                         ("[" * 102 + "]" * 102, "nested too deeply"), ("1" * 5000, "not JSON")])
def test_json_is_refused_with_the_reason(tmp_path, text, words):
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(DataError, match=f"file.json: .*{words}"):
        reading.read_json(tmp_path / "file.json")


def test_json_of_a_hundred_levels_is_read(tmp_path):
    (tmp_path / "file.json").write_text("[" * 100 + "1" + "]" * 100)
    assert str(reading.read_json(tmp_path / "file.json")).count("[") == 100


def test_other_encodings_are_refused_and_a_byte_order_mark_passed_over(tmp_path):
    (tmp_path / "good").write_text("\ufeff[1]", encoding="utf-8")
    (tmp_path / "bad").write_text("[1]", encoding="utf-16")
    assert reading.read_json(tmp_path / "good") == [1]
    with pytest.raises(DataError, match="not UTF-8"):
        reading.read_json(tmp_path / "bad")
