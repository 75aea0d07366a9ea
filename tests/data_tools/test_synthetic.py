import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from data_tools import bitstream, synthetic
from data_tools.errors import DataError
from data_tools.figures import FIGURES
from data_tools.new_folder import new_folder

KNOWN_SHA256 = "cb2e7f591e4ce2f5b66db134cf735674418bead48589a94deda7a5ae63389f7c"


def test_the_words_are_philox_4x64_10_with_the_published_known_answer():
    # Random123 kat_vectors, philox4x64 10: the all-zero counter and key. NumPy counts up before it computes, so the
    # counter that it is given stands one below.
    words = np.random.Philox(key=0, counter=2 ** 256 - 1).random_raw(4)
    assert [f"{word:016x}" for word in words] == [
        "16554d9eca36314c", "db20fe9d672d0fdc", "d7e772cee186176b", "7e68b68aec7ba23b"]


def test_the_words_of_an_image_do_not_depend_on_how_many_are_drawn():
    together = bitstream.raw_words(5, 1, 0, 10, 8)
    assert (bitstream.raw_words(5, 1, 7, 2, 8) == together[7:9]).all()


def test_uniforms_are_in_the_half_open_unit_interval():
    extremes = bitstream.uniforms(np.array([0, 2 ** 64 - 1], np.uint64))
    assert extremes[0] == 0.0 and extremes[1] == 1 - 2.0 ** -53


def test_an_image_depends_on_seed_split_and_number_alone():
    images, labels = synthetic.images("train", 0, 320, seed=3)
    part, part_labels = synthetic.images("train", 247, 9, seed=3)
    assert (part == images[247:256]).all() and (part_labels == labels[247:256]).all()
    assert (synthetic.images("test", 0, 20, seed=3)[0] != images[:20]).mean() > 0.9
    assert (synthetic.images("train", 0, 20, seed=4)[0] != images[:20]).mean() > 0.9


def test_the_images_of_a_seed_are_the_same_on_every_machine():
    images, _ = synthetic.images("train", 0, 200, seed=0)
    assert hashlib.sha256(images.tobytes()).hexdigest() == KNOWN_SHA256


def test_every_stretch_of_labels_is_balanced():
    _, labels = synthetic.images("test", 0, 100)
    assert (np.bincount(labels) == 10).all()


def test_colours_alone_do_not_tell_the_classes_apart():
    """The nearest class mean finds more than chance (colours differ) and far less than a network (they overlap)."""
    train, train_labels = synthetic.images("train", 0, 2000)
    test, test_labels = synthetic.images("test", 0, 500)
    means = np.stack([train[train_labels == label].mean(0).ravel() for label in range(10)])
    distances = ((test.reshape(500, 1, -1).astype(np.float32) - means) ** 2).sum(2)
    accuracy = (distances.argmin(1) == test_labels).mean()
    assert 0.15 < accuracy < 0.6


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_lies_within_its_radius_and_has_an_inside(figure):
    axis = np.linspace(-1.6, 1.6, 65, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    inside = figure(x, y) < 0
    assert 0.05 < inside.mean() < 0.5
    assert not inside[np.sqrt(x * x + y * y) > 1.45].any()


def test_the_command_writes_a_set_and_leaves_it_alone_when_run_again(command, tmp_path):
    first = command("synthetic", "--out", "a/b/set", "--train", 30, "--test", 20)
    assert first.returncode == 0 and "30 training and 20 test images of 10 classes written" in first.stderr
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "a/b/set").iterdir()}
    again = command("synthetic", "--out", "a/b/set", "--train", 30, "--test", 20)
    assert again.returncode == 0 and "nothing to do" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a/b/set").iterdir()} == before
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["set"]


def test_the_command_fills_an_empty_folder(command, tmp_path):
    (tmp_path / "set").mkdir()
    assert command("synthetic", "--out", "set", "--train", 10, "--test", 10).returncode == 0
    assert (tmp_path / "set/dataset.json").exists()


def test_the_command_works_without_refpcm(tmp_path):
    """data_tools/ alone, copied out of the repository."""
    import shutil
    from pathlib import Path

    import data_tools
    shutil.copytree(Path(data_tools.__file__).parent, tmp_path / "data_tools")
    script = ("import sys; sys.modules['refpcm'] = None; from data_tools import synthetic; "
              "assert synthetic.__file__.startswith(sys.argv[1]); "
              "sys.exit(synthetic.main(['--out', 'set', '--train', '10', '--test', '10']))")
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_another_size_or_seed_is_refused_in_the_same_folder(command, refused):
    command("synthetic", "--out", "set", "--train", 10, "--test", 10)
    for other in (["--train", 20, "--test", 10], ["--train", 10, "--test", 20],
                  ["--train", 10, "--test", 10, "--seed", 1]):
        assert "holds another set" in refused("synthetic", "--out", "set", *other)


def test_a_target_that_is_taken_is_refused_and_kept(refused, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/thesis.txt").write_text("mine")
    assert "is a file" in refused("synthetic", "--out", "file")
    assert "holds other files" in refused("synthetic", "--out", "folder")
    assert "file is a file" in refused("synthetic", "--out", "file/below/that")
    assert (tmp_path / "file").read_text() == (tmp_path / "folder/thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("arguments", [
    [], ["--out"], ["--out", "x", "--train", "0"], ["--out", "x", "--train", "-5"], ["--out", "x", "--test", "1.5"],
    ["--out", "x", "--seed", "-1"], ["--out", "x", "--seed", str(2 ** 64)], ["--out", "x", "--seed", "many"],
    ["--out", "x", "--sise", "3"]])
def test_wrong_arguments_are_refused_in_a_sentence(refused, tmp_path, arguments):
    assert "error: " in refused("synthetic", *arguments)
    assert not (tmp_path / "x").exists()


def test_help_is_there_without_numpy():
    """In a Python of its own: a forked one has imported NumPy already."""
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "data_tools.synthetic", "--help"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "--contact-sheet" in done.stdout
    assert "data_tools.commands" in done.stderr and "numpy" not in done.stderr


@pytest.mark.slow
def test_help_is_there_in_half_a_second():
    """Of processor time, since other tests may run beside this one; a forked process is no child of this one."""
    def spent():
        return os.times().children_user + os.times().children_system
    started = spent()
    assert "--contact-sheet" in subprocess.run([sys.executable, "-m", "data_tools.synthetic", "--help"],
                                               capture_output=True, text=True, timeout=120).stdout
    assert spent() - started < 0.5


def test_the_contact_sheet_shows_and_names_every_class(command, tmp_path):
    (tmp_path / "sheet.png").write_text("old")  # is replaced
    assert command("synthetic", "--contact-sheet", "sheet.png").returncode == 0 and os.listdir(tmp_path) == ["sheet.png"]
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG" and sheet.size == (64 + 448, 320)
        names = [sheet.crop((0, row * 32, 64, row * 32 + 32)) for row in range(10)]
        assert len({name.tobytes() for name in names}) == 10 and all(name.getextrema()[0][0] < 100 for name in names)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
def test_a_full_disk_leaves_nothing_and_says_so(refused, tmp_path):
    import resource

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
    message = refused("synthetic", "--out", "set", "--train", 100, "--test", 10, preexec_fn=small_files)
    assert "no room on the disk" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, *(pytest.param(how, marks=pytest.mark.slow)
                                                  for how in (signal.SIGINT, signal.SIGKILL))])
def test_a_stopped_command_leaves_no_half_set(command, tmp_path, how):
    process = subprocess.Popen([sys.executable, "-m", "data_tools.synthetic", "--out", "set", "--train", "6000"],
                               cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob(".set.partial-*")):  # not before it has begun
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(how)
    _, errors = process.communicate(timeout=30)
    assert process.returncode != 0 and "Traceback" not in errors
    assert not (tmp_path / "set").exists()
    assert command("synthetic", "--out", "set", "--train", 10, "--test", 10).returncode == 0


def test_what_a_killed_run_left_is_removed_later(tmp_path):
    abandoned = tmp_path / ".set.partial-123"
    abandoned.mkdir()
    (abandoned / "train_images.npy").write_bytes(b"half")
    for path in (abandoned / "train_images.npy", abandoned):
        os.utime(path, (0, 0))
    fcntl = pytest.importorskip("fcntl")
    in_use = os.open(abandoned, os.O_RDONLY)  # by a run that has long written nothing
    fcntl.flock(in_use, fcntl.LOCK_EX)
    synthetic.make(tmp_path / "set", 10, 10)
    assert abandoned.exists()
    os.close(in_use)
    shutil.rmtree(tmp_path / "set")
    synthetic.make(tmp_path / "set", 10, 10)
    assert not abandoned.exists()


def test_programs_that_make_the_same_set_at_once_all_succeed(tmp_path):
    processes = [subprocess.Popen([sys.executable, "-m", "data_tools.synthetic", "--out", "set", "--train", "400",
                                   "--test", "100"], cwd=tmp_path) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_another_set_that_appears_meanwhile_is_not_overwritten(tmp_path, monkeypatch):
    synthetic.make(tmp_path / "set", 20, 10)
    monkeypatch.setattr("data_tools.prepared.find", lambda folder: None)  # as it was when this program started
    with pytest.raises(DataError, match="filled by another program"):
        synthetic.make(tmp_path / "set", 10, 10)


@pytest.mark.parametrize("act", ["rename", "rmdir"])
def test_another_folder_that_appears_in_the_last_moment_is_not_overwritten(act, tmp_path, monkeypatch):
    (tmp_path / "set").mkdir()  # empty, so it may be filled
    really = getattr(os, act)

    def late(*paths, **options):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / "foreign").touch()
        really(*paths, **options)

    monkeypatch.setattr(os, act, late)
    with pytest.raises(DataError, match="filled by another program"):
        with new_folder(tmp_path / "set"):
            pass
    monkeypatch.undo()
    assert [path.name for path in tmp_path.rglob("*")] == ["set", "foreign"]
