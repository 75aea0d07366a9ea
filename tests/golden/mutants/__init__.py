"""Deliberate mistakes in the reference: proof that the kit finds them.

A mutant replaces one function (or wraps one operation) while cases are asked; it is killed by a level where at least
one case fails. Replacements are written from the mistake, not from the case that finds it.

One theme a file, each with its MUTANTS: [(name, what is wrong, [(module, attribute, replacement), ...]), ...].
`replacing` has the ways to make a replacement, `matrix_page` asks the cases and writes docs/golden-mutants.md.
"""

from tests.golden.mutants.catalogue import levels_of, mutants
from tests.golden.mutants.matrix_page import FAST, killing_cases, matrix, matrix_text

__all__ = ["FAST", "killing_cases", "levels_of", "matrix", "matrix_text", "mutants"]
