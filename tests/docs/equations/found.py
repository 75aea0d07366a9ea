"""What is looked up rather than written down: golden cases and tests of a function of the specification."""

import ast
import importlib
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType

from refpcm.golden.kit import Kit
from refpcm.golden.spec_source import reached, spec_functions

ROOT = Path(__file__).resolve().parents[3]


@lru_cache
def cases_of_operations():
    """Return {operation: [identifiers of its golden cases]} of the kit in this source tree."""
    cases = {}
    for case in Kit().cases:
        cases.setdefault(case.operation, []).append(case.id)
    return cases


def operations_calling(functions):
    """Return the operations of the kit whose answers name one of these functions of the specification."""
    return [operation for operation in cases_of_operations() if set(functions) & set(spec_functions(operation))]


def operations_using(functions):
    """Return the operations of the kit whose answers reach one of these functions through others of the specification."""
    return [operation for operation in cases_of_operations()
            if any(set(functions) & behind(function) for function in spec_functions(operation))]


@lru_cache
def behind(function):
    """Return a function of the specification and those that it names, directly or through others."""
    return frozenset([function, *reached(function, "refpcm.spec.")])


@lru_cache
def functions_in_tests():
    """Return {test file, relative to the source tree: functions of the specification that it names}."""
    paths = sorted(path for folder in ("spec", "fast", "golden") for path in (ROOT / "tests" / folder).rglob("test_*.py"))
    return {path.relative_to(ROOT).as_posix(): functions_in(ast.parse(path.read_text())) for path in paths}


def functions_in(tree):
    """Return the functions of refpcm.spec that a file's syntax tree names, as `name` or `module.name`."""
    scope = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("refpcm.spec"):
            for alias in node.names:
                scope[alias.asname or alias.name] = imported(node.module, alias.name)
        elif isinstance(node, ast.Import):
            scope.update({alias.asname: importlib.import_module(alias.name) for alias in node.names
                          if alias.asname and alias.name.startswith("refpcm.spec")})
    found = {value for value in scope.values() if isinstance(value, FunctionType)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = scope.get(node.value.id)
            value = getattr(owner, node.attr, None) if isinstance(owner, (ModuleType, type)) else None
            found |= {value} if isinstance(value, FunctionType) else set()
    return found


def imported(module, name):
    """Return what `from module import name` gives."""
    owner = importlib.import_module(module)
    return getattr(owner, name) if hasattr(owner, name) else importlib.import_module(f"{module}.{name}")
