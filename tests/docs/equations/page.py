"""docs/equations.md as text: the map of the equations for a reviewer."""

import sys
from inspect import cleandoc
from pathlib import Path
from textwrap import wrap

from tests.docs.equations import EQUATIONS, THEMES
from tests.docs.equations.found import (
    ROOT,
    cases_of_operations,
    functions_in_tests,
    operations_calling,
    operations_using,
)
from tests.docs.equations.named_tests import NAMED_TESTS
from tests.docs.equations.table import fast_form, function_of, spec_object

PAGE = ROOT / "docs" / "equations.md"
HEAD = """# Equations

Where does an equation stand in the code, where does it come from, and what checks it? Every equation of the specification has a
number here, E-1 to E-{last}, that stays with it. The docstring of the function carries the same number. `python -m refpcm.golden
explain CASE` prints the function behind a golden case, and `python -m refpcm.inspect device` names the equations that one weight
goes through. To read the specification from top to bottom, follow the [audit page](audit.md).

This page is written by `python -m tests.docs.equations` from the tables in `tests/docs/equations`, the golden kit and the tests.

- Formulas are plain text: `<-` is an assignment, `^` a power (in E-1: exclusive or), ln the natural logarithm.
- GDC is global drift compensation, AdaBS are adaptive batch norm statistics, an ADC is an analog-to-digital converter.
- Interpretations, I-n, are choices that the paper leaves open, or once seemed to ([list](interpretations.md)).
- "Fast form" is the same in Numba under `refpcm/fast`; "none" means that every program uses the specification's function.
- Golden cases belong to the operations whose answers call the function. If none does, the operations that reach it through
  other functions are named instead ("inside"); in their cases a branch that names it may not be taken.
- Tests are those that check the equation through another function, by name, and the files of `tests/spec`, `tests/fast` and
  `tests/golden` that name its function.
"""


def page_text():
    """Return the page as Markdown."""
    parts = [HEAD.format(last=max(equation.number for equation in EQUATIONS)), contents()]
    for theme in THEMES:
        parts += [f"## {theme.THEME}\n", *(section(equation, theme.SYMBOLS) for equation in theme.EQUATIONS)]
    return "\n".join(parts)


def contents():
    """Return the table of all equations."""
    rows = ["| number | equation | function |", "|---|---|---|"]
    for equation in EQUATIONS:
        rows.append(f"| [{equation.label}](#{anchor(equation)}) | {equation.name} | `{equation.functions[0]}` |")
    return "\n".join(rows) + "\n"


def heading(equation):
    """Return the heading of an equation's section."""
    return f"{equation.label} {equation.name}"


def anchor(equation):
    """Return the link target of an equation's heading, as GitHub forms it."""
    kept = (character for character in heading(equation).lower() if character.isalnum() or character in " -_")
    return "".join(kept).replace(" ", "-")


def section(equation, symbols):
    """Return all about one equation."""
    functions = [function_of(spec_object(name)) for name in equation.functions]
    lines = [f"### {heading(equation)}", "", *(f"    {line}" for line in cleandoc(equation.formula).splitlines()), ""]
    if equation.symbols:
        lines.append("- Symbols: " + "; ".join(symbol(name, *symbols[name]) for name in equation.symbols.split("|")))
    lines += [f"- Source: {equation.source}",
              "- Specification: " + ", ".join(code_link(name, spec_object(name)) for name in equation.functions),
              "- Fast form: " + (", ".join(code_link(name, fast_form(name)) for name in equation.fast) or "none"),
              f"- Golden cases: {golden(functions)}",
              f"- Tests: {tests(equation.number, functions)}",
              f"- Page: [{equation.page}.md]({equation.page}.md)", ""]
    return "\n".join(wrapped(line) if line.startswith("- ") else line for line in lines)


def wrapped(line):
    """Return a line of a list, broken at 120 characters."""
    return "\n".join(wrap(line, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def symbol(name, meaning, unit):
    """Return one symbol with meaning and, unless it is a pure number, unit."""
    return f"`{name}` {meaning}" + (f" [{unit}]" if unit != "1" else "")


def code_link(name, target):
    """Return the last part of a dotted name as a link to the file that defines it."""
    target = function_of(getattr(target, "py_func", target))  # of a Numba function: the Python function
    path = Path(sys.modules[target.__module__].__file__).resolve().relative_to(ROOT).as_posix()
    shown = ".".join(part for part in name.split(".")[-2:] if part[0].isupper() or part == name.rpartition(".")[2])
    return f"[{path.removeprefix('refpcm/')}](../{path}) `{shown}`"


def golden(functions):
    """Return the golden cases of these functions by operation."""
    calling = operations_calling(functions)
    if calling:
        cases = cases_of_operations()
        return "; ".join(f"`{operation}`: {', '.join(cases[operation])}" for operation in calling)
    using = operations_using(functions)
    return "inside " + ", ".join(f"`{operation}`" for operation in using) if using else "none"


def tests(number, functions):
    """Return links to the tests of an equation: those named for it, then the files that name one of its functions."""
    links = [f"{test_link(f'tests/{file}')} `{test}`" for file, test in NAMED_TESTS.get(number, ())]
    links += [test_link(path) for path, named in functions_in_tests().items() if set(functions) & named]
    return ", ".join(links) or "none"


def test_link(path):
    """Return a link to a file below tests."""
    return f"[{path.removeprefix('tests/')}](../{path})"
