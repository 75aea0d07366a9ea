"""The pages: their examples print what they say, their formulas are the code's, and the index and the glossary are in order."""

import doctest
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from refpcm import Purpose, device_curves, find_device
from refpcm.spec import random
from refpcm.spec.pcm.device import DEVICES
from refpcm.spec.pcm.drift import drifted_us
from refpcm.spec.pcm.read_noise import accumulation, relative_read_noise
from refpcm.spec.pcm.tile import parts
from refpcm.spec.random import philox4x32, words

DOCS = Path(__file__).parents[2] / "docs"
CURVES = {"sigma_prog": "programming_us", "mu_nu": "nu_mean", "sigma_nu": "nu_sigma", "Q_s": "read_noise"}


@pytest.mark.parametrize("page", ["networks", "device", "drift_and_read_noise", "chip", "compensation"])
def test_the_examples_of_the_page_print_what_it_says(page):
    result = doctest.testfile(str(DOCS / f"{page}.md"), module_relative=False)
    assert result.attempted > 0 and result.failed == 0


def printed_curves():
    """Return {(device, curve): formula} of the block of docs/device.md, and {device: its line of constants}."""
    block = re.search(r"<!-- curves.*?-->\n```\n(.*?)```", (DOCS / "device.md").read_text(), re.S).group(1)
    formulas, constants, device = {}, {}, None
    for line in block.splitlines():
        if not line.startswith(" "):
            device, constants[line.split()[0]] = line.split()[0], line
        else:
            curve, formula = line.split(maxsplit=1)
            formulas[device, curve] = formula
    return formulas, constants


def value_of(formula, g, g_us):
    """Return the value of a formula as printed: "1.9650 g" is a product, "g < b: A; else B" two pieces."""
    pieces = re.fullmatch(r"g < ([\d.]+): (.*); else (.*)", formula)
    if pieces:
        bound, below, above = pieces.groups()
        return value_of(below if g < float(bound) else above, g, g_us)
    formula = re.sub(r"(\d) (ln g|g|G)", r"\1 * \2", formula).replace("ln g", "log(max(g, 1e-7))").replace("^", "**")
    return eval(formula, {"g": g, "G": g_us, "log": np.log, "max": max, "min": min,  # our own page
                          "clip": lambda x, low, high: min(max(x, low), high)})


def test_the_formulas_of_the_device_page_are_the_curves_of_the_code():
    formulas, constants = printed_curves()
    assert list(constants) == ["joshi2020", "hermes-1", "hermes", "crosssim-joshi"]
    assert set(formulas) == {(device, curve) for device in constants for curve in CURVES}
    for (name, curve), formula in formulas.items():
        same = re.fullmatch(r"that of (\S+)", formula)
        formula = formulas[same.group(1), curve] if same else formula
        seams = [float(bound) + side for bound in re.findall(r"g < ([\d.]+)", formula) for side in (-1e-9, 1e-9)]
        for g in (1e-6, *seams, *np.linspace(0.001, 1.0, 200)):
            expected = float(device_curves(name, g)[CURVES[curve]])
            assert value_of(formula, g, g * DEVICES[name].g_max_us) == pytest.approx(expected, rel=1e-6), (name, curve, g)


def test_the_constants_of_the_device_page_are_those_of_the_code():
    for name, line in printed_curves()[1].items():
        device = DEVICES[name]
        assert f" G_max {device.g_max_us:g} uS, t0 {device.t0_s:g} s" in line
        read = any(device_curves(name, g)["read_noise"] > 0 for g in (0.0, 0.5, 1.0))
        assert line.endswith(f"t_read {1e9 * device.t_read_s:g} ns" if read else "no read noise")


def test_the_coefficients_of_normal_numbers_on_the_page_are_the_codes():
    block = re.search(r"<!-- coefficients.*?-->\n```\n.*?\n(.*?)```", (DOCS / "random_numbers.md").read_text(), re.S).group(1)
    rows = [line.split() for line in block.splitlines()]
    assert [int(row[0]) for row in rows] == list(range(8))
    columns = np.array([row[1:] for row in rows], np.float64).T.tolist()
    assert columns == [list(each) for each in (random.A, random.B, random.C, random.D)]


def test_the_worked_address_of_the_page_on_random_numbers_gives_its_word():
    page = (DOCS / "random_numbers.md").read_text()
    t_bits = int(np.float32(25).view(np.uint32))
    word = words(7, 1, Purpose.READ_NOISE, 2, 0, 5 + 2 ** 32 * t_bits, 1)[0]
    counter = np.array([[1, 275906560, 0, 18 * 2 ** 16 + 2]], np.uint32)
    assert philox4x32(counter, np.array([7, 1], np.uint32))[0, 1] == word
    assert str(t_bits) in page and "275906560" in page and str(word) in page


def test_the_worked_device_of_the_page_on_drift_has_its_numbers():
    page, device = (DOCS / "drift_and_read_noise.md").read_text(), find_device("joshi2020")
    left_us = drifted_us(25.0, 0.049, 86400.0, device)
    noise_us = left_us * relative_read_noise(25.0, device) * accumulation(86400.0, device)
    assert f"25 (86400 / 20)^-0.049 = {left_us:.1f} uS" in page and f"0.0088 * s(1 day) = {noise_us:.2f} uS" in page


def test_the_row_parts_of_the_page_on_tiles_are_those_of_the_code():
    sizes = [stop - start for start, stop in parts(1100, 512)]
    assert "1,100 rows at a limit of 512 give {}, {} and {}".format(*sizes) in (DOCS / "tile.md").read_text()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="TOML needs Python 3.11")
def test_the_device_file_of_the_page_makes_the_device_that_it_shows(tmp_path):
    page = (DOCS / "device.md").read_text()
    text = re.search(r"```toml\n(.*?)```", page, re.S).group(1)
    (tmp_path / "my_cell.toml").write_text(text)
    device = find_device(tmp_path / "my_cell.toml")
    assert device.name == "my-cell" and device.g_max_us == 20.0
    middle = device_curves(device, 2.5 / 20)  # halfway between the first two points
    assert middle["nu_mean"] == pytest.approx(0.08) and middle["nu_sigma"] == pytest.approx(0.025)
    other = re.search(r"`(nu_mean = \{.*\})`", page).group(1)
    (tmp_path / "my_cell.toml").write_text(text.replace("nu_mean = [0.10, 0.06, 0.05]", other))
    g = np.linspace(0, 1, 50)
    assert (device_curves(find_device(tmp_path / "my_cell.toml"), g)["nu_mean"]
            == device_curves("joshi2020", g)["nu_mean"]).all()


@pytest.mark.parametrize("other, like", [("aihwkit-pcm", "joshi2020"), ("joshi2020-note2", "crosssim-joshi")])
def test_devices_without_formulas_of_their_own_have_those_that_the_page_says(other, like):
    curves, expected = (device_curves(name, np.linspace(0, 1, 50)) for name in (other, like))
    assert all((curves[name] == expected[name]).all() for name in expected)


def links_of(page):
    """Return the files that a page links to."""
    targets = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text())
    return {(page.parent / target).resolve() for target in targets}


def test_every_page_stands_in_the_index():
    pages = {page.resolve() for page in DOCS.glob("*.md")} - {(DOCS / "README.md").resolve()}
    assert pages and sorted(page.name for page in pages - links_of(DOCS / "README.md")) == []


def test_the_index_and_the_glossary_are_one_step_from_the_readme():
    linked = links_of(DOCS.parent / "README.md")
    assert {(DOCS / name).resolve() for name in ("README.md", "glossary.md")} <= linked


def anchors_of(page):
    """Return the anchors of a page's headings."""
    anchors = set()
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.S), re.M):
        heading = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading)
        anchors.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return anchors


PAGES = sorted(path.stem for path in DOCS.glob("*.md"))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_headings_that_exist(page):
    missing = [f"{target}#{anchor}" for target, anchor in
               re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", (DOCS / f"{page}.md").read_text())
               if anchor not in anchors_of(DOCS / (target or f"{page}.md"))]
    assert missing == []


def glossary():
    """Return [(term, what is said of it)] in the order of the page."""
    text = (DOCS / "glossary.md").read_text()
    return re.findall(r"^- \*\*(.+?)\*\*(.*?)(?=^- |\Z)", text, re.M | re.S)


def test_the_glossary_is_in_alphabetical_order():
    keys = [re.sub(r"[^a-z0-9]", "", term.lower()) for term, _ in glossary()]
    assert len(keys) > 40 and keys == sorted(set(keys))


def test_every_term_of_the_glossary_leads_to_its_page():
    assert [term for term, said in glossary() if "](" not in said] == []
