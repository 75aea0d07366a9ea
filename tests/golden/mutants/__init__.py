"""Deliberate mistakes in the reference: proof that the kit finds them.

A mutant replaces one function (or wraps one operation) while cases are asked; it is killed by a level where at least
one case fails. Replacements are written from the mistake, not from the case that finds it.

One theme a file, each with its MUTANTS: [(name, what is wrong, [(module, attribute, replacement), ...]), ...]. The
themes foreign_*, stranger_* and newcomer_* were invented by people who had read the paper and the specification, but no case; what
no case finds stands in their SURVIVORS, with a fourth field that says why, and a test asserts that it survives.
`replacing` has the ways to make a replacement, `matrix_page` asks the cases and writes docs/golden-mutants.md.
"""

from tests.golden.mutants.catalogue import FOREIGN, OWN, levels_of, mutants, survivors
from tests.golden.mutants.matrix_page import FAST, killing_cases, matrix, matrix_text

__all__ = ["FAST", "FOREIGN", "OWN", "killing_cases", "levels_of", "matrix", "matrix_text", "mutants", "survivors"]
