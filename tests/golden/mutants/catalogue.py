"""All mutants, in the order of the page, and the levels that those of a theme are asked."""

from tests.golden.mutants import (
    built_in,
    chip_compensation,
    chip_programming,
    compensation,
    converters,
    device_in_time,
    device_programming,
    layers,
    papers_text,
    random_numbers,
    sampling,
    training_built_in,
    training_noise,
    training_steps,
)

THEMES = {  # module: the levels whose cases may see its mistakes
    random_numbers: (0,), device_programming: (1, 8), device_in_time: (1, 8), compensation: (1, 8), training_noise: (1, 5),
    layers: (2, 5), training_steps: (2, 5), converters: (3, 8), built_in: (1, 2, 3), training_built_in: (5,),
    papers_text: (1, 3, 8), chip_programming: (8,), chip_compensation: (8,), sampling: (6,)}
LEVELS = {mutant[0]: levels for theme, levels in THEMES.items() for mutant in theme.MUTANTS}


def mutants():
    """[(name, what is wrong, [(module, attribute, replacement), ...])]."""
    return [mutant for theme in THEMES for mutant in theme.MUTANTS]


def levels_of(name):
    """Return the levels that the mutant of this name is asked."""
    return LEVELS[name]
