"""refpcm.files.npz and archive: npz files both ways, no pickle, no bombs."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from test_tensors import same, sample

from refpcm.errors import RefpcmError
from refpcm.files.npz import read_npz, write_npz


def npy(array, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), **options)
    return stream.getvalue()


def npy_with_header(text, data=b""):
    """A .npy file (version 1.0) with any header text."""
    head = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def packed(members, method=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


def test_every_dtype_shape_and_order_comes_back_bit_for_bit(tmp_path):
    path, metadata = tmp_path / "t.npz", {"format": "test", "é": "\n"}
    write_npz(path, sample(), metadata)
    tensors, found = read_npz(path)
    assert found == metadata and list(tensors) == list(sample())
    for name, array in sample().items():
        assert same(tensors[name], array), name
        assert tensors[name].flags.writeable and tensors[name].dtype.isnative


def test_numpy_reads_ours_without_pickle(tmp_path):
    write_npz(tmp_path / "t.npz", sample(), {"key": "value"})
    with np.load(tmp_path / "t.npz", allow_pickle=False) as file:
        assert all(same(file[name], array) for name, array in sample().items())
        assert str(file["refpcm.metadata"]) == '{"key": "value"}'


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_we_read_numpys(tmp_path, save):
    save(tmp_path / "t.npz", fortran=np.asfortranarray(np.arange(6.0).reshape(2, 3)), **sample())
    tensors, metadata = read_npz(tmp_path / "t.npz")
    assert metadata == {} and same(tensors["fortran"], np.arange(6.0).reshape(2, 3))
    assert all(same(tensors[name], array) for name, array in sample().items())


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in "ab":
        write_npz(tmp_path / name, sample(), {"key": "value"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_damage_is_refused_or_without_effect(tmp_path):
    """1,000 random flipped bits: a zip file has bytes of no meaning (dates); no flip changes what is read."""
    path, draw = tmp_path / "t.npz", np.random.default_rng(4)
    write_npz(path, sample(), {"key": "value"})
    intact, raw = read_npz(path), path.read_bytes()
    refused = 0
    for position, bit in zip(draw.integers(0, len(raw), 1000), draw.integers(0, 8, 1000)):
        path.write_bytes(raw[:position] + bytes([raw[position] ^ 1 << bit]) + raw[position + 1:])
        try:
            tensors, metadata = read_npz(path)
        except RefpcmError:
            refused += 1
        else:
            assert metadata == intact[1] and list(tensors) == list(intact[0])
            assert all(same(tensors[name], array) for name, array in intact[0].items())
    assert refused > 600


def test_every_truncation_is_refused(tmp_path):
    path, draw = tmp_path / "t.npz", np.random.default_rng(5)
    write_npz(path, sample())
    raw = path.read_bytes()
    for length in (*range(1, 100), *draw.integers(100, len(raw), 200), *range(len(raw) - 100, len(raw))):
        path.write_bytes(raw[:length])
        with pytest.raises(RefpcmError):
            read_npz(path)


def object_array():
    return npy(np.array([{"a": 1}], dtype=object), allow_pickle=True)


MEMBERS = {
    "object array": ({"a.npy": object_array()}, "pickled Python objects"),
    "structured": ({"a.npy": npy(np.zeros(2, "i4,f4"))}, "only numbers"),
    "complex": ({"a.npy": npy(np.zeros(2, complex))}, "only numbers"),
    "text": ({"a.npy": npy(np.array("text"))}, "only numbers"),
    "dates": ({"a.npy": npy(np.zeros(2, "M8[s]"))}, "only numbers"),
    "no npy suffix": ({"a.txt": b"text"}, "no .npy file"),
    "no npy content": ({"a.npy": b"text, but long enough"}, "array 'a'"),
    "empty member": ({"a.npy": b""}, "array 'a'"),
    "version 3": ({"a.npy": b"\x93NUMPY\x03\x00" + bytes(100)}, "version"),
    "version 9": ({"a.npy": b"\x93NUMPY\x09\x00" + bytes(100)}, "array 'a'"),
    "header is code": ({"a.npy": npy_with_header("__import__('os').abort()")}, "array 'a'"),
    "header deep": ({"a.npy": npy_with_header("(" * 5000)}, "array 'a'"),
    "header lacks shape": ({"a.npy": npy_with_header("{'descr': '<f4', 'fortran_order': False}")}, "has not exactly"),
    "data missing": ({"a.npy": npy(np.zeros(3))[:-1]}, "does not take 23 bytes"),
    "data too long": ({"a.npy": npy(np.zeros(3)) + b"\0"}, "does not take 25 bytes"),
    "petabytes": ({"a.npy": npy_with_header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1125899906842624,)}")}, "does not take 0 bytes"),
    "negative shape": ({"a.npy": npy_with_header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}", bytes(8))}, "not a tuple of sizes"),
    "shape of text": ({"a.npy": npy_with_header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': 'ab'}", bytes(8))}, "not a tuple of sizes"),
    "dtype of nonsense": ({"a.npy": npy_with_header(
        "{'descr': {1: 2}, 'fortran_order': False, 'shape': (1,)}", bytes(8))}, "array 'a'"),
    "minus signs": ({"a.npy": npy_with_header("-" * 9000 + "1")}, "array 'a'"),
    "header of 20,000 bytes": ({"a.npy": npy_with_header("(" * 20000, bytes(8))}, "endless"),
    "header beyond the member": ({"a.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}"}, "truncated"),
    "impossible shape of nothing": ({"a.npy": npy_with_header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, 0)}" % 2 ** 70)}, "array 'a'"),
    "metadata no text": ({"refpcm.metadata.npy": npy(np.zeros(3))}, "it is not JSON"),
    "metadata no JSON": ({"refpcm.metadata.npy": npy(np.array("{"))}, "it is not JSON"),
    "metadata deep": ({"refpcm.metadata.npy": npy(np.array("[" * 100000))}, "nested too deeply"),
    "metadata name a key twice": ({"refpcm.metadata.npy": npy(np.array('{"a": "b", "a": "c"}'))}, "a key occurs twice"),
    "metadata of numbers": ({"refpcm.metadata.npy": npy(np.array('{"a": 1}'))}, "JSON mapping"),
}


@pytest.mark.parametrize("case", MEMBERS)
def test_malformed_members_are_refused_with_the_reason(tmp_path, case):
    members, words = MEMBERS[case]
    (tmp_path / "t.npz").write_bytes(packed(members))
    with pytest.raises(RefpcmError, match=f"cannot read .*{words}"):
        read_npz(tmp_path / "t.npz")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    """80 MB of zeros in 80 kB."""
    (tmp_path / "t.npz").write_bytes(packed({"a.npy": npy(np.zeros(10 ** 7))}, zipfile.ZIP_DEFLATED))
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(RefpcmError, match="claims to unpack to 80000128 bytes, which is more than 7"):
        read_npz(tmp_path / "t.npz")


def test_what_stays_within_the_budget_is_read(tmp_path):
    (tmp_path / "t.npz").write_bytes(packed({"a.npy": npy(np.zeros(2 ** 20))}, zipfile.ZIP_DEFLATED))
    assert (tmp_path / "t.npz").stat().st_size < 20000 and read_npz(tmp_path / "t.npz")[0]["a"].shape == (2 ** 20,)


def test_a_member_is_unpacked_no_further_than_it_claims(tmp_path):
    """It claims 8,128 bytes and holds 300 MB."""
    (tmp_path / "t.npz").write_bytes(packed({"a.npy": bytes(300_000_000)}, zipfile.ZIP_DEFLATED).replace(
        struct.pack("<I", 300_000_000), struct.pack("<I", 8128)))
    tracemalloc.start()
    with pytest.raises(RefpcmError, match="CRC-32"):
        read_npz(tmp_path / "t.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_member_that_lies_about_its_size_is_refused(tmp_path):
    raw = packed({"a.npy": npy(np.zeros(1000))}, zipfile.ZIP_DEFLATED)
    for size in (1, 4000, 2 ** 31):
        claim = raw.replace(struct.pack("<I", 8128), struct.pack("<I", size))
        (tmp_path / "t.npz").write_bytes(claim)
        with pytest.raises(RefpcmError, match="cannot read"):
            read_npz(tmp_path / "t.npz")


def test_overlapping_stored_members_cannot_claim_more_than_the_file(tmp_path):
    """All entries of the directory point to one member: the quadratic bomb."""
    content = npy(np.zeros(1000))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("a.npy", content)
        for name in "bcdefgh":
            twin = zipfile.ZipInfo(f"{name}.npy")
            twin.file_size = twin.compress_size = len(content)
            twin.CRC, twin.header_offset = file.infolist()[0].CRC, 0
            file.filelist.append(twin)
        file._didModify = True
    (tmp_path / "t.npz").write_bytes(stream.getvalue())
    with pytest.raises(RefpcmError, match="claims to unpack to 65024 bytes"):
        read_npz(tmp_path / "t.npz")


def test_other_oddities_of_zip_files_are_refused(tmp_path):
    good = npy(np.zeros(3))
    with pytest.warns(UserWarning, match="Duplicate"):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as file:
            file.writestr("a.npy", good)
            file.writestr("a.npy", good)
    encrypted = bytearray(packed({"a.npy": good}))
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    cases = {"holds a name twice": stream.getvalue(), "encrypted or packed": bytes(encrypted),
             "unusual method": packed({"a.npy": good}, zipfile.ZIP_LZMA)}
    for words, content in cases.items():
        (tmp_path / "t.npz").write_bytes(content)
        with pytest.raises(RefpcmError, match=words):
            read_npz(tmp_path / "t.npz")


def test_members_with_paths_stay_names_and_touch_no_disk(tmp_path):
    names = ["../../outside", "/root/outside", "c:\\outside"]
    (tmp_path / "t.npz").write_bytes(packed({f"{name}.npy": npy(np.zeros(1)) for name in names}))
    assert list(read_npz(tmp_path / "t.npz")[0]) == names
    assert [path.name for path in tmp_path.iterdir()] == ["t.npz"]


@pytest.mark.parametrize("tensors, metadata, words", [
    ({"a": np.array([None])}, {}, "dtype object"), ({"refpcm.metadata": np.zeros(1)}, {}, "no name for a tensor"),
    ({}, {"a": 1}, "metadata must be text"), ({"\ud800": np.zeros(1)}, {}, "not valid Unicode")])
def test_what_cannot_be_stored_is_refused_and_leaves_the_old_file(tmp_path, tensors, metadata, words):
    path = tmp_path / "t.npz"
    write_npz(path, {"old": np.ones(3)})
    with pytest.raises(RefpcmError, match=f"cannot write .*{words}"):
        write_npz(path, tensors, metadata)
    assert list(read_npz(path)[0]) == ["old"] and [name.name for name in tmp_path.iterdir()] == ["t.npz"]
