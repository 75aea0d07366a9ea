"""The README's ten lines print the numbers that stand in its comments; the files it names exist."""

import contextlib
import io
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text()


def test_the_ten_lines_print_what_their_comments_say():
    code = re.search(r"```python\n(.*?)```", TEXT, re.S).group(1)
    assert sum(bool(line) and not line.startswith("#") for line in code.splitlines()) <= 10
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    assert printed.getvalue().splitlines() == [line[2:] for line in code.splitlines() if line.startswith("# ")]


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the numbers are those of x86-64 CPUs")
def test_the_first_command_ends_in_what_the_readme_shows(tmp_path):
    done = subprocess.run([sys.executable, "-m", "refpcm.train", "--out", tmp_path / "run"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shown = re.search(r"<!-- demo -->\n```\n(.*?)```", TEXT, re.S).group(1).splitlines()
    printed = done.stdout.splitlines()
    assert len(shown) == 6 and [line for line in shown if line and line not in printed] == []


def test_every_file_the_readme_and_the_pages_link_to_exists():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


SPELLED_OUT = {"PCM": "phase-change memory", "GDC": "global drift compensation", "AdaBS": "adaptive batch norm",
               "MVM": "matrix-vector", "DAC": "digital-to-analog", "ADC": "analog-to-digital"}


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "course").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_spells_its_abbreviations_out(page):
    prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.S)
    words = " ".join(prose.split()).lower()
    used = [short for short in SPELLED_OUT if re.search(rf"\b{short}s?\b", prose)]
    assert [short for short in used if SPELLED_OUT[short] not in words] == []


def test_accuracies_in_the_readme_stand_on_the_results_page():
    told = (ROOT / "README.md").read_text().split("<!-- results -->")[1].split("##")[0]
    accuracies = re.findall(r"\d+\.\d+ %", told)
    assert len(accuracies) >= 5
    assert [number for number in accuracies if number not in (ROOT / "docs" / "results.md").read_text()] == []
