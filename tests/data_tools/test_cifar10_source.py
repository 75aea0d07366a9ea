"""data_tools.cifar10_source: folders and archives, and what is none or hostile."""

import bz2
import hashlib
import io
import os
import tarfile
import time
import zipfile

import pytest

from data_tools import cifar10_source, reading
from data_tools.cifar10_batches import BINARY, LAYOUTS, PYTHON
from data_tools.errors import DataError
from tests.data_tools.cifar10_sets import md5_list, small_set, write_archive, write_folder


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_folder_its_parent_and_archives_of_it_give_the_same_files(layout, tmp_path):
    files, _, _ = small_set(layout)
    folder = write_folder(tmp_path / "data" / layout.folder, files)
    (folder / "readme.html").write_text("not wanted")
    expected = cifar10_source.read_source(folder).files
    assert expected == files
    assert cifar10_source.read_source(folder.parent).files == expected
    for suffix, mode in (("tar", "w"), ("tar.gz", "w:gz"), ("tar.bz2", "w:bz2")):
        archive = write_archive(tmp_path / f"set.{suffix}",
                                [(f"{layout.folder}/{name}", data) for name, data in files.items()], mode)
        read = cifar10_source.read_source(archive)
        assert read.files == expected and read.layout is layout
        assert read.archive_md5 == hashlib.md5(archive.read_bytes()).hexdigest()


def test_members_of_an_archive_cannot_escape(tmp_path):
    files, _, _ = small_set(BINARY)
    name = "data_batch_1.bin"
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    (tmp_path / "secret").write_bytes(files[name])
    for count, members in enumerate((
            [(f"../../{name}", b"x"), ("../../evil", b"x")],
            [(f"/{tmp_path}/{name}", b"x"), (f"{tmp_path}/evil", b"x")],
            [(name, (tarfile.SYMTYPE, str(tmp_path / "secret"))), ("test_batch.bin", b"x")],
            [(name, (tarfile.LNKTYPE, "../../secret")), ("test_batch.bin", b"x")],
            [(name, (tarfile.FIFOTYPE, "")), ("test_batch.bin", b"x")],
            [(name, (tarfile.CHRTYPE, "")), ("test_batch.bin", b"x")])):
        archive = write_archive(inside / f"{count}.tar.gz", members)
        read = cifar10_source.read_source(archive).files
        assert read == ({"data_batch_1.bin": b"x"} if count < 2 else {"test_batch.bin": b"x"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deep", "secret"]
    assert len(list(inside.iterdir())) == 6


def test_sources_that_are_no_cifar10_are_refused_by_the_command(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello")
    (tmp_path / "nothing").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/cifar-10-python.tar.gz").write_bytes(b"")
    files, _, _ = small_set(BINARY)
    write_folder(tmp_path / "short", files)
    write_folder(tmp_path / "long", {**files, "test_batch.bin": bytes(BINARY.largest + 1)})
    write_folder(tmp_path / "part", {name: data for name, data in files.items() if "3" not in name})
    write_folder(tmp_path / "sums", {**files, "md5sums.txt": md5_list(files).replace(b"0", b"9")})
    whole = write_archive(tmp_path / "whole.tar.gz", [(name, data) for name, data in files.items()]).read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[:-2000])
    (tmp_path / "cut_end.tar.gz").write_bytes(whole[:-4])
    (tmp_path / "flipped.tar.gz").write_bytes(whole[:90_000] + bytes([whole[90_000] ^ 1]) + whole[90_001:])
    write_archive(tmp_path / "twice.tar", [("a/test_batch.bin", b"x"), ("b/test_batch.bin", b"y")], "w")
    write_archive(tmp_path / "other.tar", [("readme.txt", b"x")], "w")
    packed = write_archive(tmp_path / "whole.tar.bz2", list(files.items()), "w:bz2").read_bytes()
    (tmp_path / "flipped.tar.bz2").write_bytes(packed[:90_000] + bytes([packed[90_000] ^ 1]) + packed[90_001:])
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    (tmp_path / "bomb.tar.bz2").write_bytes(bz2.compress(long_name.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)))
    with tarfile.open(tmp_path / "sparse.tar", "w", format=tarfile.PAX_FORMAT,
                      pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.map": "abc"}) as archive:
        archive.addfile(tarfile.TarInfo("test_batch.bin"), io.BytesIO(b""))
    os.mkfifo(tmp_path / "pipe")
    canary = tmp_path / "canary"
    hostile = b"cos\nsystem\n(S'touch %s'\ntR." % str(canary).encode()
    write_folder(tmp_path / "hostile", {name: hostile for name in PYTHON.batches})
    cases = {"missing": "no such file or folder", "empty": "holds neither", "text": "no tar or zip archive",
             "nothing": "the file is empty", "folder": "name the archive itself", "short": "belong",
             "long": "bytes where at most 30730000 are expected",
             "part": "data_batch_3.bin missing", "sums": "is damaged: its md5", "cut.tar.gz": "damaged or cut off",
             "cut_end.tar.gz": "damaged or cut off", "flipped.tar.gz": "damaged or cut off", "twice.tar": "twice",
             "other.tar": "no batches", "hostile": "os.system", "flipped.tar.bz2": "damaged or cut off",
             "bomb.tar.bz2": "has a header of 1073741824 bytes", "sparse.tar": "damaged or cut off",
             "pipe": "not a regular file"}
    for name, reason in cases.items():
        assert reason in refused("cifar10", "--from", name, "--out", "out"), name
    assert not canary.exists() and not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def write_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_archives_packed_anew_by_others_are_read(layout, tmp_path):
    """As zip, with macOS's own files beside each, and under other folders."""
    files, _, _ = small_set(layout)
    beside = {f"__MACOSX/x/._{name}": b"Mac" for name in files}
    archives = [write_zip(tmp_path / "a.zip", {**{f"x/{name}": data for name, data in files.items()}, **beside}),
                write_archive(tmp_path / "a.tar.xz", [(f"./deep/er/{name}", data) for name, data in files.items()]
                              + list(beside.items()), "w:xz")]
    for archive in archives:
        assert cifar10_source.read_source(archive).files == files


@pytest.mark.parametrize("name, words", [
    ("7z", "packed by 7-Zip, which is not read; unpack it"), ("zst", "packed by Zstandard"), ("100", "it is CIFAR-100"),
    ("tar in zip", "holds another archive, cifar-10-python.tar.gz: unpack it, and name that"),
    ("other zip", r"holds no batches of CIFAR-10 .it holds train/0.png")])
def test_other_archives_are_named_rightly(tmp_path, name, words):
    path = tmp_path / "archive"
    if name == "100":
        write_archive(path, [("cifar-100-python/train", b"x"), ("cifar-100-python/test", b"x")])
    elif name in ("7z", "zst"):
        path.write_bytes({"7z": b"7z\xbc\xaf\x27\x1c", "zst": b"\x28\xb5\x2f\xfd"}[name] + bytes(100))
    else:
        write_zip(path, {"cifar-10-python.tar.gz" if name == "tar in zip" else "train/0.png": b"x"})
    with pytest.raises(DataError, match=words):
        cifar10_source.read_source(path)


def test_a_small_archive_that_unpacks_to_gigabytes_is_left_after_the_budget(tmp_path, monkeypatch):
    """Members that are passed over, too: a seek in a packed file unpacks everything before its target."""
    monkeypatch.setattr(reading, "_UNPACKED_FLOOR", 1 << 20)
    member = tarfile.TarInfo("unwanted")
    member.size = 1 << 40
    (tmp_path / "a.tar.bz2").write_bytes(bz2.compress(member.tobuf() + bytes(50_000_000)))
    began = time.process_time()
    with pytest.raises(DataError, match="a.tar.bz2 claims more than 10.* bytes"):
        cifar10_source.read_source(tmp_path / "a.tar.bz2")
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_headers_that_follow_each_other_without_end_are_refused(tmp_path, kind):
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, 11
    (tmp_path / "a.tar").write_bytes((header.tobuf(tarfile.GNU_FORMAT) + b"11 path=ab\n".ljust(512, b"\0")) * 5000)
    with pytest.raises(DataError, match="a.tar is no tar or zip archive, or damaged.*follow each other without end"):
        cifar10_source.read_source(tmp_path / "a.tar")


def test_a_pax_header_of_an_endless_length_is_refused(tmp_path):
    """tarfile raises OverflowError on it."""
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 40
    (tmp_path / "a.tar").write_bytes(header.tobuf() + b"99999999999999999999999999 path=ab\n".ljust(512, b"\0"))
    with pytest.raises(DataError, match="a.tar is no tar or zip archive, or damaged"):
        cifar10_source.read_source(tmp_path / "a.tar")


def test_an_archive_of_very_many_members_is_refused(tmp_path):
    (tmp_path / "a.tar").write_bytes(tarfile.TarInfo("x").tobuf() * 2000 + bytes(1024))
    with pytest.raises(DataError, match="more than 1000 members"):
        cifar10_source.read_source(tmp_path / "a.tar")
