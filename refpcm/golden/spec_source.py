"""Which functions of the specification the reference's answer to an operation calls, and their source."""

import ast
import inspect
import re
import sys
import textwrap
from functools import lru_cache

from refpcm.golden import reference

NUMBER = re.compile(r"\bE-\d+\b")  # of an equation, in the docstring of its function


def spec_functions(operation):
    """Return the functions of refpcm.spec that the answer to an operation names, in their order, each once."""
    answer = getattr(reference, operation)
    answers = [answer, *reached(answer, "refpcm.golden.reference.")]  # an answer may be given by another one's function
    named = [function for each in answers for function in named_functions(each)]
    return list(dict.fromkeys(function for function in named if function.__module__.startswith("refpcm.spec.")))


def reached(function, package):
    """Return the functions of a package that a function names, directly or through others of that package, in order."""
    found, new = {}, [function]
    while new:
        inner = [each for each in named_functions(new.pop(0)) if each.__module__.startswith(package)]
        new += [each for each in inner if each not in found]
        found.update(dict.fromkeys(inner))
    return list(found)


@lru_cache
def named_functions(function):
    """Return the functions that a function's source names, as `name` or `module.name`, then numbered methods of classes."""
    nodes = [node for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function))))
             if isinstance(node, (ast.Name, ast.Attribute))]
    values, scope = [], vars(sys.modules[function.__module__])
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        if isinstance(node, ast.Name):
            values.append(scope.get(node.id))
        elif isinstance(node.value, ast.Name):
            values.append(getattr(scope.get(node.value.id), node.attr, None))
    methods = [method for value in values if inspect.isclass(value) for method in vars(value).values()]
    numbered = [each for each in methods if inspect.isfunction(each) and NUMBER.search(each.__doc__ or "")]
    return tuple(dict.fromkeys([*(value for value in values if inspect.isfunction(value)), *numbered]))


def spec_source(operation):
    """Return the source of `spec_functions`, and of the equations in their folders that they are built on."""
    shown = dict.fromkeys(spec_functions(operation))
    for function in list(shown):
        folder = function.__module__.rpartition(".")[0] + "."
        shown.update(dict.fromkeys(each for each in reached(function, folder) if NUMBER.search(each.__doc__ or "")))
    return "\n".join(f"# {function.__module__.replace('.', '/')}.py\n\n{inspect.getsource(function)}" for function in shown)
