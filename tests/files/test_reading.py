"""refpcm.files.reading: what cannot be read is refused in one sentence, by every reader."""

import os
import sys

import pytest

from refpcm.errors import RefpcmError
from refpcm.files.network_file import load_network
from refpcm.files.npz import read_npz
from refpcm.files.reading import read_bytes, read_json, read_text, read_toml, sha256_of
from refpcm.files.sources import read_source
from refpcm.files.tensors import read_tensors
from refpcm.files.torch_file import read_torch


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python reads TOML from 3.11 on")
def test_toml_is_read_within_limits(tmp_path):
    """Python's reader takes minutes for 64 kB of one dotted key."""
    cases = {"dotted": ".".join(["a"] * 32_000) + "=1", "deep": "a=" + "[" * 5000, "damaged": "a=",
             "deep and closed": "a=" + "[" * 200 + "]" * 200, "long": "#\n" * 40_000, "latin": "a='\xe9'"}
    words = {"dotted": "more than 8000 characters; break it", "deep": "nested too deeply", "damaged": "it is not TOML",
             "deep and closed": "nested too deeply", "long": "at most 65536 are expected", "latin": "not UTF-8"}
    for name, text in cases.items():
        (tmp_path / name).write_bytes(text.encode("latin-1"))
        with pytest.raises(RefpcmError, match=f"cannot read .*{name}: .*{words[name]}"):
            read_toml(tmp_path / name)
    (tmp_path / "good").write_text('a = [1, 2]\nb.c = "x"\n')
    assert read_toml(tmp_path / "good") == {"a": [1, 2], "b": {"c": "x"}}


@pytest.mark.parametrize("read", [read_bytes, read_text, read_json, read_toml, sha256_of])
@pytest.mark.parametrize("name", ["pipe", "zero"])
def test_texts_are_read_from_regular_files_only(tmp_path, read, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(RefpcmError, match=f"{name}: it is not a regular file"):
        read(tmp_path / name)


READERS = [read_tensors, read_npz, read_torch, read_source, load_network]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name, words", [
    ("absent", "no such file"), (".", "it is a folder"), ("empty", "the file is empty"), ("dangling", "no such file"),
    ("loop", "symbolic links"), ("pipe", "not a regular file"), ("empty/inside", "Not a directory")])
def test_what_is_no_readable_file_is_refused(tmp_path, reader, name, words):
    (tmp_path / "empty").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefpcmError, match=f"cannot read .*{words}"):
        reader(tmp_path / name)


@pytest.mark.parametrize("reader", READERS)
def test_a_file_without_permission_is_named(tmp_path, reader):
    from test_atomic import as_somebody_else
    (tmp_path / "secret").write_bytes(b"content")
    (tmp_path / "secret").chmod(0)
    assert "no permission" in as_somebody_else(lambda: reader(tmp_path / "secret"))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("content", [
    b"x", b"{}", b"\0" * 7, b"\0" * 8, b"\0" * 100, b"\xff" * 100, b"PK", b"PK\x03\x04", b"PK\x05\x06" + bytes(18),
    b"PK\x03\x04" + bytes(100), b"\x80", b"\x80\x02", b"\x80\x02.", b"\x80\x02N.", b"\x89HDF\r\n\x1a\n" + bytes(100),
    b"\x02\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0[]", b"text\n" * 100, b"\x93NUMPY\x01\0\x76\0" + bytes(118)])
def test_short_and_foreign_content_is_refused(tmp_path, reader, content):
    """The empty safetensors header is the one exception: a foreign file without tensors is a valid one."""
    path = tmp_path / "file"
    path.write_bytes(content)
    if (reader, content[8:]) == (read_source, b"{}") or (reader, content[:4]) == (read_npz, b"PK\x05\x06"):
        assert reader(path)[-2] == {}
    else:
        with pytest.raises(RefpcmError, match="cannot read"):
            reader(path)
