"""`python -m refpcm.evaluate` as a user runs it: digital, on chips, interrupted, in processes, and misused."""

import json
import os
import signal
import subprocess
import sys
import time

import numba
import pytest

from refpcm.files.lock import locked
from tests.commands import command

CHIPS = ["--chips", "2", "--times", "25s,1day", "--images", "40", "--adabs-batches", "2", "--adabs-batch-size", "50"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Options that name a small trained network and its data."""
    folder = tmp_path_factory.mktemp("trained")
    assert command("data_tools.synthetic", "--train", 320, "--test", 60, "--out", folder / "data").returncode == 0
    done = command("refpcm.train", "--data", folder / "data", "--out", folder / "run", "--epochs", 10,
                   "--batch-size", 32, "--validation-images", 0, "--learning-rate", 0.05)
    assert done.returncode == 0, done.stderr
    return ["--network", folder / "run" / "network.safetensors", "--data", folder / "data"]


@pytest.fixture(scope="module")
def whole(trained, tmp_path_factory):
    """An evaluation on chips that was never interrupted: its folder and its rows."""
    folder = tmp_path_factory.mktemp("whole")
    done = command("refpcm.evaluate", *trained, *CHIPS, "--out", folder, "--json", "--threads", 1)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)["rows"]


def test_digital_prints_accuracy_correct_and_total(trained):
    done = command("refpcm.evaluate", *trained, "--digital", "--json")
    result = json.loads(done.stdout)
    assert result["total"] == 60 and result["accuracy"] == result["correct"] / 60
    assert f"({result['correct']} of 60" in command("refpcm.evaluate", *trained, "--digital").stdout


def test_the_rows_are_times_by_compensations_and_the_files_hold_them(whole):
    folder, rows = whole
    expected = [(t_s, name) for t_s in (25.0, 86400.0) for name in ("none", "gdc", "adabs")]
    assert [(row["t_s"], row["compensation"]) for row in rows] == expected
    for row in rows:
        assert row["mean"] == pytest.approx(sum(a[0] for a in row["accuracies"]) / 2)
        assert row["low"] is row["high"] is None  # of two chips
    assert json.loads((folder / "result.json").read_text())["rows"] == rows
    assert len((folder / "result.csv").read_text().splitlines()) == 7
    assert len(list((folder / "units").iterdir())) == 4


def test_at_the_first_read_drift_compensation_changes_nothing(whole):
    rows = {(row["t_s"], row["compensation"]): row["accuracies"] for row in whole[1]}
    assert rows[25.0, "none"] == rows[25.0, "gdc"]


def test_an_evaluation_that_was_killed_goes_on_and_ends_alike(trained, whole, tmp_path):
    arguments = ["refpcm.evaluate", *trained, *CHIPS, "--out", tmp_path, "--json"]
    process = subprocess.Popen([sys.executable, "-m", *map(str, arguments)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    units = tmp_path / "units"
    while process.poll() is None and not (units.exists() and any(units.glob("*.json"))):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in units.glob("*.json")}
    assert 1 <= len(kept) < 4, "the process was to be killed half-way"
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == whole[1]
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items())


def test_two_processes_and_two_threads_give_the_same_rows(trained, whole, tmp_path):
    for option in ("--workers", "--threads"):
        if option == "--threads" and numba.config.NUMBA_NUM_THREADS < 2:
            continue
        done = command("refpcm.evaluate", *trained, *CHIPS, "--out", tmp_path / option, "--json", option, 2)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["rows"] == whole[1]


def test_the_table_shows_every_row_and_the_plot_is_a_picture(trained, whole, tmp_path):
    pytest.importorskip("matplotlib")
    done = command("refpcm.evaluate", *trained, *CHIPS, "--out", whole[0], "--plot", tmp_path / "a.png",
                   "--compensation", "none, gdc, adabs")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n1 day ") == done.stdout.count("\n25 s ") == 4  # three compensations, adabs - gdc
    assert (tmp_path / "a.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_without_matplotlib_the_word_is_clear(trained, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    done = command("refpcm.evaluate", *trained, "--plot", "a.png", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2 and "pip install" in done.stderr and "Traceback" not in done.stderr


def test_converters_and_tiles_are_options(trained, whole, tmp_path):
    done = command("refpcm.evaluate", *trained, *CHIPS[2:], "--chips", 1, "--images", 20, "--compensation", "gdc",
                   "--dac-bits", 8, "--adc-bits", 8, "--tile-rows", 64, "--output-noise", 0.01,
                   "--read-noise", "per_batch", "--json", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["protocol"]["adc_bits"] == 8 and len(result["rows"]) == 2
    assert [row["t_s"] for row in result["saturation"]] == [25.0, 86400.0]
    for row in result["saturation"]:
        assert list(row["layers"])[0] == "conv1"
        assert all(0 <= share < 0.1 for layer in row["layers"].values() for share in layer.values())
    assert "saturation" not in json.loads((whole[0] / "result.json").read_text())
    written = result.pop("saturation")
    assert json.loads((tmp_path / "result.json").read_text())["saturation"] == written


def test_read_noise_of_every_product_is_an_option_and_repeats_itself(trained, whole, tmp_path):
    results = []
    for run, options in (("a", ["--threads", 1]), ("b", ["--workers", 2])):
        done = command("refpcm.evaluate", *trained, *CHIPS, "--read-noise", "per_product", *options,
                       "--out", tmp_path / run, "--json")
        assert done.returncode == 0, done.stderr
        results.append(json.loads(done.stdout))
    assert results[0]["rows"] == results[1]["rows"] != whole[1]
    assert results[0]["protocol"]["read_noise"] == "per_product" and len(results[0]["rows"]) == 6
    at_once = {row["compensation"]: row["accuracies"] for row in results[0]["rows"] if row["t_s"] == 25.0}
    assert at_once["none"] == at_once["gdc"]


def test_the_folder_of_a_training_is_left_alone(trained):
    run = trained[1].parent
    before = (run / "result.json").read_bytes()
    done = command("refpcm.evaluate", *trained, *CHIPS, "--out", run)
    assert done.returncode == 2 and "which an evaluation does not write" in done.stderr
    assert (run / "result.json").read_bytes() == before and not (run / "units").exists()


def test_a_folder_in_use_is_refused_to_a_second_evaluation(trained, tmp_path):
    with locked(tmp_path):
        done = command("refpcm.evaluate", *trained, *CHIPS, "--out", tmp_path)
    assert done.returncode == 2 and done.stderr.startswith(f"error: {tmp_path} is in use by another command")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is part of Python from 3.11 on")
def test_a_device_file_is_told_in_numbers_and_kept_in_the_result(trained, tmp_path):
    (tmp_path / "cell.toml").write_text('name = "cell"\nbased_on = "joshi2020"\ng_max_us = 5.0\n')
    done = command("refpcm.evaluate", *trained, *CHIPS, "--compensation", "none", "--device", "cell.toml", "--out", "out",
                   cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "device cell of cell.toml: G_max 5 uS; programming error 5.27 to 21.5 % of G_max;" in done.stderr
    assert json.loads((tmp_path / "out" / "result.json").read_text())["device"]["g_max_us"] == 5.0


MISUSES = {
    "no such network": (["--network", "/nowhere"], "/nowhere"),
    "no such data": (["--data", "/nowhere"], "/nowhere"),
    "no such device": (["--device", "memristor"], "joshi2020"),
    "no such device file": (["--device", "/nowhere.toml"], "/nowhere.toml"),
    "bad time": (["--times", "tomorrow"], "tomorrow"),
    "time before the first read": (["--times", "1s"], "at 25 s, has not been made"),
    "time before t0, not the first read": (["--times", "10s", "--compensation", "none"], "10 s is before t0 = 20 s of device joshi2020"),
    "time after centuries": (["--times", "25s,1e12s"], "evaluation: 1e+12 s is beyond 1e+10 s"),
    "unknown compensation": (["--compensation", "magic"], "magic"),
    "no chips": (["--chips", "0"], "chips"),
    "no reads": (["--reads", "-1"], "reads"),
    "no workers": (["--workers", "0"], "--workers 0"),
    "no images": (["--images", "0"], "images"),
    "more calibration images than there are": (["--adabs-batches", "1000"], "AdaBS"),
    "seed too large": (["--seed", str(2 ** 32)], "seed"),
    "output is a file": (["--out", __file__], "test_evaluate_command.py"),
    "no bits": (["--dac-bits", "0"], "bits"),
    "unknown read noise": (["--read-noise", "per_pixel"], "per_product"),
    "noise of products with impossible tiles": (["--read-noise", "per_product", "--tile-rows", "0"], "rows"),
    "noise of products before the first read": (["--read-noise", "per_product", "--times", "1s"], "at 25 s, has not been made"),
    "no tile rows": (["--tile-rows", "0"], "rows"),
    "plot of unknown form": (["--plot", "a.xyz"], "a.xyz"),
    "plot that needs LaTeX": (["--plot", "a.pgf"], "a.pgf: its name must end in one of"),
    "plot in the place of the folder": (["--plot", "a.png", "--out", "a.png"], "a.png is named twice"),
    "plot in the folder that is made later": (["--plot", "new/a.png", "--out", "new", "--network", "/nowhere"], "/nowhere"),
    "plot in no folder": (["--plot", "nowhere/a.png"], "there is no folder"),
    "files and chips of a digital network": (["--digital", "--out", "a", "--plot", "b.png", "--device", "hermes"],
                                             "leave out --plot, --out, --device, --chips, --times, --adabs-batches, "
                                             "--adabs-batch-size, or --digital"),
    "name left empty": (["--out", ""], "--out: a name is wanted"),
}


@pytest.mark.parametrize("case", MISUSES)
def test_a_mistake_gets_one_clear_sentence(trained, tmp_path, case):
    arguments, words = MISUSES[case]
    if case.startswith("plot"):
        pytest.importorskip("matplotlib")
    done = command("refpcm.evaluate", *trained, *CHIPS, *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1
    assert "first read" not in case or len(done.stderr.splitlines()) == 1  # nothing is announced before it is refused
