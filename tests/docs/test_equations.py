"""docs/equations.md and the code name the same equations: no number without a function, no function without its number."""

import ast
import re

import pytest

from refpcm.golden.spec_source import NUMBER, spec_functions
from tests.docs.equations import EQUATIONS, THEMES
from tests.docs.equations.found import ROOT, behind, cases_of_operations, functions_in_tests
from tests.docs.equations.named_tests import NAMED_TESTS
from tests.docs.equations.page import PAGE, anchor, page_text
from tests.docs.equations.table import fast_form, function_of, spec_object

COMMAND = "run `python -m tests.docs.equations`"


def numbers_in_docstrings():
    """{function of refpcm.spec, such as "pcm.drift.drifted_us": its numbers, in order}, and numbers found elsewhere there."""
    folder, found, elsewhere = ROOT / "refpcm" / "spec", {}, []
    for path in folder.rglob("*.py"):
        text = path.read_text()
        module = ".".join(path.relative_to(folder).with_suffix("").parts)
        spread(ast.parse(text), module, found)
        inside = [number for name, numbers in found.items() if name.startswith(f"{module}.") for number in numbers]
        elsewhere += sorted(set(NUMBER.findall(text)) - set(inside))
    return found, elsewhere


def spread(node, name, found):
    """Add to `found` the numbers in the docstrings of the functions below a node of a syntax tree."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            own = f"{name}.{child.name}"
            numbers = NUMBER.findall(ast.get_docstring(child) or "")
            if numbers:
                found[own] = numbers
            spread(child, own, found)


def test_every_number_in_a_docstring_is_that_of_the_function_and_every_function_has_its_numbers():
    wanted = {}
    for equation in EQUATIONS:
        for name in equation.functions:
            wanted.setdefault(name, []).append(equation.label)
    found, elsewhere = numbers_in_docstrings()
    assert found == wanted
    assert elsewhere == []


def test_numbers_are_used_once_and_none_is_left_out():
    assert sorted(equation.number for equation in EQUATIONS) == list(range(1, len(EQUATIONS) + 1))


@pytest.mark.parametrize("equation", EQUATIONS, ids=lambda equation: equation.label)
def test_what_an_equation_names_exists(equation):
    functions = {function_of(spec_object(name)) for name in equation.functions}
    assert all(callable(getattr(fast_form(name), "__call__", None)) for name in equation.fast)
    assert (ROOT / "docs" / f"{equation.page}.md").exists() and equation.formula and equation.source
    named = NAMED_TESTS.get(equation.number, ())
    for file, test in named:
        assert re.search(rf"^def {test}\(", (ROOT / "tests" / file).read_text(), re.M), f"{file} has no {test}"
    assert named or any(functions & tested for tested in functions_in_tests().values()), "no test"


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.__name__.rpartition(".")[2])
def test_every_symbol_of_a_theme_is_explained_and_used(theme):
    assert {name for equation in theme.EQUATIONS for name in equation.symbols.split("|") if name} == set(theme.SYMBOLS)


@pytest.mark.parametrize("operation", cases_of_operations())
def test_every_operation_of_the_golden_kit_is_an_equation(operation):
    numbered = {function_of(spec_object(name)) for equation in EQUATIONS for name in equation.functions}
    functions = {each for named in spec_functions(operation) for each in behind(named)}
    assert numbered & functions, f"no function behind {operation} has a number"


def test_the_page_is_what_its_command_writes():
    assert PAGE.read_text() == page_text(), COMMAND


def test_every_link_of_the_page_leads_somewhere():
    text = PAGE.read_text()
    files = {target for target in re.findall(r"\]\(([^)#]+)\)", text)}
    assert [target for target in files if not (PAGE.parent / target).exists()] == []
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) == {anchor(equation) for equation in EQUATIONS}


def test_numbers_on_other_pages_and_in_the_programs_exist():
    known = {equation.label for equation in EQUATIONS}
    paths = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "refpcm").rglob("*.py")]
    unknown = {path.name: sorted(set(NUMBER.findall(path.read_text())) - known) for path in paths}
    assert {name: numbers for name, numbers in unknown.items() if numbers} == {}
