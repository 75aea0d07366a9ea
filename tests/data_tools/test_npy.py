"""data_tools.npy: one strict reader, for arrays in memory and for memory maps."""

import os

import numpy as np
import pytest

from data_tools.errors import DataError
from data_tools.npy import map_npy, parse_npy, read_npy

ARRAY = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)


def readers(path):
    return [lambda: read_npy(path), lambda: map_npy(path)]


@pytest.mark.parametrize("array", [ARRAY, np.asfortranarray(ARRAY), ARRAY.astype(">u2"), np.array(3.5), np.zeros((0, 4)),
                                   np.array([b"a", b"bc"])])
def test_what_numpy_saves_is_read(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    found = [parse_npy((tmp_path / "a.npy").read_bytes())] + [
        read() for read in readers(tmp_path / "a.npy") if array.size]
    for each in found:
        assert each.shape == array.shape and (np.asarray(each) == array).all()


def test_every_flipped_bit_of_the_header_is_refused_or_gives_the_same_bytes(tmp_path):
    """Never another exception, such as one of Python's tokenizer."""
    path = tmp_path / "a.npy"
    np.save(path, ARRAY)
    content, refused = path.read_bytes(), 0
    for bit in range(8 * 128):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        for read in readers(path):
            try:
                assert read().nbytes == ARRAY.nbytes
            except DataError as error:
                refused += 1
                assert str(path) in str(error) and str(error).isprintable()
    assert refused > 1200


@pytest.mark.parametrize("change, words", [
    (lambda raw: raw[:128] + bytes(1000) + raw[128:], "does not take 1048 bytes"), (lambda raw: raw[:-1], "take 47 bytes"),
    (lambda raw: raw + b"\0", "take 49 bytes"), (lambda raw: raw[:100], "truncated"),
    (lambda raw: raw.replace(b"False", b"5    "), "fortran_order"), (lambda raw: raw.replace(b"<u2", b"|O8"), "objects"),
    (lambda raw: raw.replace(b"'<u2'", b"1+1  "), "dtype|no Python literal"),
    (lambda raw: raw.replace(b"'<u2'", b"'\\x1b'"), r"dtype \\x1b is not known"),
    (lambda raw: raw.replace(b"<u2", b"<d4"), "dtype <d4 is not known"),
    (lambda raw: raw.replace(b"{'descr'", b"['descr'"), "no Python literal")])
def test_other_content_is_refused_with_the_reason(tmp_path, change, words):
    np.save(tmp_path / "a.npy", ARRAY)
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(change(content))
    for read in readers(tmp_path / "a.npy"):
        with pytest.raises(DataError, match=f"a.npy is no NumPy array.*{words}"):
            read()


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.npy")
    for read in readers(tmp_path / "a.npy"):
        with pytest.raises(DataError, match="not a regular file"):
            read()


@pytest.mark.parametrize("header", [
    "'<d4', 'fortran_order': False, 'shape': (1,)", "'|S0', 'fortran_order': False, 'shape': (9,)",
    "'<f8', 'fortran_order': False, 'shape': (0, 1180591620717411303424)",
    "'<f8', 'fortran_order': True, 'shape': (" + "1, " * 99 + "0)"])
def test_of_bytes_in_memory_every_refusal_is_a_value_error(header):
    text = f"{{'descr': {header}}}\n".encode()
    with pytest.raises(ValueError):
        parse_npy(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text)


def test_headers_are_literals_and_never_run(tmp_path):
    with pytest.raises(ValueError, match="no Python literal"):
        parse_npy(b"\x93NUMPY\x01\x00\x20\x00" + b"__import__('os').abort()".ljust(32))
