"""What an entry of docs/equations.md holds, and how the functions it names are found."""

import importlib
from dataclasses import dataclass

import refpcm.fast
import refpcm.spec


@dataclass(frozen=True)
class Equation:
    """One equation of the specification.

    formula: plain text, one or more lines. symbols: keys of the theme's table of symbols, separated by "|".
    source: where the equation comes from. functions: in refpcm.spec, as "pcm.drift.drifted_us", each with the number in
    its docstring. fast: names in refpcm.fast, or empty. page: of docs, with the theme's words about it.
    """
    number: int
    name: str
    formula: str
    symbols: str
    source: str
    functions: tuple
    fast: tuple
    page: str

    @property
    def label(self):
        """Return the number as text: "E-35"."""
        return f"E-{self.number}"


def find(package, name):
    """Return the object that a dotted name such as "pcm.drift.drifted_us" stands for in a package.

    Raises AttributeError or ModuleNotFoundError if there is none.
    """
    module, _, attribute = name.rpartition(".")
    if module and module.rpartition(".")[2][:1].isupper():  # a method
        return getattr(find(package, module), attribute)
    return getattr(importlib.import_module(f"{package.__name__}.{module}"), attribute)


def spec_object(name):
    """Return a function, method or property of refpcm.spec by its dotted name."""
    return find(refpcm.spec, name)


def fast_form(name):
    """Return what a dotted name stands for in refpcm.fast."""
    return find(refpcm.fast, name)


def function_of(target):
    """Return the function behind a property, else what was given."""
    return target.fget if isinstance(target, property) else target
