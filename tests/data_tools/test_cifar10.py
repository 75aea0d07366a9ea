"""data_tools.cifar10: batches of both layouts, what vouches for them, and the command on the real set."""

import hashlib
import io
import pickle
import shutil
import tarfile

import numpy as np
import pytest

from data_tools import cifar10_checks, cifar10_source, prepared
from data_tools.cifar10_batches import BINARY, CLASSES, LAYOUTS, PIXELS, PYTHON, RECORDS, assemble
from data_tools.errors import DataError
from tests.data_tools.cifar10_sets import SMALL, batch, md5_list, small_set, write_folder


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


def test_the_images_are_recognised_in_any_order_and_not_with_another_pixel_or_label(monkeypatch):
    arrays = assemble(BINARY, small_set(BINARY)[0], SMALL)
    monkeypatch.setattr(cifar10_checks, "SHA256", {split: cifar10_checks.digest(
        arrays[f"{split}_images"], arrays[f"{split}_labels"]) for split in ("train", "test")})
    assert cifar10_checks.are_cifar10({name: array[::-1] for name, array in arrays.items()})
    for name, array in arrays.items():
        changed = array.copy()
        changed.flat[7] ^= 1
        assert not cifar10_checks.are_cifar10({**arrays, name: changed}), name


def test_targets_that_are_taken_are_refused_before_anything_is_read(refused, command, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/thesis").write_text("mine")
    command("synthetic", "--out", "synthetic", "--train", 10, "--test", 10)
    for out, reason in {"file": "is a file", "folder": "holds other files", "synthetic": "holds another set"}.items():
        assert reason in refused("cifar10", "--from", "missing", "--out", out)
    assert "error: " in refused("cifar10")
    assert "error: " in refused("cifar10", "--out")
    assert "--from: a name is wanted, not an empty text" in refused("cifar10", "--from", "", "--out", "out")


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
    assert done.returncode == 0 and "are not those of CIFAR-10" in done.stderr


def test_the_real_set_is_prepared_from_a_folder_and_from_archives_of_either_layout(shared_data, command, refused, tmp_path):
    """Also reordered, in both layouts, with and without its md5sums.txt, which alone may vouch for a changed pixel."""
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
    damaged = bytearray((folder / "test_batch.bin").read_bytes())
    damaged[5000] ^= 1
    (folder / "test_batch.bin").write_bytes(damaged)
    (folder / "md5sums.txt").unlink()
    assert "nothing vouches for these images" in refused("cifar10", "--from", folder, "--out", "damaged")
    shutil.rmtree(folder)
    second = command("cifar10", "--from", "python.tar", "--out", "python")
    assert second.returncode == 0 and "the SHA-256 of the images and labels" in second.stderr
    other = prepared.read(tmp_path / "python")[0]
    assert other["sha256"] == description["sha256"]
    shutil.rmtree(tmp_path)
