"""docs/results.md is what its generator writes, and every network of docs/results can be traced to its start."""

import hashlib
import json
import re
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from refpcm.evaluation.calibration import own_augmentation
from refpcm.files.devices import find_device
from refpcm.files.network_file import load_network
from refpcm.reproduction.scales import SCALES, override
from refpcm.spec.pcm.device import differences
from refpcm.spec.training.config import preset
from refpcm.train import arguments, resolve
from tests.benchmarks.uncompensated import DEVICES, device_of
from tests.results import adopt_training
from tests.results.adopt import lineage
from tests.results.chips import rows_of
from tests.results.fig2 import CHANGES, SHORT, result_of
from tests.results.files import RESULTS, ROOT, read
from tests.results.page import page
from tests.results.paper_recipe import BASELINE, RETRAINED
from tests.results.runs import CHAIN, FP32, INITIAL, KEPT, NOISE, SET_BY_MATCH, match_folder, train_command
from tests.results.uncompensated import TABLE

NOT_KEPT = "shorter/15-winograd4"  # the only run whose network was never hashed


def test_the_results_page_is_what_its_generator_writes():
    assert (ROOT / "docs" / "results.md").read_text() == page()


def test_the_chain_lists_every_run_that_has_a_configuration():
    assert sorted(CHAIN) == sorted(path.parent.relative_to(RESULTS).as_posix() for path in RESULTS.rglob("config.json"))


@pytest.mark.parametrize("run", KEPT)
def test_a_kept_network_has_the_hash_that_the_chain_says(run):
    assert hashlib.sha256((RESULTS / run / "network.safetensors").read_bytes()).hexdigest() == CHAIN[run]["network_sha256"]


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.safetensors")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_network_in_the_repository_carries_the_augmentation_of_its_training(path):
    assert own_augmentation(load_network(path).notes, path) is not None


@pytest.mark.parametrize("path", sorted(path for path in RESULTS.rglob("*.json")
                                        if path.parent.name not in ("units", "small", *CHANGES) and "sha256" in json.loads(path.read_text())),
                         ids=lambda path: str(path.relative_to(RESULTS)))
def test_a_result_names_the_network_of_its_folder_and_the_chain_before_it(path):
    known = json.loads(path.read_text())["sha256"]
    run = next(run for run in CHAIN if f"docs/results/{run}/" in f"{path.as_posix()}")
    assert known["network"] == CHAIN[run]["network_sha256"]
    assert {"starts": known["starts"], "starts_end": known["starts_end"]} == lineage(run)


def test_only_the_kept_networks_are_committed():
    listed = subprocess.run(["git", "ls-files", "docs/results"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git repository")
    files = [name for name in listed.stdout.split() if name.endswith((".safetensors", ".npz"))]
    assert sorted(files) == sorted(f"docs/results/{run}/network.safetensors" for run in KEPT)


@pytest.mark.parametrize("run", CHAIN)
def test_a_run_began_with_the_network_of_the_run_that_the_chain_names(run):
    link, start = CHAIN[run], CHAIN[run]["start"]
    if start == INITIAL:
        assert link["start_sha256"] is None and not {"--start", "--match"} & set(link["command"].split())
    else:
        assert link["start_sha256"] == CHAIN[start]["network_sha256"] is not None
        begins = (f"--start docs/results/{start}/network.safetensors ", f"--match {match_folder(start)} ")
        assert sum(begin in link["command"] for begin in begins) == 1


def test_every_network_but_one_has_a_hash_and_no_two_have_the_same():
    hashes = [link["network_sha256"] for run, link in CHAIN.items() if run != NOT_KEPT]
    assert all(len(value) == 64 for value in hashes) and len(set(hashes)) == len(hashes)


@pytest.mark.parametrize("run", CHAIN)
def test_the_chain_says_the_same_as_configuration_and_result(run):
    link, config, result = CHAIN[run], read(f"{run}/config.json"), read(f"{run}/result.json")
    assert link["start_sha256"] == config["start_sha256"] == result["start_sha256"]
    assert link["command"] == " ".join(["python -m refpcm.train", *config["command"][1:]])
    assert (link["seed"], link["kernels"]) == (config["seed"], config["kernels"]) and config["seed"] == result["seed"]
    assert link["sources"] == result["versions"].get("sources")


@pytest.mark.parametrize("run", CHAIN)
def test_todays_command_asks_for_the_recorded_configuration(run):
    recorded = read(f"{run}/config.json")
    config = asdict(resolve(arguments(train_command(run).split()[3:])))
    assert config["kernels"] == ("direct" if recorded["kernels"] == "vector" else "winograd")
    same = set(config) & set(recorded) - {"kernels"} - set(SET_BY_MATCH if recorded.get("matched") else ())
    if recorded.get("weight_noise", 0) == 0:
        same.discard("backward")  # both choices are the same without noise
    assert {name: config[name] for name in same} == {name: recorded[name] for name in same}


@pytest.mark.parametrize("begins", ["--start", "--match"])
def test_a_finished_training_is_taken_into_the_results(begins, tmp_path, monkeypatch):
    """Its paths are a reader's, and the chain names the run whose network it began with."""
    start, folder, results = "shorter/60", tmp_path / "run", tmp_path / "results"
    config = {**read("shorter/15-f4-gradient/config.json"), "start_sha256": CHAIN[start]["network_sha256"],
              "command": ["/there/refpcm/train.py", "--preset", "joshi2020-cifar10-noise", begins, "../mine", "--data",
                          "../cifar10", "--out", "x"]}
    folder.mkdir()
    results.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("result.json", "metrics.jsonl"):
        (folder / name).write_text((RESULTS / "shorter/15-f4-gradient" / name).read_text())
    (folder / "network.safetensors").write_bytes(b"weights")
    monkeypatch.setattr(adopt_training, "RESULTS", results)
    monkeypatch.setattr("sys.argv", ["adopt_training", str(folder), "paper/x", "--keep"])
    adopt_training.main()
    link = json.loads((results / "chain.json").read_text())["paper/x"]
    began_with = {"--start": f"docs/results/{start}/network.safetensors", "--match": match_folder(start)}[begins]
    assert link["command"] == (f"python -m refpcm.train --preset joshi2020-cifar10-noise {begins} {began_with} --data cifar10 "
                               "--out runs/paper/x")
    assert (link["start"], link["network_sha256"]) == (start, hashlib.sha256(b"weights").hexdigest())
    assert all("../" not in (results / "paper/x" / name).read_text() for name in ("config.json", "result.json"))
    assert (results / "paper/x/network.safetensors").read_bytes() == b"weights"


def test_the_command_of_a_matched_run_leaves_its_rates_to_the_match(monkeypatch):
    recorded = {**read("shorter/15-f4-gradient/config.json"), **asdict(preset("joshi2020-cifar10-noise")), "schedule_start": 41.0,
                "matched": {"epoch": 42}, "seed": 3}
    link = {"start": "shorter/60", "command": "python -m refpcm.train --preset joshi2020-cifar10-noise --match runs/shorter/60"}
    monkeypatch.setitem(CHAIN, "paper/y", link)
    monkeypatch.setattr("tests.results.runs.read", lambda path: recorded)
    assert train_command("paper/y") == ("python -m refpcm.train --preset joshi2020-cifar10-noise --data cifar10 "
                                        "--match runs/shorter/60 --seed 3 --out runs/paper/y")


def test_the_small_figures_are_of_todays_scale():
    scale = json.loads(json.dumps(asdict(SCALES["small"])))
    recorded = {**read("small/fig4.json")["numbers"], "adabs_batches": None, "adabs_batch_size": None}  # filled in when it began
    assert recorded == scale


@pytest.mark.parametrize("name", CHANGES)
def test_fig2_with_the_papers_network_is_of_the_command_that_the_page_gives(name):
    asked, recorded = asdict(override(SCALES["full"], json.loads(CHANGES[name]), name)), result_of(name)
    unused = {"adabs_batches": None, "adabs_batch_size": None, "fp32": None}  # FP32 is given
    assert {**recorded["numbers"], **unused} == {**json.loads(json.dumps(asked)), **unused}
    assert recorded["sha256"]["fp32"] == [CHAIN[BASELINE]["network_sha256"]]
    assert name == SHORT or recorded["sha256"]["noise"] == [CHAIN[RETRAINED]["network_sha256"]]


# What each file of docs/results/uncompensated changes of joshi2020, by its name.
CHANGED = {"nu": "nu_mean", "spread": "nu_sigma", "t0": "t0_s", "read": "read_noise", "programming": "programming_us",
           "reset": "reset_device", "stuck": "stuck_fraction"}


@pytest.mark.parametrize("path", sorted((RESULTS / "uncompensated").glob("*.toml")), ids=lambda path: path.stem)
def test_a_device_of_the_uncompensated_chips_changes_one_property(path):
    device = find_device(str(path))
    assert device.name == path.stem
    assert set(differences(device)) == {"name", "source", CHANGED[path.stem.split("-")[0]]}


def test_every_device_of_the_uncompensated_chips_has_its_row_and_every_row_its_device():
    rows = {(row["group"], row["change"]) for row in read(TABLE)["rows"] if row["network"] == "noise"}
    known = {(group, change) for group, cases in DEVICES.items() for change, _ in cases}
    assert known == {row for row in rows if row[0] != "batch norm"} and len(rows) == len(known) + 3
    used = {Path(device_of(device)).stem for cases in DEVICES.values() for _, device in cases}
    assert {path.stem for path in (RESULTS / "uncompensated").glob("*.toml")} <= used


def test_the_numbers_that_the_interpretations_quote_stand_in_the_table():
    page = (ROOT / "docs" / "interpretations.md").read_text().split("## The open disagreement")[1].split("\n## ")[0]
    accuracies = {f"{100 * each['mean']:.1f} %" for row in read(TABLE)["rows"] for each in row["times"].values()}
    accuracies |= {f"{100 * row['mean']:.1f} %" for run in (BASELINE, RETRAINED, FP32, NOISE) for row in rows_of(run)
                   if (row["t_s"], row["compensation"]) == (1000.0, "none")}
    quoted = set(re.findall(r"\d+\.\d %", page)) - {"0.9 %"}  # the share of devices that did not converge
    assert quoted and quoted <= accuracies
