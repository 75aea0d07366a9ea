"""All mutants, in the order of the page."""

from tests.golden.mutants import (
    compensation,
    converters,
    device_in_time,
    device_programming,
    layers,
    random_numbers,
    sampling,
    training_noise,
    training_steps,
)

THEMES = (random_numbers, device_programming, device_in_time, compensation, training_noise, layers, training_steps,
          converters, sampling)


def mutants():
    """[(name, what is wrong, [(module, attribute, replacement), ...])]."""
    return [mutant for theme in THEMES for mutant in theme.MUTANTS]
