"""An adapter with one mistake in it, to be found by others: `python -m tests.golden.mutants --write FILE NAME`.

The file has a hash in place of the mistake's name.
"""

import hashlib
from pathlib import Path

from refpcm.errors import RefpcmError
from refpcm.golden import reference
from tests.golden.mutants.catalogue import mutants

TEXT = '''"""A simulator with one mistake. Which equation is wrong, and how?

Run in the folder of README.md: python -m refpcm.golden check --adapter {module} --level {levels}
"""

from tests.golden.mutants.handing_out import with_mistake

globals().update(with_mistake("{mark}"))
'''


def mark_of(name):
    """Return the text that stands for a mistake's name in the file."""
    return hashlib.sha256(f"mistake {name}".encode()).hexdigest()[:16]


def write_adapter(path, name):
    """Write a new adapter that makes the mistake of this name.

    Raises RefpcmError for an unknown name, a file that is there, one that is no module, and where it cannot be written.
    """
    path, names = Path(path), [name for name, _, _ in mutants()]
    if name not in names:
        raise RefpcmError(f"unknown mistake {name!r}; docs/golden-mutants.md lists {', '.join(names)}")
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise RefpcmError(f"{path} is no module that can be imported; give a name like suspect1.py")
    levels = "6" if name.startswith("samples-") else "0 1 2 3 5 8"
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(TEXT.format(module=path.stem, levels=levels, mark=mark_of(name)))
    except OSError as error:
        raise RefpcmError(f"cannot write {path}: {error.strerror}") from error


def with_mistake(mark):
    """Return {operation: function} of refpcm, with the mistake of this mark made in this process from now on."""
    replacements = next(replacements for name, _, replacements in mutants() if mark_of(name) == mark)
    for place, name, replacement in replacements:
        setattr(place, name, replacement)
    return {operation: getattr(reference, operation) for operation in reference.__all__}
