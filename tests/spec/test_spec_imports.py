"""The specification imports NumPy, the standard library, itself and refpcm.errors, and nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import refpcm

ROOT = Path(refpcm.__file__).parent
FILES = sorted((ROOT / "spec").rglob("*.py"))


def imported(path):
    """Full names of what a file imports, wherever in the file it does: of a module, and of what is taken from it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_of_the_specification_imports_only_what_it_may(path):
    for name in imported(path):
        first = name.split(".")[0]
        allowed = (name.startswith(("refpcm.errors", "refpcm.spec")) or first == "numpy"
                   or first in sys.stdlib_module_names)
        assert allowed, f"{path.name} imports {name}"


def test_an_operator_of_the_specification_loads_neither_numba_nor_scipy():
    code = ("import refpcm.spec.nn.relu, refpcm.spec.pcm.chip, refpcm.spec.network_on_tiles, refpcm.spec.training.step, sys\n"
            "loaded = {name.split('.')[0] for name in sys.modules}\n"
            "assert not loaded & {'numba', 'scipy', 'llvmlite', 'PIL', 'matplotlib'}, loaded\n"
            "assert not any(name.startswith('refpcm.') and not name.startswith(('refpcm.spec', 'refpcm.errors'))\n"
            "               for name in sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_itself_loads_nothing():
    code = "import sys, refpcm\nassert not {'numpy', 'numba', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


FLOORS = ("errors", "cache", "times", "cli", "spec", "files", "fast", "forms", "datasets", "evaluation", "training",
          "inspection", "reproduction", "golden")


def room(name):
    """The part of the package that a module belongs to, None outside of refpcm."""
    parts = name.split(".")
    return parts[1] if parts[0] == "refpcm" and len(parts) > 1 else None


def test_dependencies_point_down():
    """Spec below fast and files, these below forms, forms below programs; no program is imported from below."""
    programs = {"evaluation", "training", "inspection", "reproduction", "golden"}
    forbidden = {"spec": set(FLOORS) - {"spec", "errors"}, "files": {"fast", "forms", *programs},
                 "fast": {"files", "forms", "datasets", *programs}, "forms": {"files", "datasets", *programs},
                 "datasets": {"fast", "forms", *programs}, "golden": {"reproduction"}}
    for path in ROOT.rglob("*.py"):
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        for name in imported(path):
            assert room(name) not in forbidden.get(own, ()), f"{path.relative_to(ROOT)} imports {name}"
