import bz2
import dataclasses
import inspect
import json
import os
import shutil
import tarfile
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from data_tools import prepared, synthetic
from data_tools.errors import DataError
from data_tools.reading import sha256_of
from data_tools.writing import write
from refpcm.datasets import load
from refpcm.errors import RefpcmError
from tests.files.test_atomic import as_somebody_else


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "set"
    synthetic.make(folder, 40, 20)
    return folder


@pytest.fixture
def copy(intact, tmp_path):
    return Path(shutil.copytree(intact, tmp_path / "set"))


def test_a_prepared_set_is_loaded_as_it_was_written(intact):
    dataset = load(intact)
    images, labels = synthetic.images("train", 0, 40)
    assert (dataset.train_images == images).all() and (dataset.train_labels == labels).all()
    assert dataset.train_images.dtype == dataset.test_labels.dtype == np.uint8
    assert dataset.test_images.shape == (20, 3, 32, 32) and dataset.test_labels.shape == (20,)
    assert dataset.name == "synthetic-figures" and dataset.classes[5] == "star" and len(dataset.classes) == 10
    scaled = images.astype(np.float64) / 255
    assert np.allclose(dataset.mean, scaled.mean((0, 2, 3)), rtol=0, atol=1e-12)
    assert np.allclose(dataset.std, scaled.std((0, 2, 3)), rtol=0, atol=1e-12)
    assert "40 training and 20 test images of 3x32x32, 10 classes" in repr(dataset)
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset.name = "other"


def test_a_set_of_one_colour_is_not_written(tmp_path):
    images, labels = np.full((10, 3, 4, 4), 7, np.uint8), np.arange(10, dtype=np.uint8)
    with pytest.raises(DataError, match="cannot be normalised"):
        write(tmp_path / "set", "grey", list("abcdefghij"), {"train_images": images, "train_labels": labels,
                                                             "test_images": images, "test_labels": labels}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_path_may_be_text(intact):
    assert load(str(intact)).name == "synthetic-figures"


def reseal(folder, **changes):
    """Change the description, without its seal, and let the checksums fit the files."""
    path = folder / "dataset.json"
    description = json.loads(path.read_text())
    description.pop("digest")
    description["sha256"] = {f"{name}.npy": sha256_of(folder / f"{name}.npy") for name in prepared.ARRAYS}
    description.update(changes)
    path.write_text(json.dumps(description))


def damages():
    """Name, what is done to an intact set, and what the refusal must say."""
    for name in prepared.ARRAYS:
        file = f"{name}.npy"
        yield f"{file} missing", lambda folder, file=file: (folder / file).unlink(), f"{file} is missing"

        def flip(folder, file=file):
            data = bytearray((folder / file).read_bytes())
            data[-1] ^= 1
            (folder / file).write_bytes(data)
        yield f"{file} flipped", flip, f"{file} is damaged"

        def cut(folder, file=file):
            os.truncate(folder / file, (folder / file).stat().st_size - 1)
        yield f"{file} cut off", cut, f"{file} is damaged"

        def no_array(folder, file=file):
            (folder / file).write_bytes(b"hello")
            reseal(folder)
        yield f"{file} is text", no_array, f"{file} is no NumPy array"

        def objects(folder, file=file):
            np.save(folder / file, np.array([{}, {}], object), allow_pickle=True)
            reseal(folder)
        yield f"{file} holds a pickle", objects, f"{file} is no NumPy array"

        def floats(folder, file=file):
            np.save(folder / file, np.load(folder / file).astype(np.float32))
            reseal(folder)
        yield f"{file} holds floats", floats, "not uint8"

        def shorter(folder, file=file):
            np.save(folder / file, np.load(folder / file)[:-1])
            reseal(folder)
        yield f"{file} shorter", shorter, "images and "

        def flat(folder, file=file):
            np.save(folder / file, np.load(folder / file)[..., None])
            reseal(folder)
        yield f"{file} of another rank", flat, "not uint8 (N"

    def fewer(folder):
        for name in ("test_images", "test_labels"):
            np.save(folder / f"{name}.npy", np.load(folder / f"{name}.npy")[:-1])
        reseal(folder)
    yield "fewer than described", fewer, "test images are 19 where dataset.json says 20"

    def archive(folder):
        np.savez(folder / "a.npz", np.zeros(3))
        os.replace(folder / "a.npz", folder / "test_labels.npy")
        reseal(folder)
    yield "an npz as array", archive, "test_labels.npy is no NumPy array"

    def shifted(folder):
        path = folder / "test_images.npy"
        path.write_bytes(path.read_bytes()[:128] + bytes(1000) + path.read_bytes()[128:])
        reseal(folder)
    yield "1,000 bytes after a header", shifted, "test_images.npy is no NumPy array, or damaged"
    for position in (20, 24, 30, 60):  # one flipped bit in the header
        def flipped(folder, position=position):
            path = folder / "test_labels.npy"
            content = bytearray(path.read_bytes())
            content[position] ^= 1
            path.write_bytes(content)
            reseal(folder)
        yield f"a flipped bit in byte {position} of a header", flipped, "test_labels.npy is no NumPy array, or damaged"

    def wide(folder):
        np.save(folder / "test_images.npy", np.zeros((20, 3, 40, 40), np.uint8))
        reseal(folder)
    yield "test images of another size", wide, "where training images are"

    def label_out_of_range(folder):
        labels = np.load(folder / "test_labels.npy")
        labels[3] = 10
        np.save(folder / "test_labels.npy", labels)
        reseal(folder)
    yield "label out of range", label_out_of_range, "label 10 where there are 10 classes"

    def text(content):
        return lambda folder: (folder / "dataset.json").write_bytes(content)
    yield "no description", lambda folder: (folder / "dataset.json").unlink(), "it is not complete"
    yield "empty description", text(b""), "the file is empty"
    yield "text as description", text(b"hello"), "not JSON"
    yield "bytes as description", text(bytes(range(256))), "not UTF-8 text"
    yield "a deep description", text(b"[" * 100_000), "nested too deeply"
    yield "list as description", text(b"[]"), "does not describe a prepared data set"
    yield "foreign description", text(b'{"format": "other"}'), "does not describe a prepared data set"
    yield "half a description", lambda folder: os.truncate(folder / "dataset.json", 300), "not JSON"
    yield "later version", lambda folder: reseal(folder, version=2), "format version 2"
    for key in ("name", "classes", "mean", "std", "counts", "origin", "sha256"):
        for value in (None, 7, []):
            yield f"{key} {value}", lambda folder, k=key, v=value: reseal(folder, **{k: v}), f"damaged: {key}"
    def another_mean(folder):
        path = folder / "dataset.json"
        description = json.loads(path.read_text())
        path.write_text(json.dumps({**description, "mean": [value + 0.1 for value in description["mean"]]}))
    yield "another mean", another_mean, "its SHA-256 does not agree"
    yield "a hash missing", lambda folder: reseal(folder, sha256={"train_images.npy": "x"}), "damaged: sha256"
    yield "a count missing", lambda folder: reseal(folder, counts={"train": 40}), "damaged: counts"
    yield "an empty class name", lambda folder: reseal(folder, classes=["a", ""] * 5), "damaged: classes"
    yield "a class that is a number", lambda folder: reseal(folder, classes=[1, 2]), "damaged: classes"
    yield "mean in words", lambda folder: reseal(folder, mean=["a", "b", "c"]), "damaged: mean"
    yield "two channels", lambda folder: reseal(folder, mean=[0.5] * 2, std=[0.5] * 2), "std"
    yield "mean as integers", lambda folder: reseal(folder, mean=[0, 0, 0]), "mean"
    yield "std of two channels", lambda folder: reseal(folder, std=[0.5, 0.5]), "std"
    yield "std of zero", lambda folder: reseal(folder, std=[0.5, 0.5, 0.0]), "std"
    yield "mean of pixels to 255", lambda folder: reseal(folder, mean=[0.5, 0.5, 120.0]), "mean"
    yield "std no image has", lambda folder: reseal(folder, std=[0.5, 0.5, 0.6]), "std"
    yield "std next to zero", lambda folder: reseal(folder, std=[0.5, 0.5, 1e-320]), "std"
    yield "mean not finite", lambda folder: reseal(folder, mean=[0.5, 0.5, float("nan")]), "mean"


def test_damaged_sets_are_refused_with_file_and_remedy(intact, tmp_path):
    refused = 0
    for what, damage, reason in damages():
        folder = Path(shutil.copytree(intact, tmp_path / str(refused)))
        damage(folder)
        with pytest.raises(RefpcmError) as failure:
            load(folder)
            pytest.fail(what)
        message = str(failure.value)
        assert reason in message and str(folder) in message, (what, message)
        refused += 1
    assert refused == 85


def test_what_is_no_prepared_set_is_refused_with_the_command_that_makes_one(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "thesis.txt").write_text("mine")
    for name in ("py", "bin"):
        (tmp_path / name / f"cifar-10-batches-{name}").mkdir(parents=True)
    (tmp_path / "py/cifar-10-batches-py/data_batch_1").write_bytes(b"")
    (tmp_path / "bin/cifar-10-batches-bin/data_batch_1.bin").write_bytes(b"")
    (tmp_path / "downloads").mkdir()
    archive = shutil.make_archive(str(tmp_path / "downloads/cifar-10-python"), "gztar", tmp_path / "py")
    convert = "python -m data_tools.cifar10 --from"
    cases = {"missing": "no such folder; make it with", "empty": "is no prepared data set",
             "thesis.txt": "is a file, not a folder", "py": convert, "bin": convert,
             "py/cifar-10-batches-py": convert, "bin/cifar-10-batches-bin": convert, archive: convert,
             "downloads": f"{convert} {archive} --out DIR"}
    for name, reason in cases.items():
        with pytest.raises(RefpcmError) as failure:
            load(tmp_path / name)
        assert reason in str(failure.value) and str(tmp_path / name) in str(failure.value), name


def test_a_file_in_place_of_a_folder_is_not_unpacked(tmp_path):
    """A packed header that claims a gigabyte, and headers that follow each other without end, in place of an archive."""
    long_name = tarfile.TarInfo("x")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    (tmp_path / "bomb").write_bytes(bz2.compress(long_name.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 24)))
    long_name.size = 1
    (tmp_path / "chain").write_bytes((long_name.tobuf(tarfile.GNU_FORMAT) + b"x".ljust(512, b"\0")) * 5000)
    for name in ("bomb", "chain"):
        tracemalloc.start()
        with pytest.raises(RefpcmError, match="is an archive; prepare it first"):
            load(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
        tracemalloc.stop()


def test_a_pipe_is_not_waited_for_and_a_name_beyond_all_limits_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefpcmError, match="pipe is a file, not a folder"):
        load(tmp_path / "pipe")
    with pytest.raises(RefpcmError, match="name too long|no such folder"):
        load("a" * 300)


def test_an_unreadable_set_is_refused(copy, monkeypatch):
    """From within the folder: another user may not pass through the folders above it."""
    copy.chmod(0o755)
    (copy / "train_labels.npy").chmod(0)
    monkeypatch.chdir(copy)
    text = as_somebody_else(lambda: load("."))
    assert "cannot read" in text and "train_labels.npy" in text


@pytest.fixture
def caches(monkeypatch, tmp_path):
    for name in ("REFPCM_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(synthetic, "make", lambda folder: small_builtin(folder))
    return monkeypatch


make = synthetic.make


def small_builtin(folder):
    return make(folder, 10, 10)


def test_the_built_in_set_is_made_in_the_cache_that_the_user_chose(caches, tmp_path):
    load()
    assert (tmp_path / "home/.cache/refpcm/synthetic-figures-1/dataset.json").exists()
    caches.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    load()
    assert (tmp_path / "xdg/refpcm/synthetic-figures-1/dataset.json").exists()
    caches.setenv("REFPCM_CACHE", str(tmp_path / "mine"))
    load()
    assert (tmp_path / "mine/synthetic-figures-1/dataset.json").exists()


def test_the_built_in_set_is_made_once(caches, tmp_path):
    load()
    caches.setattr(synthetic, "make", lambda folder: pytest.fail("made again"))
    assert load().name == "synthetic-figures"


def test_a_cache_that_cannot_be_written_is_named_with_the_remedy(caches, tmp_path):
    (tmp_path / "file").write_text("")
    caches.setenv("REFPCM_CACHE", str(tmp_path / "file"))
    with pytest.raises(RefpcmError, match="set REFPCM_CACHE"):
        load()


def test_the_built_in_set_has_ten_thousand_training_images():
    """In the cache that the tests share, and by default: `load` names nothing but the folder, or `caches` refused it."""
    assert "10000 training and 2000 test images" in repr(load())
    defaults = {name: parameter.default for name, parameter in inspect.signature(make).parameters.items()}
    assert (defaults["train"], defaults["test"], defaults["seed"]) == (10_000, 2_000, 0)


@pytest.mark.benchmark
def test_the_real_set_loads_in_a_second(tmp_path):
    """Arrays of CIFAR-10's size, verified."""
    labels = (np.arange(60_000) % 10).astype(np.uint8)
    images = np.zeros((60_000, 3, 32, 32), np.uint8)
    images[..., ::4] = 1
    write(tmp_path / "set", "stripes", list("abcdefghij"), {
        "train_images": images[:50_000], "train_labels": labels[:50_000],
        "test_images": images[50_000:], "test_labels": labels[50_000:]}, {})
    times_s = []
    for _ in range(3):
        started = time.perf_counter()
        load(tmp_path / "set")
        times_s.append(time.perf_counter() - started)
    shutil.rmtree(tmp_path / "set")
    assert min(times_s) < 1.0
