"""The course: every block of code prints what the chapter shows, every exercise is marked as it says, every link leads on."""

import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

import refpcm
from refpcm.golden.kit import Kit
from tests.commands import command
from tests.golden.mutants import mutants

ROOT = Path(__file__).resolve().parents[2]
COURSE, SOLUTIONS = ROOT / "docs" / "course", ROOT / "tests" / "course" / "solutions"
CHAPTERS = sorted(COURSE.glob("[1-9]-*.md"))
SECTIONS = ["The question", "The idea", "The formula", "In code", "Exercise", "Open question"]
of_each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def exercise(chapter):
    """Return the arguments of the chapter's command and the report that it shows."""
    text = chapter.read_text()
    arguments = re.search(r"^    python -m refpcm\.golden (check .*)$", text, re.M).group(1)
    report = re.search(rf"<!-- report of exercise{chapter.name[0]} -->\n```\n(.*?)```", text, re.S).group(1)
    return [word.strip('"') for word in arguments.split()], report


@of_each_chapter
def test_the_code_of_a_chapter_prints_what_it_shows(chapter, monkeypatch):
    monkeypatch.chdir(ROOT)
    result = doctest.testfile(str(chapter), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 5 and result.failed == 0


@of_each_chapter
def test_the_solution_of_an_exercise_gets_the_report_of_its_chapter(chapter):
    arguments, report = exercise(chapter)
    done = command("refpcm.golden", *arguments, cwd=SOLUTIONS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert doctest.OutputChecker().check_output(report, done.stdout, doctest.ELLIPSIS), done.stdout


@of_each_chapter
def test_a_chapter_has_its_sections_a_picture_and_the_functions_of_its_solution(chapter):
    text, number = chapter.read_text(), chapter.name[0]
    found = [name for name in re.findall(r"^## ([A-Za-z ]+)", text, re.M) if name != "The control"]
    assert [name.strip() for name in found] == SECTIONS
    assert re.search(r"^!\[.+\]\(\w+\.svg\)$", text, re.M) and text.startswith(f"# {number}. ")
    stub = re.search(r"```python\n(.*?)```", text, re.S).group(1)
    solution = (SOLUTIONS / f"exercise{number}.py").read_text()
    assert re.findall(r"^def (\w+)\(inputs", stub, re.M) == re.findall(r"^def (\w+)\(inputs", solution, re.M) != []


@of_each_chapter
def test_the_functions_of_a_formula_have_their_equations_number(chapter):
    """Those whose docstring has a number: the link names it, or one of several."""
    formula = re.search(r"^## The formula(.*?)^## ", chapter.read_text(), re.M | re.S).group(1)
    for name, path, after in re.findall(r"\[`(\w+)`\]\(../../(refpcm/spec/[\w/]+\.py)\)(\s+\(\[E-\d+\]\([^)]+\)\))?", formula):
        module = importlib.import_module(path[:-3].replace("/", "."))
        known = re.findall(r"E-\d+", getattr(module, name).__doc__ or "")
        assert not known and not after or re.search(r"E-\d+", after).group() in known, name


@of_each_chapter
def test_a_chapter_uses_public_names_only(chapter):
    code = [line for line in chapter.read_text().splitlines() if line.startswith((">>> ", "... "))]
    used = {name for line in code for name in re.findall(r"\brefpcm\.(\w+)", line)}
    assert used and used <= set(refpcm.__all__)
    assert {word for line in code for word in re.findall(r"^>>> (?:from|import) (\w+)", line)} <= {
        "refpcm", "numpy", "dataclasses"}


@of_each_chapter
def test_formulas_name_functions_that_are_there(chapter):
    named = re.findall(r"\[`(\w+)`\]\(\.\./\.\./(refpcm/[\w/]+\.py)\)", chapter.read_text())
    assert named
    for name, path in named:
        assert re.search(rf"^(def|class) {name}\b", (ROOT / path).read_text(), re.M), (name, path)


@pytest.mark.parametrize("page", sorted(COURSE.glob("*.md")), ids=lambda path: path.stem)
def test_links_lead_to_files_and_headings(page):
    for target in re.findall(r"\]\((?!http)([^)]+)\)", page.read_text()):
        path, _, heading = target.partition("#")
        assert (page.parent / path).exists(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", (page.parent / path).read_text(), re.M)
            assert heading in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles], target


def test_accuracies_of_networks_on_cifar_10_stand_on_the_results_page():
    results = (ROOT / "docs" / "results.md").read_text()
    quoted = [number for page in CHAPTERS for number in re.findall(r"\d\d\.\d\d %|[+]\d\.\d\d \+- \d\.\d\d", page.read_text())]
    assert len(quoted) >= 10 and [number for number in quoted if number not in results] == []


def test_the_small_network_is_that_of_the_golden_kit():
    file = refpcm.load_network(COURSE / "tiny.safetensors")
    case = next(case for case in Kit().cases if case.level == 7)
    stored = {name: array for name, array in case.input_arrays().items() if "." in name}
    assert set(stored) == set(file.parameters) and file.network.architecture == case.values()["architecture"]
    assert all(np.array_equal(stored[name], array) for name, array in file.parameters.items())


def test_a_wrong_answer_gets_the_report_that_the_index_page_shows(tmp_path):
    right, wrong = "(usable, now, 1) / np.where(usable, then, 1)", "(usable, then, 1) / np.where(usable, now, 1)"
    answer = (SOLUTIONS / "exercise4.py").read_text()
    assert right in answer
    (tmp_path / "exercise4.py").write_text(answer.replace(right, wrong))
    done = command("refpcm.golden", "check", "--adapter", "exercise4", "--case", "L1-gdc-factor-both", cwd=tmp_path)
    shown = re.search(r"<!-- a wrong answer to exercise 4 -->\n```\n(.*?)```", (COURSE / "README.md").read_text(), re.S)
    assert done.returncode == 1 and shown.group(1) in done.stdout, done.stdout


def test_durations_add_up_to_two_lectures():
    rows = re.findall(r"^\| \[(\d) .*\]\((.*)\) \| (\d+) \|", (COURSE / "README.md").read_text(), re.M)
    assert [path for _, path, _ in rows] == [chapter.name for chapter in CHAPTERS]
    minutes = [int(each) for _, _, each in rows]
    assert sum(minutes[:4]) == sum(minutes[4:]) == 90


def test_the_mistakes_that_the_teachers_page_names_can_be_handed_out():
    text = (COURSE / "teachers.md").read_text()
    table = text.split("| easy |")[1].split("##")[0]
    named = re.findall(r"--write \w+\.py ([\w-]+)", text) + re.findall(r"`([\w-]+)`", table)
    assert len(named) >= 8 and set(named) <= {name for name, _, _ in mutants()}
