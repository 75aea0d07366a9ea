"""`python -m refpcm.inspect chip`: the numbers of one chip against refpcm.spec, by hand."""

import json

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.files.chips import load_chip
from refpcm.files.network_file import load_network
from refpcm.inspection.chip_maps import maps_of
from refpcm.inspection.chip_report import chip_report, programmed_chip
from refpcm.inspection.report import as_text
from refpcm.inspection.tables import chip_blocks
from refpcm.spec.crossbars import program_network, to_matrices
from refpcm.spec.pcm.chip import chip_hash, program, read, read_conductances
from refpcm.spec.pcm.device import DEVICES, JOSHI2020
from tests.commands import command
from tests.evaluation.conftest import small  # noqa: F401

T_S = 1e6


@pytest.fixture
def file(small):  # noqa: F811
    return load_network(small.network)


@pytest.mark.parametrize("name", ["joshi2020", "joshi2020-note2", "crosssim-joshi"])
def test_every_number_is_that_of_the_specification(file, name):
    device = DEVICES[name]
    found = chip_report(programmed_chip(file, device, 5, 2), (T_S,), draw=3)
    chip = program_network(file.network, file.parameters, device, 5, 2)
    matrices = to_matrices(file.network, file.parameters)
    first_s, conductances = max(25.0, device.t0_s), []
    assert found["chip_sha256"] == chip_hash(chip) and [each["layer"] for each in found["crossbars"]] == list(matrices)
    for each, crossbar in zip(found["crossbars"], chip.crossbars):
        wanted, weights = (of[crossbar.name].astype(np.float64) for of in (matrices, read(chip, T_S, 3)))
        w_max, used, at = np.abs(wanted).max(), crossbar.g_target_us > 0, each["times"][0]
        assert each["devices"] == 2 * wanted.size and each["w_max"] == w_max
        assert each["near_zero"] == np.mean(crossbar.g_prog_us < 0.05 * device.g_max_us)
        error_us = (crossbar.g_prog_us - crossbar.g_target_us)[used]
        assert each["programming_error_us"] == pytest.approx(np.sqrt(np.mean(error_us ** 2)), rel=1e-5)
        now, then = (read_conductances(chip, crossbar, t_s, draw).sum(dtype=np.float64)
                     for t_s, draw in ((T_S, 3), (first_s, 0)))
        assert at["alpha"] == pytest.approx(now / then, rel=1e-12)
        assert at["error"] == pytest.approx(np.sqrt(np.mean((weights - wanted) ** 2)) / w_max, rel=1e-5)
        after = weights / at["alpha"]
        assert at["error_gdc"] == pytest.approx(np.sqrt(np.mean((after - wanted) ** 2)) / w_max, rel=1e-5)
        conductances.append((weights - wanted).ravel() / w_max)
    over_all = np.sqrt(np.mean(np.concatenate(conductances) ** 2))
    assert found["all"][0]["error"] == pytest.approx(over_all, rel=1e-5) and found["all"][0]["t_s"] == T_S


def test_the_maps_are_the_programmed_pairs_and_the_errors_after_gdc():
    wanted = np.array([[0.4, -0.3], [0.2, 0.1], [-0.5, 0.3]])
    chip = program({"a": wanted}, JOSHI2020, 5, 2)
    crossbar, = chip.crossbars
    now, then = (read_conductances(chip, crossbar, t_s, draw).sum(dtype=np.float64) for t_s, draw in ((T_S, 3), (25.0, 0)))
    pairs, errors = maps_of(chip, T_S, draw=3)["a"]
    assert np.array_equal(pairs, (crossbar.g_prog_us[0].astype(np.float64) - crossbar.g_prog_us[1]).T)
    assert np.array_equal(np.sign(pairs), np.sign(wanted.T))
    np.testing.assert_allclose(errors, 100 * (read(chip, T_S, 3)["a"] / (now / then) - wanted).T / 0.5, atol=1e-4)
    assert np.abs(errors).min() > 0.01


def test_a_crossbar_without_weights_has_no_error():
    found = chip_report(program({"a": np.zeros((3, 2))}, JOSHI2020, 0, 0), (25.0, T_S))
    assert [at["error"] for at in found["crossbars"][0]["times"]] == [0.0, 0.0]
    assert found["crossbars"][0]["programming_error_us"] == 0.0 and "alpha of GDC" in as_text(chip_blocks(found))


def test_a_chip_without_crossbars_is_refused():
    with pytest.raises(RefpcmError, match="no crossbars"):
        chip_report(program({}, JOSHI2020, 0, 0), (25.0,))


def test_times_before_the_first_read_are_refused(file):
    with pytest.raises(RefpcmError, match="at 20 s the read that GDC takes as its reference, at 25 s"):
        chip_report(programmed_chip(file, JOSHI2020, 0, 0, "inner"), (20.0, 30.0))


def test_a_saved_chip_gives_the_same_numbers_as_the_one_programmed(small, tmp_path):  # noqa: F811
    arguments = ["--times", "25s,1day", "--json"]
    made = command("refpcm.inspect", "chip", "--network", small.network, "--chip", 1, "--seed", 7, *arguments,
                   "--out", "c.safetensors", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    loaded = command("refpcm.inspect", "chip", "--load", "c.safetensors", *arguments, cwd=tmp_path)
    assert loaded.stdout == made.stdout
    result = json.loads(made.stdout)
    assert (result["seed"], result["chip"]) == (7, 1)
    assert result["chip_sha256"] == chip_hash(load_chip(tmp_path / "c.safetensors"))
    shown = command("refpcm.inspect", "chip", "--load", "c.safetensors", "--times", "25s,1day", cwd=tmp_path)
    assert "programming error [uS]" in shown.stdout and result["chip_sha256"] in shown.stdout


@pytest.mark.parametrize("arguments, said", [
    (["--load", "gone.safetensors"], "gone.safetensors"), (["--load", "net", "--chip", 1], "leave out --chip"),
    (["--load", "net"], "is not a chip"), (["--network", "net", "--out", "net"], "is already there"),
    (["--network", "net", "--times", "1s"], "has not been made"), (["--network", "net", "--seed", -1], "seed = -1"),
    (["--network", "net", "--device", "diode"], "diode")], ids=str)
def test_a_mistake_gets_one_sentence(small, arguments, said, tmp_path):  # noqa: F811
    named = [small.network if each == "net" else each for each in arguments]
    done = command("refpcm.inspect", "chip", *named, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1
