"""data_tools.cifar10_source: folders and archives, and what is none or hostile."""

import bz2
import hashlib
import io
import os
import tarfile

import pytest

from data_tools import cifar10_source
from data_tools.cifar10_batches import BINARY, LAYOUTS, PYTHON
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
    cases = {"missing": "no such file or folder", "empty": "holds neither", "text": "no tar archive",
             "nothing": "no tar archive", "folder": "name the archive itself", "short": "belong", "long": "too long",
             "part": "data_batch_3.bin missing", "sums": "is damaged: its md5", "cut.tar.gz": "damaged or cut off",
             "cut_end.tar.gz": "damaged or cut off", "flipped.tar.gz": "damaged or cut off", "twice.tar": "twice",
             "other.tar": "no batches", "hostile": "os.system", "flipped.tar.bz2": "damaged or cut off",
             "bomb.tar.bz2": "claims more than", "sparse.tar": "damaged or cut off", "pipe": "nor a regular file"}
    for name, reason in cases.items():
        assert reason in refused("cifar10", "--from", name, "--out", "out"), name
    assert not canary.exists() and not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]
