"""The numbered equations of the specification, one theme a file; `python -m tests.docs.equations` writes docs/equations.md.

A number is fixed for ever; a new equation gets the next one that is free, in the theme where it belongs.
"""

from tests.docs.equations import compensation, device, layers, random_numbers, tiles, training

THEMES = (random_numbers, layers, device, tiles, compensation, training)
EQUATIONS = tuple(equation for theme in THEMES for equation in theme.EQUATIONS)
