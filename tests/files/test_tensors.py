"""refpcm.files.tensors: what was written comes back, and nothing else does."""

import hashlib
import json
import os

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.files.tensors import bfloat16_to_float32, read_tensors, write_tensors

DTYPES = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?")


def sample():
    draw = np.random.default_rng(1)
    tensors = {f"of {dtype}": draw.integers(0, 2, (3, 5)).astype(dtype) for dtype in DTYPES}
    return {**tensors, "scalar": np.float32(1.5), "none": np.zeros((0, 3)), "transposed": draw.normal(size=(4, 3)).T,
            "big-endian": np.arange(5, dtype=">i4"),
            "special": np.array([np.nan, np.inf, -0.0, 5e-324]), "ü/中": np.ones(1)}


def same(a, b):
    """Equal dtype, shape and bits."""
    a, b = np.asarray(a), np.asarray(b)
    return (a.dtype.newbyteorder("=") == b.dtype.newbyteorder("=") and a.shape == b.shape
            and a.astype(a.dtype.newbyteorder("<")).tobytes() == b.astype(b.dtype.newbyteorder("<")).tobytes())


def foreign(header, data=b"", length=None):
    """A file of another program, from its header (a dict or bytes) and its data."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(head) if length is None else length).to_bytes(8, "little") + head + data


def test_every_dtype_shape_and_order_comes_back_bit_for_bit(tmp_path):
    path, metadata = tmp_path / "t.safetensors", {"format": "test", "text": '"refpcm.sha256":"' + "0" * 64, "é": "\n"}
    write_tensors(path, sample(), metadata)
    tensors, found = read_tensors(path)
    assert found == metadata and list(tensors) == list(sample())
    for name, array in sample().items():
        assert same(tensors[name], array), name
        assert tensors[name].flags.writeable and tensors[name].dtype.isnative


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in "ab":
        write_tensors(tmp_path / name, sample(), {"key": "value"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_tensors_and_no_metadata_are_allowed(tmp_path):
    write_tensors(tmp_path / "t", {})
    assert read_tensors(tmp_path / "t") == ({}, {})


def test_the_layout_is_that_of_safetensors_and_every_tensor_is_aligned(tmp_path):
    write_tensors(tmp_path / "t", sample())
    raw = (tmp_path / "t").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + length])
    assert length % 8 == 0
    for name, array in sample().items():
        begin, end = header[name]["data_offsets"]
        assert begin % array.dtype.itemsize == 0 and end - begin == array.nbytes
        code = array.dtype.newbyteorder("<")
        assert same(np.frombuffer(raw[8 + length:][begin:end], code).reshape(array.shape), array)
    digest = header["__metadata__"]["refpcm.sha256"]
    assert digest == hashlib.sha256(raw.replace(digest.encode(), b"0" * 64)).hexdigest()


def test_every_flipped_bit_and_every_truncation_is_refused(tmp_path):
    """All bytes of the file, one random bit each and all eight in the header; with and without accept_foreign."""
    path, draw = tmp_path / "t", np.random.default_rng(2)
    write_tensors(path, {"a": np.arange(6, dtype="f4"), "b": np.arange(3, dtype="u1")}, {"format": "test"})
    raw = path.read_bytes()
    head = 8 + int.from_bytes(raw[:8], "little")
    flips = [(byte, bit) for byte in range(head) for bit in range(8)]
    flips += [(byte, int(draw.integers(8))) for byte in range(head, len(raw))]
    damaged = [raw[:byte] + bytes([raw[byte] ^ 1 << bit]) + raw[byte + 1:] for byte, bit in flips]
    damaged += [raw[:length] for length in range(len(raw))] + [raw + b"\0", raw + raw]
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        for accept_foreign in (False, True):
            with pytest.raises(RefpcmError, match="cannot read .*t: "):
                read_tensors(path, accept_foreign)
            refused += 1
    assert refused == 2 * len(damaged) > 4000


def test_random_damage_of_a_larger_file_is_refused(tmp_path):
    path, draw = tmp_path / "t", np.random.default_rng(3)
    write_tensors(path, {"a": draw.normal(size=30000)})
    raw = path.read_bytes()
    for position in draw.integers(0, len(raw), 200):
        content = bytearray(raw)
        kind = draw.integers(3)
        if kind == 0:
            content[position] ^= 1 << draw.integers(8)
        elif kind == 1:
            del content[position:]
        else:
            content[position:position + 512] = bytes(len(content[position:position + 512]))
        path.write_bytes(content)
        with pytest.raises(RefpcmError):
            read_tensors(path)


def test_a_truncated_file_is_said_to_be_truncated(tmp_path):
    path = tmp_path / "t"
    write_tensors(path, {"a": np.arange(10.0), "b": np.ones(3)})
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(RefpcmError, match="truncated: 12 bytes of its data are missing"):
        read_tensors(path)


def test_a_foreign_file_is_read_on_request_only(tmp_path):
    path = tmp_path / "t"
    bits = np.array([0x3F80, 0xC000, 0x7F80, 0x0001], "<u2")
    path.write_bytes(foreign({"__metadata__": {"format": "pt"},
                              "h": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [1, 9]},
                              "n": {"dtype": "I8", "shape": [], "data_offsets": [0, 1]}}, b"\xff" + bits.tobytes()))
    with pytest.raises(RefpcmError, match="not written by refpcm.*refpcm.convert"):
        read_tensors(path)
    tensors, metadata = read_tensors(path, accept_foreign=True)
    assert metadata == {"format": "pt"} and tensors["n"] == -1
    assert same(tensors["h"], np.array([[1, -2], [np.inf, 2.0 ** -133]], "f4"))


def test_bfloat16_is_the_upper_half_of_float32():
    bits = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(bfloat16_to_float32(bits).view(np.uint32), bits.astype(np.uint32) * 65536)


def entry(dtype="F32", shape=(2,), offsets=(0, 8), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


DATA = bytes(8)
MALFORMED = {
    "a digest that is no text to hash": (foreign({"__metadata__": {"refpcm.tensors": "1", "refpcm.sha256": "\ud800"}}, b""),
                                         "its SHA-256 does not agree"),
    "overlap": (foreign({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)), "overlaps"),
    "the same place twice": (foreign({"a": entry(), "b": entry()}, DATA), "overlaps"),
    "gap": (foreign({"a": entry(), "b": entry(offsets=(9, 17))}, bytes(17)), "gap of 1 bytes"),
    "gap before the first": (foreign({"a": entry(offsets=(4, 12))}, bytes(12)), "gap of 4 bytes"),
    "bytes after the last": (foreign({"a": entry()}, bytes(9)), "1 bytes of data belong to no tensor"),
    "bytes and no tensor": (foreign({}, DATA), "belong to no tensor"),
    "out of range": (foreign({"a": entry()}, bytes(7)), "not within the 7 bytes"),
    "far out of range": (foreign({"a": entry(shape=[2 ** 40], offsets=(0, 2 ** 42))}, DATA), "not within"),
    "beyond 64 bits": (foreign({"a": entry(offsets=(0, 2 ** 70))}, DATA), "not within"),
    "backwards": (foreign({"a": entry(offsets=(8, 0))}, DATA), "not within"),
    "negative offset": (foreign({"a": entry(offsets=(-8, 0))}, DATA), "not within"),
    "three offsets": (foreign({"a": entry(offsets=(0, 4, 8))}, DATA), "not within"),
    "no list of offsets": (foreign({"a": {**entry(), "data_offsets": "08"}}, DATA), "not within"),
    "fractional offset": (foreign({"a": entry(offsets=(0, 8.0))}, DATA), "not within"),
    "true as offset": (foreign({"a": entry("U8", [1], (False, True))}, b"\0"), "not within"),
    "shape too large": (foreign({"a": entry(shape=[3])}, DATA), "does not take 8 bytes"),
    "shape too small": (foreign({"a": entry(shape=[1])}, DATA), "does not take 8 bytes"),
    "other dtype": (foreign({"a": entry("F64")}, DATA), "does not take 8 bytes"),
    "negative shape": (foreign({"a": entry(shape=[-1, -2])}, DATA), "shape .* is not"),
    "shape of text": (foreign({"a": entry(shape=["2"])}, DATA), "shape .* is not"),
    "huge shape": (foreign({"a": entry(shape=[2 ** 64, 0], offsets=(0, 0))}), "shape .* is not"),
    "huge product": (foreign({"a": entry(shape=[2 ** 47, 2 ** 47, 0], offsets=(0, 0))}), "shape"),
    "100 dimensions": (foreign({"a": entry(shape=[1] * 99 + [2])}, DATA), "shape .* is not"),
    "unknown dtype": (foreign({"a": entry("F8_E4M3", [8])}, DATA), "dtype 'F8_E4M3' is not known"),
    "dtype no text": (foreign({"a": entry(["F32"])}, DATA), "is not known"),
    "entry too much": (foreign({"a": entry(more=1)}, DATA), "exactly dtype"),
    "entry missing": (foreign({"a": {"dtype": "F32", "shape": [2]}}, DATA), "exactly dtype"),
    "entry no object": (foreign({"a": [1]}, DATA), "exactly dtype"),
    "BOOL of 2": (foreign({"a": entry("BOOL", [2], (0, 2))}, b"\1\2"), "bytes other than 0 and 1"),
    "name twice": (foreign(b'{"a":%s,"a":%s}' % ((json.dumps(entry()).encode(),) * 2), DATA), "occurs twice"),
    "member twice": (foreign(b'{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', DATA), "twice"),
    "metadata no text": (foreign({"__metadata__": {"a": 1}}), "text to text"),
    "metadata a list": (foreign({"__metadata__": []}), "text to text"),
    "header a list": (foreign(b"[]"), "not a JSON object"),
    "header no JSON": (foreign(b"{a:1}"), "header"),
    "header cut": (foreign(b'{"a":'), "header"),
    "not UTF-8": (foreign(b'{"\xff":1}'), "header"),
    "UTF-16": (foreign('{"a":1}'.encode("utf-16")), "header"),
    "deep": (foreign(b'{"a":' + b"[" * 200000), "header: its JSON is nested too deeply"),
    "deep and closed": (foreign(b'{"a":' + b"[" * 200000 + b"]" * 200000 + b"}"), "header: its JSON is nested too deeply"),
    "a million digits": (foreign(b'{"a":{"shape":[' + b"9" * 1000000 + b"]}}"), "header"),
    "header beyond the file": (foreign(b"{}", length=3), "does not fit a file of 10 bytes"),
    "header of 2^63 bytes": (foreign(b"{}", length=2 ** 63), "does not fit"),
    "header of 0 bytes": (foreign(b"{}", length=0), "does not fit"),
    "our version 2": (foreign({"__metadata__": {"refpcm.tensors": "2", "refpcm.sha256": "0" * 64}}), "version 2 of"),
    "our digest alone": (foreign({"__metadata__": {"refpcm.sha256": "0" * 64}}), "SHA-256 does not agree"),
    "our version alone": (foreign({"__metadata__": {"refpcm.tensors": "1"}}), "SHA-256 does not agree"),
    "digest empty": (foreign({"__metadata__": {"refpcm.tensors": "1", "refpcm.sha256": ""}}), "does not agree"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files_are_refused_with_the_reason(tmp_path, case):
    content, words = MALFORMED[case]
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(RefpcmError, match=f"cannot read .*{words}"):
        read_tensors(tmp_path / "t", accept_foreign=True)


@pytest.mark.parametrize("tensors, metadata, words", [
    ({"a": np.zeros(1, complex)}, {}, "dtype complex128"), ({"a": np.array(["x"])}, {}, "dtype <U1"),
    ({"a": np.array([None])}, {}, "dtype object"), ({1: np.zeros(1)}, {}, "name of a tensor"),
    ({"__metadata__": np.zeros(1)}, {}, "name of a tensor"), ({"\ud800": np.zeros(1)}, {}, "not valid Unicode"),
    ({}, {"a": 1}, "metadata must be text"), ({}, {1: "a"}, "metadata must be text"),
    ({}, {"refpcm.sha256": "0"}, "do not begin with 'refpcm'"), ({}, {"a": "\ud800"}, "not valid Unicode")])
def test_what_cannot_be_stored_is_refused_and_leaves_the_old_file(tmp_path, tensors, metadata, words):
    path = tmp_path / "t"
    write_tensors(path, {"old": np.ones(3)})
    with pytest.raises(RefpcmError, match=f"cannot write .*{words}"):
        write_tensors(path, tensors, metadata)
    assert list(read_tensors(path)[0]) == ["old"] and os.listdir(tmp_path) == ["t"]


@pytest.mark.peers
def test_the_safetensors_library_reads_ours_and_we_read_its(tmp_path):
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    write_tensors(ours, sample(), {"key": "é"})
    loaded = load_file(ours)
    with safe_open(ours, "np") as stream:
        assert stream.metadata()["key"] == "é"
    contiguous = {name: np.array(array, array.dtype.newbyteorder("="), order="C") for name, array in sample().items()}
    save_file(contiguous, theirs, {"key": "é"})
    tensors, metadata = read_tensors(theirs, accept_foreign=True)
    assert metadata == {"key": "é"} and set(loaded) == set(tensors) == set(sample())
    for name, array in sample().items():
        assert same(loaded[name], array) and same(tensors[name], array), name


@pytest.mark.peers
def test_bfloat16_of_the_safetensors_library_is_read(tmp_path):
    import torch
    from safetensors.torch import save_file
    values = torch.randn(100).bfloat16()
    save_file({"a": values}, tmp_path / "t")
    tensors, _ = read_tensors(tmp_path / "t", accept_foreign=True)
    assert np.array_equal(tensors["a"], values.float().numpy())
