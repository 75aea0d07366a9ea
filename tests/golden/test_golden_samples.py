"""check --samples N: more samples at L6 find smaller effects, and the command says which."""

import json
import sys

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.golden.compare import compare
from refpcm.golden.exchange import read_outputs, untouched, write_case
from refpcm.golden.kit import Kit
from refpcm.golden.statistics import detectable, samples_text, with_samples
from tests.commands import command


def case(count, name="L6-weight-noise-moments"):
    return with_samples(Kit("1").chosen(patterns=[name]), count)[0]


def test_the_kit_s_own_number_of_samples_states_what_its_cases_state():
    for kind, alpha, why in (("moments", 1e-6, "finds 1 % in sigma, 1.4 % of sigma in the mean"),
                             ("kolmogorov", 1e-6, "finds a distance of 0.0061 between distribution functions")):
        assert why in detectable(kind, alpha, 400_000)
    assert case(400_000).outputs[0].tolerance.why == case(None).outputs[0].tolerance.why


def test_four_million_samples_find_a_third_of_it():
    """An error of 0.32 % in sigma, which 400,000 samples let pass."""
    text = samples_text([case(4_000_000)])
    assert "with 4,000,000 samples finds 0.31 % in sigma, 0.45 % of sigma in the mean" in text
    z = np.random.default_rng(2).standard_normal(4_000_000)
    few, many = case(None).outputs[0], case(4_000_000).outputs[0]
    mu, sigma = (few.expected[name][:, None] for name in ("mu", "sigma"))
    assert many.shape == (5, 4_000_000) and few.shape == (5, 400_000)
    assert not compare(many, mu + 1.0032 * sigma * z).ok and compare(many, mu + sigma * z).ok
    assert compare(few, mu + 1.0032 * sigma * z[:400_000]).ok


def test_only_sampling_cases_change():
    cases = Kit("1").chosen(patterns=["L1-nu", "L6-nu-*", "L7*"])
    found = with_samples(cases, 20_000)
    assert [a.id for a, b in zip(cases, found) if a is not b] == ["L6-nu-moments", "L6-nu-kolmogorov"]
    assert with_samples(cases, None) is cases and found[1].values()["count"] == 20_000


@pytest.mark.parametrize("count, pattern, words", [(100, "L6*", "give a number from 10000 to 20000000"),
                                                   (10 ** 9, "L6*", "give a number from 10000"),
                                                   (50_000, "L1*", "--samples is for the cases of L6, and none")])
def test_other_counts_and_other_levels_are_refused(count, pattern, words):
    with pytest.raises(RefpcmError, match=words):
        with_samples(Kit("1").chosen(patterns=[pattern]), count)


def test_the_command_asks_for_them_and_says_what_they_find(tmp_path):
    done = command("refpcm.golden", "check", "--kit", "1", "--self", "--case", "L6-weight-noise-*", "--samples", 20_000, "--report",
                   tmp_path / "report.json")
    assert done.returncode == 0 and json.loads((tmp_path / "report.json").read_text())["samples"] == 20_000
    assert "L6, moments: alpha = 1e-06 for each test; with 20,000 samples finds 4.5 % in sigma" in done.stdout
    assert "L6, kolmogorov: alpha = 1e-06 for each bin; with 20,000 samples finds a distance of 0.027" in done.stdout


def test_an_export_asks_for_them_too(tmp_path):
    done = command("refpcm.golden", "export", tmp_path / "cases", "--kit", "1", "--case", "L6-nu-moments", "--samples", 20_000)
    assert done.returncode == 0 and done.stdout.endswith("cases --samples 20000\n")
    assert "int count 20000" in (tmp_path / "cases" / "L6-nu-moments" / "case.txt").read_text()
    write_case(tmp_path / "again", case(20_000, "L6-nu-moments"))
    assert read_outputs(tmp_path / "again", case(20_000, "L6-nu-moments"))["nu"].shape == (11, 20_000)


def test_large_outputs_of_an_export_take_no_space_and_count_as_unanswered(tmp_path):
    large = case(500_000, "L6-nu-moments")
    write_case(tmp_path, large, holes=True)
    path = tmp_path / "outputs.safetensors"
    outputs = read_outputs(tmp_path, large)
    assert path.stat().st_size > 8 * 11 * 500_000 and untouched(large, outputs) and not outputs["nu"].any()
    if sys.platform == "linux":
        assert 512 * path.stat().st_blocks < 2 ** 20
    outputs["nu"][3, 7] = 0.05
    assert not untouched(large, outputs)


def test_the_samples_of_kit_2_take_both_tests_and_its_joint_cases_stay():
    cases = Kit("2").chosen(patterns=["L6-weight-noise", "L6-joint-steps"])
    found = with_samples(cases, 2_000_000)
    assert [a is b for a, b in zip(cases, found)] == [False, True]
    answer, = found[0].outputs
    assert answer.shape == (5, 2_000_000) and "finds 0.45 % in sigma" in answer.tolerance.why
    assert "finds a distance of 0.0027 between" in answer.tolerance.why
    z = np.random.default_rng(3).standard_normal((5, 2_000_000))
    mu, sigma = (answer.expected[name][:, None] for name in ("mu", "sigma"))
    assert compare(answer, mu + sigma * z).ok and not compare(answer, mu + 1.006 * sigma * z).ok
