"""All mutants, in the order of the page."""

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
    training_noise,
    training_steps,
)

THEMES = (random_numbers, device_programming, device_in_time, compensation, training_noise, layers, training_steps,
          converters, built_in, papers_text, chip_programming, chip_compensation, sampling)


def mutants():
    """[(name, what is wrong, [(module, attribute, replacement), ...])]."""
    return [mutant for theme in THEMES for mutant in theme.MUTANTS]
