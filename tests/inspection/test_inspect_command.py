"""`python -m refpcm.inspect` as a user runs it."""

import json
import re

import pytest

from refpcm.files.network_file import load_network
from refpcm.inspection.device_trace import trace_weight
from refpcm.inspection.pictures import can_draw
from refpcm.spec.pcm.device import JOSHI2020
from tests.commands import command
from tests.evaluation.conftest import small  # noqa: F401
from tests.inspection.pages import checked

CHIPS = ["--times", "1year", "--kernels", "direct", "--threads", 1]


@pytest.fixture
def named(small):  # noqa: F811
    """Options that name the small network and its data."""
    return ["--network", small.network, "--data", small.data]


def test_the_overview_names_the_subcommands():
    done = command("refpcm.inspect")
    assert done.returncode == 0 and "loss" in done.stdout
    assert command("refpcm.inspect", "loss", "--help").returncode == 0


def test_losses_are_printed_and_written_and_the_json_is_the_file(named, tmp_path):
    arguments = ["loss", *named, *CHIPS, "--chips", 3, "--out", tmp_path]
    done = command("refpcm.inspect", *arguments)
    assert done.returncode == 0, done.stderr
    assert "digital accuracy 100.00 % on 20 test images; 3 chips, compensation gdc" in done.stdout
    assert "spread of nu" in done.stdout and f"{tmp_path}/result.json" in done.stdout
    again = command("refpcm.inspect", *arguments, "--json")
    result = json.loads(again.stdout)
    assert result == json.loads((tmp_path / "result.json").read_text())
    assert len(result["times"][0]["causes"]) == 5 and result["versions"]["refpcm"]
    assert result["times"][0]["lost"]["low"] is not None


@pytest.mark.slow
def test_processes_write_the_same_bytes(named, tmp_path):
    for name, workers in (("one", 1), ("two", 2)):
        done = command("refpcm.inspect", "loss", *named, *CHIPS, "--chips", 2, "--by", "both", "--out", tmp_path / name,
                       "--workers", workers)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "one" / "result.json").read_bytes() == (tmp_path / "two" / "result.json").read_bytes()


@pytest.mark.parametrize("arguments, said", [
    (["loss", "--chips", 0], "chips must be at least 1"), (["loss", "--workers", 0], "--workers 0"),
    (["losses"], "is neither a command (loss, layers, device, adabs, images, chip, trace) nor a file"),
    (["loss", "--times", "1s"], "has not been made")], ids=str)
def test_a_mistake_gets_one_sentence(named, arguments, said, tmp_path):
    done = command("refpcm.inspect", *arguments, *named, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_folder_of_something_else_is_left_alone(named, tmp_path):
    (tmp_path / "result.json").write_text('{"fingerprint": "that of an evaluation"}')
    done = command("refpcm.inspect", "loss", *named, *CHIPS, "--out", tmp_path)
    assert done.returncode == 2 and "choose another --out" in done.stderr


@pytest.mark.parametrize("arguments", [
    ["layers", "--chips", 1, "--times", "1year"], ["device", "--layer", "fc", "--row", 3],
    ["images", "--chips", 1, "--sheet", "sheet.png"], ["chip", "--chip", 1],
    ["adabs", "--chips", 1, "--adabs-batches", 2, "--adabs-batch-size", 8]], ids=lambda each: each[0])
def test_every_subcommand_prints_a_table_and_json_and_writes_a_page(small, named, arguments, tmp_path):  # noqa: F811
    alone = arguments[0] in ("device", "chip")
    options = ["--network", small.network] if alone else [*named, "--kernels", "direct"]
    done = command("refpcm.inspect", *arguments, *options, cwd=tmp_path)
    assert done.returncode == 0 and len(done.stdout.splitlines()) > 5, done.stderr
    files = ["--html", "p.html", *(["--plot", "p.png"] if can_draw() else [])]
    shown = command("refpcm.inspect", *arguments, *options, "--json", *files, cwd=tmp_path)
    result = json.loads(shown.stdout)
    page = checked((tmp_path / "p.html").read_text())
    assert {text for line in done.stdout.splitlines()[-8:-2] for text in re.split("  +", line)} <= page.cells() | {""}
    assert any(f"refpcm.inspect {arguments[0]} " in text for text in page.texts) and result["versions"]["sources"] in page.cells()
    hashes = [result["chip_sha256"]] if arguments[0] == "chip" else [result["sha256"]["network"]]
    assert set(hashes) <= page.cells()
    if can_draw():
        assert "svg" in [tag for tag, _ in page.tags] and (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_the_weight_that_is_named_is_followed(small):  # noqa: F811
    """Row and column, seed, chip and read reach the trace, each in its place."""
    done = command("refpcm.inspect", "device", "--network", small.network, "--layer", "layer1.0.conv1", "--row", 7, "--column",
                   2, "--times", "25s,1day", "--seed", 3, "--chip", 4, "--draw", 5, "--json")
    result = json.loads(done.stdout)
    expected = trace_weight(load_network(small.network), JOSHI2020, "layer1.0.conv1", 7, 2, (25.0, 86400.0), seed=3, chip=4,
                            draw=5)
    assert result["steps"] == json.loads(json.dumps(expected)), done.stderr
    assert [result[name] for name in ("layer", "row", "column", "seed", "chip")] == ["layer1.0.conv1", 7, 2, 3, 4]


def test_losses_are_a_page_too_and_their_folder_shows_them(named, tmp_path):
    out = ["--out", tmp_path / "new", "--html", tmp_path / "new" / "p.html"]
    done = command("refpcm.inspect", "loss", *named, *CHIPS, "--chips", 1, "--by", "both", *out)
    assert done.returncode == 0 and "1 chip, compensation gdc" in done.stdout and f"{tmp_path}/new/p.html" in done.stdout
    page = checked((tmp_path / "new" / "p.html").read_text())
    assert {"spread of nu", "1 year, by layer", "does not add up"} <= page.cells()
    shown = command("refpcm.inspect", tmp_path / "new", "--html", tmp_path / "folder.html")
    assert "\nspread of nu " in shown.stdout and "\nfc " in shown.stdout
    assert "spread of nu" in checked((tmp_path / "folder.html").read_text()).cells()


def test_adabs_says_which_images_calibrate(named):
    arguments = ["adabs", *named, *CHIPS, "--chips", 1, "--adabs-batches", 2, "--adabs-batch-size", 8]
    for calibration, said in (("train", "2 mini-batches of 8 training images as they are"),
                              ("train-augmented", "training images, as is usual for such data: crop 4, flip")):
        done = command("refpcm.inspect", *arguments, "--calibration", calibration)
        assert said in done.stdout, done.stderr


@pytest.mark.parametrize("files, said", [
    (["--html", "gone/p.html"], "there is no folder"), (["--html", "p.txt"], "must end in .html"),
    (["--html", "foreign.html"], "is no page of refpcm.inspect"), (["--html", "folder.html"], "it is a folder"),
    pytest.param(["--plot", "p.xyz"], "must end in one of", marks=pytest.mark.skipif(not can_draw(), reason="no matplotlib"))],
    ids=str)
def test_files_that_cannot_be_written_are_refused_before_the_work(small, files, said, tmp_path):  # noqa: F811
    (tmp_path / "foreign.html").write_text("<p>notes</p>")
    (tmp_path / "folder.html").mkdir()
    done = command("refpcm.inspect", "device", "--network", "no such network", "--layer", "fc", *files, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["chip", "--network", "net"], ["loss", "--network", "net"]], ids=lambda each: each[0])
def test_a_page_under_the_name_of_another_output_is_refused(arguments, tmp_path):
    done = command("refpcm.inspect", *arguments, "--out", "a.html", "--html", "a.html", cwd=tmp_path)
    assert done.returncode == 2 and "a.html is named twice" in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["loss"], ["loss", "--chips", "many"], ["device", "--layer"], ["chip"],
                                       ["trace", "a", "b"], ["layers", "--compensation", "magic"]], ids=str)
def test_a_wrong_option_gets_one_sentence_without_usage_lines(arguments):
    done = command("refpcm.inspect", *arguments)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "usage" not in done.stderr
    assert done.stderr.endswith(f"(see python -m refpcm.inspect {arguments[0]} --help)\n")


def test_a_file_is_inspected_by_its_name_alone(small):  # noqa: F811
    done = command("refpcm.inspect", small.network)
    assert done.returncode == 0 and "tiny-resnet8" in done.stdout
    assert json.loads(command("refpcm.inspect", small.data, "--json").stdout)["kind"] == "data"


def test_compensations_that_make_no_sense_are_refused(named):
    for arguments, said in ((["layers", "--compensation", "adabs"], "none or gdc"), (["adabs", "--compensation", "gdc"], "adabs")):
        done = command("refpcm.inspect", *arguments, *named)
        assert done.returncode == 2 and said in done.stderr
