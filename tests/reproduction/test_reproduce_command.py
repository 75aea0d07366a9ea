"""`python -m refpcm.reproduce` as a user runs it: to the end, again, interrupted, on several processes, and misused."""

import csv
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from refpcm.files.lock import locked
from refpcm.files.network_file import load_network, save_network
from refpcm.files.reading import sha256_of
from tests.commands import command

NUMBERS = {"seeds": [0, 1], "fp32": {"epochs": 1, "batch_size": 32, "learning_rate": 0.05},
           "retraining": {"epochs": 0.5, "batch_size": 32, "kernels": "winograd"}, "etas_tr": [0.038],
           "etas_inf": [0.1], "inference_runs": 2, "transfer": ["fp32", "noise", "ternary"], "chips": 1,
           "day_s": [86400, 25], "year_s": [25, 31536000], "adabs_batches": 2, "adabs_batch_size": 16,
           "calibration_batches": [1, 2]}
MANY = {**NUMBERS, "adabs_batches": 1000}  # of 16 images, which the data do not have
FIGURES = ("fig2", "fig3", "fig4", "fig5", "ablation", "causes", "calibration")
DRAWS = importlib.util.find_spec("matplotlib") is not None


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder with data, a configuration, and in whole/ all figures, made in one go."""
    folder = tmp_path_factory.mktemp("reproduction")
    made = command("data_tools.synthetic", "--train", 320, "--test", 40, "--out", folder / "data")
    assert made.returncode == 0, made.stderr
    (folder / "numbers.json").write_text(json.dumps(NUMBERS))
    done = reproduce(folder, "all", "--out", folder / "whole", timeout=900)
    assert done.returncode == 0, done.stderr
    (folder / "printed.txt").write_text(done.stdout)
    return folder


def reproduce(base, figure, *arguments, **options):
    return command("refpcm.reproduce", figure, "--config", base / "numbers.json", "--data", base / "data", *arguments,
                   **options)


def result(folder, figure):
    return json.loads((folder / f"{figure}.json").read_text())


def files(folder):
    """{path: time of its last change} of networks and finished units."""
    return {path.relative_to(folder): path.stat().st_mtime_ns for part in ("networks", "evaluation")
            for path in (folder / part).rglob("*") if path.is_file()}


@pytest.mark.parametrize("figure, rows", [("fig2", 2 * 3), ("fig3", 3 * 2), ("fig4", 2 * (1 + 2 * 3)),
                                          ("fig5", 2 * (1 + 2 * 3)), ("ablation", 4 * 2),
                                          ("causes", 2 * (1 + 2 * 5)), ("calibration", 2 + 2)])
def test_a_figure_leaves_numbers_table_and_comparison(base, figure, rows):
    found = result(base / "whole", figure)
    assert len(found["rows"]) == rows and found["test_images"] == 40 and found["numbers"]["chips"] == 1
    low = -1 if figure == "causes" else 0  # points lost
    assert all(row["runs"] == 2 and low <= row["mean"] <= 1 and row["low"] is None for row in found["rows"])
    with open(base / "whole" / f"{figure}.csv", newline="") as file:
        assert [float(row["mean"]) for row in csv.DictReader(file)] == [row["mean"] for row in found["rows"]]
    text = (base / "whole" / f"{figure}.txt").read_text()
    assert text in (base / "printed.txt").read_text() and "compare signs and shapes" in text
    for line in found["comparison"]:
        assert line["value"] in text and (line["ours"] or "not measured here") in text
    assert any(line["ours"] for line in found["comparison"])
    assert "changed of this scale: fp32.epochs, " in text
    for variant, hashes in found["sha256"].items():
        folders = [base / "whole" / "networks" / f"{variant}-seed{seed}" for seed in (0, 1)]
        assert hashes == [sha256_of(folder / "network.safetensors") for folder in folders]


@pytest.mark.skipif(not DRAWS, reason="wants matplotlib")
def test_every_figure_is_drawn(base):
    for figure in FIGURES:
        assert (base / "whole" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")


def accuracies(base, figure, *columns):
    """{entries of the columns: mean} of a figure."""
    return {tuple(row[column] for column in columns): row["mean"] for row in result(base / "whole", figure)["rows"]}


def test_retention_stands_in_the_order_of_time_and_before_drift_gdc_changes_nothing(base):
    rows = accuracies(base, "fig4", "network", "t_s", "compensation")
    assert [t_s for network, t_s, kind in rows if (network, kind) == ("noise", "gdc")] == [25.0, 86400.0]
    assert all(rows[network, 25.0, "none"] == rows[network, 25.0, "gdc"] for network in ("fp32", "noise"))


def test_fig3_is_of_the_papers_transfer_model_and_fig4_of_the_default_device(base, tmp_path):
    found = result(base / "whole", "fig3")
    assert found["numbers"]["transfer_device"] == "joshi2020-transfer"
    assert "device joshi2020-transfer" in (base / "whole" / "fig3.txt").read_text()
    assert "device joshi2020\n" in (base / "whole" / "fig4.txt").read_text()
    network, row = base / "whole" / "networks" / "noise-seed0" / "network.safetensors", found["rows"][3]
    done = command("refpcm.evaluate", "--network", network, "--data", base / "data", "--device", "joshi2020-transfer",
                   "--chips", 1, "--times", "25s", "--compensation", "none", "--out", tmp_path, "--json")
    assert (row["network"], row["compensation"]) == ("noise", "none")
    assert json.loads(done.stdout)["rows"][0]["accuracies"] == row["accuracies"][0], done.stderr


def test_the_ablation_leaves_out_what_it_says_and_shares_the_noise_trained_network_with_fig2(base):
    rows, fig2 = accuracies(base, "ablation", "network", "eta_inf"), accuracies(base, "fig2", "network", "eta_inf")
    assert all(rows["noise", eta] == fig2["noise", eta] for eta in (0.0, 0.038))
    configs = {name: json.loads((base / "whole" / "networks" / f"{name}-seed0" / "config.json").read_text())
               for name in ("noise", "no-start", "no-clipping", "no-rates")}
    noise = configs.pop("noise")
    keys = ("start_sha256", "clip_sigma", "learning_rate", "schedule", "weight_noise", "epochs")
    differing = {name: {key for key in keys if config[key] != noise[key]} for name, config in configs.items()}
    assert differing == {"no-start": {"start_sha256"}, "no-clipping": {"clip_sigma"},
                         "no-rates": {"learning_rate", "schedule"}}
    assert configs["no-start"]["start_sha256"] is None and configs["no-clipping"]["clip_sigma"] is None
    assert configs["no-rates"]["learning_rate"] == NUMBERS["fp32"]["learning_rate"]


def test_causes_and_calibration_meet_the_chips_of_the_retention_figure(base):
    year, fig5 = 31536000.0, accuracies(base, "fig5", "network", "t_s", "compensation")
    lost = accuracies(base, "causes", "t_s", "cause", "case")
    whole = fig5["noise", None, "digital"] - fig5["noise", year, "gdc"]
    assert lost[year, "everything", "only"] == pytest.approx(whole)
    adabs = accuracies(base, "calibration", "compensation", "images")
    assert adabs["adabs", 32] == fig5["noise", year, "adabs"] and ("adabs", 16) in adabs
    assert adabs["gdc", 0] == fig5["noise", year, "gdc"]


def test_the_same_command_again_trains_and_evaluates_nothing_and_says_the_same(base):
    before = files(base / "whole")
    again = reproduce(base, "fig3", "--out", base / "whole")
    assert again.stdout in (base / "printed.txt").read_text() and "training" not in again.stderr
    assert again.stdout and files(base / "whole") == before


def cut_off(number, moment, *arguments):
    """Start the command, send it the signal once moment() is true. -> exit status, what it said on stderr."""
    process = subprocess.Popen([sys.executable, "-m", "refpcm.reproduce", *map(str, arguments)], text=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,  # a test in the background of a shell
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # ignores SIGINT
    while process.poll() is None and not moment():
        time.sleep(0.001)
    process.send_signal(number)
    return process.wait(60), process.communicate()[1]


def test_trainings_that_were_cut_off_go_on_to_the_same_weights(base, tmp_path):
    for part in ("networks", "evaluation"):
        shutil.copytree(base / "whole" / part, tmp_path / part)
    first, second = (tmp_path / "networks" / f"noise-seed{seed}" for seed in (0, 1))
    shutil.rmtree(first)
    shutil.rmtree(second)
    arguments = ("fig2", "--config", base / "numbers.json", "--data", base / "data", "--out", tmp_path)
    status, _ = cut_off(signal.SIGKILL, (first / "config.json").exists, *arguments)
    assert status == -signal.SIGKILL
    (first / "config.json").unlink()  # as if it had been cut off between the two files of its beginning
    status, words = cut_off(signal.SIGINT, (second / "config.json").exists, *arguments)
    assert status == 130 and "the same command goes on where this one stopped" in words
    done = command("refpcm.reproduce", *arguments)
    assert done.returncode == 0, done.stderr
    for one in (first, second):
        whole = base / "whole" / "networks" / one.name / "network.safetensors"
        assert (one / "network.safetensors").read_bytes() == whole.read_bytes()
        assert (one / "config.json").exists()


def test_an_interrupted_evaluation_keeps_its_units_and_two_processes_find_the_same_bits(base, tmp_path):
    shutil.copytree(base / "whole" / "networks", tmp_path / "networks")
    arguments = ("fig5", "--config", base / "numbers.json", "--data", base / "data", "--out", tmp_path)
    status, words = cut_off(signal.SIGINT, lambda: list(tmp_path.glob("evaluation/units/*.json")), *arguments)
    assert status == 130 and "the same command goes on" in words
    kept = files(tmp_path)
    done = command("refpcm.reproduce", *arguments, "--workers", 2)
    assert done.returncode == 0 and result(tmp_path, "fig5") == result(base / "whole", "fig5"), done.stderr
    assert "training" not in done.stderr and kept.items() <= files(tmp_path).items()


def test_seeds_trained_apart_are_put_together_by_copying_two_folders(base, tmp_path):
    """The other way round: what the run of two seeds left is all that a run of one of them needs."""
    for part in ("networks", "evaluation"):
        shutil.copytree(base / "whole" / part, tmp_path / part, copy_function=shutil.copy2)
    (tmp_path / "one.json").write_text(json.dumps({**NUMBERS, "seeds": [1]}))
    before = files(tmp_path)
    done = command("refpcm.reproduce", "fig2", "--config", tmp_path / "one.json", "--data", base / "data", "--out",
                   tmp_path)
    assert done.returncode == 0 and files(tmp_path) == before, done.stderr
    assert {(row["runs"], row["draws"]) for row in result(tmp_path, "fig2")["rows"]} == {(1, 1), (1, 2)}


def test_a_figure_without_adabs_needs_no_images_to_calibrate_with(base, tmp_path):
    for part in ("networks", "evaluation"):
        shutil.copytree(base / "whole" / part, tmp_path / part)
    (tmp_path / "many.json").write_text(json.dumps(MANY))
    done = command("refpcm.reproduce", "fig2", "--config", tmp_path / "many.json", "--data", base / "data", "--out",
                   tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"fig2: \d+:\d\d", done.stderr.splitlines()[-1])


def test_own_networks_are_taken_instead_of_trained_ones(base, tmp_path):
    def network(name):
        return base / "whole" / "networks" / name / "network.safetensors"
    done = reproduce(base, "fig5", "--out", tmp_path, "--fp32", network("fp32-seed0"),
                     "--noise", network("noise-seed0"), network("noise-seed1"))
    assert done.returncode == 0 and not (tmp_path / "networks").exists(), done.stderr
    ours, theirs = ([row for row in result(folder, "fig5")["rows"] if row["network"] == "noise"]
                    for folder in (tmp_path, base / "whole"))
    assert ours == theirs
    found, text = result(tmp_path, "fig5"), (tmp_path / "fig5.txt").read_text()
    assert list(found["given networks"]["fp32"]) == [str(network("fp32-seed0"))] and "not trained here" in text
    assert found["numbers"]["fp32"] is None and found["numbers"]["retraining"] is None
    assert result(base / "whole", "fig5")["numbers"]["retraining"]["epochs"] == 0.5


def test_without_matplotlib_a_sentence_takes_the_place_of_the_picture(base, tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('none here')")
    shutil.copytree(base / "whole", tmp_path / "out", ignore=shutil.ignore_patterns("*.png"))
    done = reproduce(base, "fig3", "--out", tmp_path / "out", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0 and "matplotlib is not installed" in done.stderr
    assert (tmp_path / "out" / "fig3.txt").exists() and not (tmp_path / "out" / "fig3.png").exists()


MISUSES = {
    "small without data": (["--scale", "small"], "--data"),
    "no such data": (["--data", "/nowhere"], "/nowhere"),
    "no such configuration": (["--config", "/nowhere.json"], "/nowhere.json"),
    "unknown number": (["--config", {"chip": 3}], "valid are"),
    "retraining of another network": (["--config", {"retraining": {"architecture": "cifar-resnet20"}}], "architecture"),
    "retraining without noise": (["--config", {"retraining": {"weight_noise": 0.0}}], "weight_noise"),
    "seed in a training": (["--config", {"fp32": {"seed": 3}}], "seeds"),
    "time beyond the drift law": (["--config", {**NUMBERS, "year_s": [1e300]}], "1e+300"),
    "batch larger than the data": (["--config", {**NUMBERS, "retraining": {"batch_size": 1000}}], "batch size 1000"),
    "network file is none": (["--noise", "numbers.json"], "numbers.json"),
    "too few networks to start from": (["--config", {**NUMBERS, "seeds": [0, 1, 2]}, "--fp32", "NETWORK", "OTHER"],
                                       "--fp32 names 2"),
    "one network for two trainings": (["--fp32", "NETWORK", "NETWORK"], "the same network twice"),
    "noise-trained as FP32": (["--fp32", "NOISE"], "weight_noise = 0.038, where 0.0 is wanted"),
    "too few images to calibrate with": (["--config", MANY], "does not fit 320"),
    "no batches to calibrate with": (["--config", {**NUMBERS, "calibration_batches": [0]}], "calibration_batches"),
    "units without end": (["--config", {**NUMBERS, "chips": 5_000_000_000}], "at most 1000000"),
    "draws without end": (["--config", {**NUMBERS, "inference_runs": 5_000_000_000}], "at most 1000000"),
    "no workers": (["--workers", "0"], "--workers 0"),
    "output cannot be made": (["--out", "numbers.json/out"], "cannot make the folder"),
}


@pytest.mark.parametrize("case", MISUSES)
def test_a_mistake_gets_one_clear_sentence_before_anything_is_trained(base, tmp_path, case):
    arguments, words = MISUSES[case]
    shutil.copy(base / "numbers.json", tmp_path)
    networks = {word: base / "whole" / "networks" / name / "network.safetensors"
                for word, name in (("NETWORK", "fp32-seed0"), ("OTHER", "fp32-seed1"), ("NOISE", "noise-seed0"))}
    given = [networks.get(argument, argument) if isinstance(argument, str) else argument for argument in arguments]
    if isinstance(given[1], dict):
        (tmp_path / "wrong.json").write_text(json.dumps(given[1]))
        given[1] = "wrong.json"
    usual = ["--config", "numbers.json", *(["--data", base / "data"] if case != "small without data" else [])]
    done = command("refpcm.reproduce", "fig4", *usual, *given, cwd=tmp_path)
    assert done.returncode == 2 and words in done.stderr and done.stderr.startswith("error: "), done.stderr
    assert done.stderr.count("\n") == 1 and not list(tmp_path.glob("runs/**/networks"))


def test_a_folder_in_use_is_refused_to_a_second_command(base, tmp_path):
    with locked(tmp_path):
        done = reproduce(base, "fig3", "--out", tmp_path)
    assert done.returncode == 2 and done.stderr.startswith(f"error: {tmp_path} is in use by another command")
    assert done.stderr.count("\n") == 1 and os.listdir(tmp_path) == []


@pytest.mark.parametrize("change, words", [({"chips": 3}, "other settings (chips)"), ("network", "another training"),
                                           ("start", "did not begin with"),
                                           ("images", "trained on other images"),
                                           ("unknown images", "config.json cannot be read"),
                                           ("settings", "settings.json cannot be read")])
def test_a_folder_of_other_results_is_left_alone(base, tmp_path, change, words):
    for name in ("networks", "settings.json"):
        (shutil.copytree if name == "networks" else shutil.copy)(base / "whole" / name, tmp_path / name)
    numbers = tmp_path / "numbers.json"
    numbers.write_text(json.dumps({**NUMBERS, **(change if isinstance(change, dict) else {})}))
    folders = tmp_path / "networks"
    if change == "network":
        shutil.copy(folders / "noise-seed1" / "network.safetensors", folders / "noise-seed0")
    if change == "start":
        path = folders / "fp32-seed1" / "network.safetensors"
        network = load_network(path)
        save_network(path, replace(network, std=tuple(2 * value for value in network.std)))
    if change in ("images", "unknown images"):
        known = {"data_identity": "of others"} if change == "images" else {}
        (folders / "noise-seed0" / "config.json").write_text(json.dumps(known))
    if change == "settings":
        (tmp_path / "settings.json").write_text("[]")
    before = files(tmp_path)
    done = command("refpcm.reproduce", "fig2", "--config", numbers, "--data", base / "data", "--out", tmp_path)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr
    assert files(tmp_path) == before
