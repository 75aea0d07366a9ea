"""python -m refpcm.golden lab as a user runs it: example, table, report, picture, exit status, wrong usage."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from refpcm.golden.lab import plot, report
from refpcm.golden.lab.command import example
from refpcm.golden.lab.comparison import compare
from refpcm.golden.lab.table_file import read_table, write_table
from refpcm.golden.lab.verdicts import Row
from refpcm.spec.pcm.device import DEVICES, JOSHI2020
from tests.commands import command
from tests.golden.lab.experiments import differing

PAGE = Path(__file__).parents[3] / "docs" / "lab.md"


def lab(*arguments, cwd=None):
    return command("refpcm.golden", "lab", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the example and what the command made of it, and the finished command."""
    folder = tmp_path_factory.mktemp("lab")
    done = lab("--example", "example.csv", cwd=folder)
    assert "500 devices, 4000 readings of the law of joshi2020 written" in done.stdout
    pytest.importorskip("matplotlib")
    return folder, lab("example.csv", "--report", "lab.json", "--plot", "lab.png", cwd=folder)


def test_the_example_agrees_with_its_law(made):
    _, done = made
    assert done.returncode == 0
    assert "39 comparisons, 39 agree, 0 differ, 3 cannot be judged; alpha = 0.01" in done.stdout
    assert "example.csv: 500 devices, 4000 readings from 30 s to 1 day, against the law of joshi2020" in done.stdout


@pytest.mark.parametrize("name", ["joshi2020-transfer", "joshi2020-note2"])
def test_the_example_agrees_with_a_law_that_is_not_cut_at_0_us(name):
    m = example(DEVICES[name])
    rows = compare(m, DEVICES[name])
    assert (m.g_us == 0).any() and differing(rows) == {} and any(row.verdict == "agrees" for row in rows)


def test_the_report_has_every_row_and_what_it_rests_on(made):
    folder, done = made
    found = json.loads((folder / "lab.json").read_text())
    assert found["source"] == "example.csv" and found["law"]["name"] == "joshi2020" and found["comparisons"] == 39
    assert len(found["rows"]) == 42 == len(done.stdout.split("\n\n")[0].splitlines()) - 1
    sigma = next(row for row in found["rows"] if row["quantity"] == "sigma" and row["targets_us"] == [25, 25])
    assert sigma["kind"] == "value" and sigma["interval"][0] < sigma["measured"] < sigma["interval"][1]
    assert sigma["law"] == pytest.approx(1.06, abs=0.03) and sigma["smallest_difference_found"] > 0
    assert {row["kind"] for row in found["rows"] if row["targets_us"] is None} == {"difference", "ratio"}
    notes = {row["note"] for row in found["rows"] if row["verdict"] == "cannot be judged"}
    assert len(notes) == 1 and "of the devices read 0 uS" in notes.pop()


def test_the_picture_is_one(made):
    content = (made[0] / "lab.png").read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) > 20_000


def test_a_dollar_in_a_name_starts_no_formula(tmp_path):
    pytest.importorskip("matplotlib")
    plot.draw(tmp_path / "a.png", [], JOSHI2020, "$\\nosuch$.csv against the law of $\\nosuch$")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_shows_what_the_command_prints(made):
    """Texts as they are, numbers to 2 %: the last digit may differ on another machine."""
    shown = re.search(r"<!-- example -->\n```\n(.*?)```", PAGE.read_text(), re.S).group(1).splitlines()
    printed = [line for line in made[1].stdout.splitlines() if line.startswith("quantity") or " all," in line]
    assert len(shown) == len(printed) == 8
    number = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
    for a, b in zip(shown, printed):
        assert number.sub("n", a).split() == number.sub("n", b).split()
        np.testing.assert_allclose(*([float(n) for n in number.findall(line)] for line in (a, b)), rtol=0.02, atol=1e-4)


def test_another_law_differs_and_the_exit_status_says_so(made):
    done = lab("example.csv", "--device", "crosssim-joshi", cwd=made[0])
    assert done.returncode == 1 and re.search(r"mean of nu +25 .* differs\n", done.stdout)
    assert "cannot be judged: the law has no read noise" in done.stdout


@pytest.mark.parametrize("arguments, words", [
    ((), "give one file of measurements, or --example FILE"),
    (("example.csv", "--example", "other.csv"), "give one file of measurements, or --example FILE"),
    (("example.csv", "--device", "mine"), "unknown device 'mine'; known are joshi2020"),
    (("example.csv", "--device", "hermes"), "example.csv, line 3202 (and 799 more): target 25 uS is beyond G_max"),
    (("example.csv", "--bins", "0"), "'0' is no whole number from 1 to 1000"),
    (("example.csv", "--alpha", "1"), "'1' is no probability from 1e-12 to 0.5"),
    (("example.csv", "--plot", "a.nosuch"), "its name must end in one of"),
    (("example.csv", "--report", "none/a.json"), "none"),
    (("--example", "example.csv"), "example.csv is already there"),
    (("example.csv", "--report", "./example.csv"), "./example.csv is named twice"),
    (("example.csv", "--report", "a.png", "--plot", "a.png"), "a.png is named twice"),
    (("none.csv",), "cannot read none.csv: there is no such file"),
    (("lab.json",), "lab.json, line 1: unknown column '{'")])
def test_wrong_usage_is_one_sentence(arguments, words, made):
    done = lab(*arguments, cwd=made[0])
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr and not done.stdout


@pytest.mark.parametrize("name", DEVICES)
def test_the_example_of_every_device_can_be_written_and_read(name, tmp_path):
    m = example(DEVICES[name])
    with open(tmp_path / "a.csv", "wb") as stream:
        write_table(m, stream)
    again = read_table(tmp_path / "a.csv")
    np.testing.assert_allclose(again.g_us, m.g_us, rtol=1e-5)
    assert np.array_equal(again.owner, m.owner) and np.array_equal(again.t_s, m.t_s)
    assert (m.t_s > DEVICES[name].t0_s).all()


def test_numbers_that_json_does_not_know_become_text():
    row = Row("nu_mean", (5.0, 5.0), 30, 1.0, 1.0, 1.0, 0.0, 0.1, float("inf"), "differs")
    made = report.as_json(replace(example(JOSHI2020)), [row], JOSHI2020, 0.01, "a")
    assert made["rows"][0]["z"] == "inf" and json.loads(json.dumps(made, allow_nan=False))["comparisons"] == 1
