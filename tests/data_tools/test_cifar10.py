import bz2
import hashlib
import io
import os
import pickle
import shutil
import tarfile

import numpy as np
import pytest

from data_tools import cifar10_checks, cifar10_source, prepared
from data_tools.cifar10_batches import BINARY, CLASSES, LAYOUTS, PIXELS, PYTHON, RECORDS, assemble
from data_tools.errors import DataError

SMALL = 20  # images a batch in tests of the functions: 10 of each class in training, 2 in the test


def batch(layout, seed, records=SMALL):
    """One small batch: its file's bytes, images (records, 3072), labels (records,)."""
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (records, PIXELS), np.uint8)
    labels = generator.permutation(np.arange(records) % 10).astype(np.uint8)
    if layout is BINARY:
        return np.concatenate([labels[:, None], images], axis=1).tobytes(), images, labels
    return pickle.dumps({b"data": images, b"labels": labels.tolist()}, 2), images, labels


def small_set(layout):
    """{file name: bytes} of a small set, and its images and labels in order."""
    parts = [batch(layout, seed) for seed in range(6)]
    files = {name: part[0] for name, part in zip(layout.batches, parts)}
    return files, np.concatenate([part[1] for part in parts]), np.concatenate([part[2] for part in parts])


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_both_layouts_give_the_images_in_order(layout):
    files, images, labels = small_set(layout)
    names = {BINARY: "\n".join(CLASSES).encode() + b"\n\n", PYTHON: pickle.dumps({"label_names": list(CLASSES)}, 2)}
    arrays = assemble(layout, {**files, layout.names_file: names[layout]}, SMALL)
    assert arrays["train_images"].shape == (5 * SMALL, 3, 32, 32)
    assert (np.concatenate([arrays["train_images"], arrays["test_images"]]).reshape(-1, PIXELS) == images).all()
    assert (np.concatenate([arrays["train_labels"], arrays["test_labels"]]) == labels).all()


def damaged_sets():
    """Name, layout, files and what the refusal must say."""
    for layout in LAYOUTS:
        files, _, _ = small_set(layout)
        for name in layout.batches:
            yield f"{name} missing", layout, {k: v for k, v in files.items() if k != name}, f"{name} missing"
            yield f"{name} cut off", layout, {**files, name: files[name][:-1000]}, name
            yield f"{name} empty", layout, {**files, name: b""}, name
        first = layout.batches[0]
        yield "a batch longer", layout, {**files, first: batch(layout, 0, SMALL + 1)[0]}, first
        doubled = {**files, first: files[layout.batches[1]]}
        assert assemble(layout, doubled, SMALL) is not None  # the same counts: checksums must find this one
        names = b"cat\ndog\n" if layout is BINARY else pickle.dumps({"label_names": [b"cat"]}, 2)
        yield "other classes", layout, {**files, layout.names_file: names}, layout.names_file
    files, _, _ = small_set(BINARY)
    wrong = bytearray(files["test_batch.bin"])
    wrong[0] = 10
    yield "a label of 10", BINARY, {**files, "test_batch.bin": bytes(wrong)}, "label 10 is outside 0 .. 9"
    wrong[0] = (files["test_batch.bin"][0] + 1) % 10
    yield "a label changed", BINARY, {**files, "test_batch.bin": bytes(wrong)}, "where 2 belong"
    files, _, _ = small_set(PYTHON)
    good = pickle.loads(files["data_batch_2"])
    for what, change in {
        "a label of 10": {b"labels": [10] + good[b"labels"][1:]},
        "a negative label": {b"labels": [-1] + good[b"labels"][1:]},
        "a label that is a word": {b"labels": ["cat"] + good[b"labels"][1:]},
        "a label that is true": {b"labels": [True] + good[b"labels"][1:]},
        "a label too few": {b"labels": good[b"labels"][1:]},
        "no labels": {b"labels": None},
        "no data": {b"data": None},
        "data as a list": {b"data": [1, 2, 3]},
        "data of another shape": {b"data": good[b"data"][:, :3000]},
    }.items():
        yield what, PYTHON, {**files, "data_batch_2": pickle.dumps({**good, **change}, 2)}, "data_batch_2"


def test_damaged_sets_are_refused_by_name():
    refused = 0
    for what, layout, files, reason in damaged_sets():
        with pytest.raises(DataError) as failure:
            assemble(layout, files, SMALL)
            pytest.fail(what)
        assert reason in str(failure.value), what
        refused += 1
    assert refused == 51


def source(layout, files, archive_md5=None):
    return cifar10_source.Source(layout, files, archive_md5)


def md5_list(files):
    return "".join(f"{cifar10_checks.md5_of(data)}  {name}\n" for name, data in files.items()).encode()


def test_what_vouches_for_the_images_is_named(monkeypatch):
    files, _, _ = small_set(PYTHON)
    assert cifar10_checks.checksum_evidence(source(PYTHON, files)) is None
    official = source(PYTHON, files, cifar10_checks.ARCHIVE_MD5["python"])
    assert cifar10_checks.checksum_evidence(official) == "md5 of the official archive"
    own = {**files, "md5sums.txt": md5_list(files)}
    assert cifar10_checks.checksum_evidence(source(PYTHON, own)) == "its own md5sums.txt"
    starred = own["md5sums.txt"].replace(b"  ", b" *").upper().replace(b"DATA_BATCH", b"data_batch").replace(
        b"TEST_BATCH", b"test_batch")
    assert cifar10_checks.checksum_evidence(source(PYTHON, {**files, "md5sums.txt": starred}))
    monkeypatch.setattr(cifar10_checks, "PYTHON_MD5", {name: cifar10_checks.md5_of(data)
                                                       for name, data in files.items()})
    assert cifar10_checks.checksum_evidence(source(PYTHON, files)) == "md5 of the official files"


def test_one_changed_file_among_official_ones_is_named(monkeypatch):
    files, _, _ = small_set(PYTHON)
    monkeypatch.setattr(cifar10_checks, "PYTHON_MD5", {name: cifar10_checks.md5_of(data)
                                                       for name, data in files.items()})
    with pytest.raises(DataError, match="data_batch_4 is damaged"):
        cifar10_checks.checksum_evidence(source(PYTHON, {**files, "data_batch_4": files["data_batch_3"]}))


@pytest.mark.parametrize("change, reason", [
    (lambda text: text.replace(text[:1], b"f" if text[:1] != b"f" else b"0", 1), "is damaged: its md5"),
    (lambda text: b"\n".join(text.splitlines()[1:]), "does not list data_batch_1.bin"),
    (lambda text: b"", "does not list"),
    (lambda text: text + b"hello world\n", "no checksum and name"),
    (lambda text: text + b"0" * 32, "no checksum and name"),
    (lambda text: bytes(range(256)), "no checksum and name"),
], ids=["wrong", "unlisted", "empty", "words", "no name", "bytes"])
def test_a_wrong_md5sums_is_refused(change, reason):
    files, _, _ = small_set(BINARY)
    with pytest.raises(DataError, match=reason):
        cifar10_checks.checksum_evidence(source(BINARY, {**files, "md5sums.txt": change(md5_list(files))}))


def test_the_published_statistics_are_recognised_to_their_last_digit():
    assert cifar10_checks.has_published_statistics(cifar10_checks.MEAN, cifar10_checks.STD)
    assert not cifar10_checks.has_published_statistics((0.4914, 0.4822, 0.4465), cifar10_checks.STD)


def write_folder(folder, files):
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def write_archive(path, members, mode="w:gz"):
    """members: list of (name, bytes or TarInfo type or link target)."""
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)
    return path


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


def test_targets_that_are_taken_are_refused_before_anything_is_read(refused, command, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/thesis").write_text("mine")
    command("synthetic", "--out", "synthetic", "--train", 10, "--test", 10)
    for out, reason in {"file": "is a file", "folder": "holds other files", "synthetic": "holds another set"}.items():
        assert reason in refused("cifar10", "--from", "missing", "--out", out)
    assert "error: " in refused("cifar10")
    assert "error: " in refused("cifar10", "--out")


@pytest.fixture
def full_size_stripes(tmp_path):
    """A folder as large as CIFAR-10 with striped images; removed afterwards."""
    record = np.zeros((RECORDS, 1 + PIXELS), np.uint8)
    record[:, ::4] = 1
    record[:, 0] = np.arange(RECORDS) % 10
    yield write_folder(tmp_path / BINARY.folder, {name: record.tobytes() for name in BINARY.batches})
    shutil.rmtree(tmp_path)


def test_images_that_nothing_vouches_for_are_refused_and_with_md5sums_taken_with_a_warning(
        full_size_stripes, refused, command, tmp_path):
    assert "nothing vouches for these images" in refused("cifar10", "--from", full_size_stripes, "--out", "out")
    md5 = hashlib.md5((full_size_stripes / "test_batch.bin").read_bytes()).hexdigest()
    (full_size_stripes / "md5sums.txt").write_text("".join(f"{md5}  {name}\n" for name in BINARY.batches))
    done = command("cifar10", "--from", full_size_stripes, "--out", "out")
    assert done.returncode == 0 and "these are other images" in done.stderr


def test_the_real_set_is_prepared_from_a_folder_and_from_archives_of_either_layout(shared_data, command, tmp_path):
    """Also reordered, in both layouts, with and without its md5sums.txt."""
    import subprocess
    import sys
    subprocess.run([sys.executable, shared_data / "unpack_cifar10.py", tmp_path], check=True, capture_output=True)
    folder = tmp_path / BINARY.folder
    first = command("cifar10", "--from", tmp_path, "--out", "binary")
    assert first.returncode == 0 and "50000 training and 10000 test images written" in first.stderr
    assert "warning" not in first.stderr and "its own md5sums.txt" in first.stderr
    description, arrays = prepared.read(tmp_path / "binary")
    assert np.allclose(description["mean"], (0.49139968, 0.48215841, 0.44653091), atol=1e-8)
    assert np.allclose(description["std"], (0.24703223, 0.24348513, 0.26158784), atol=1e-8)
    again = command("cifar10", "--from", tmp_path, "--out", "binary")
    assert again.returncode == 0 and "nothing to do" in again.stderr

    records = np.fromfile(folder / "test_batch.bin", np.uint8).reshape(RECORDS, 1 + PIXELS)
    assert (arrays["test_images"].reshape(RECORDS, PIXELS) == records[:, 1:]).all()
    assert (arrays["test_labels"] == records[:, 0]).all()
    with tarfile.open(tmp_path / "python.tar", "w") as archive:
        for name in PYTHON.batches:
            records = np.fromfile(folder / f"{name}.bin", np.uint8).reshape(RECORDS, 1 + PIXELS)
            data = pickle.dumps({b"data": records[:, 1:].copy(), b"labels": records[:, 0].tolist()}, 4)
            info = tarfile.TarInfo(f"{PYTHON.folder}/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    shutil.rmtree(folder)
    second = command("cifar10", "--from", "python.tar", "--out", "python")
    assert second.returncode == 0 and "the published channel means" in second.stderr
    other = prepared.read(tmp_path / "python")[0]
    assert other["sha256"] == description["sha256"]
    shutil.rmtree(tmp_path)
