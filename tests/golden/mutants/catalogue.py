"""All mutants, in the order of the page, and the levels that those of a theme are asked."""

from tests.golden.mutants import (
    addresses,
    built_in,
    chip_compensation,
    chip_programming,
    compensation,
    converters,
    device_in_time,
    device_programming,
    foreign_chip_adabs,
    foreign_chip_gdc,
    foreign_chip_programming,
    foreign_chip_reading,
    foreign_compensation,
    foreign_device_in_time,
    foreign_layers,
    foreign_loss,
    foreign_mapping,
    foreign_pooling,
    foreign_programming,
    foreign_random,
    foreign_sampling,
    foreign_steps,
    foreign_tiles,
    foreign_training_rules,
    foreign_updates,
    layers,
    newcomer_bits,
    newcomer_codes,
    newcomer_equations,
    newcomer_layers,
    newcomer_samples,
    newcomer_steps,
    newcomer_wiring,
    papers_text,
    random_numbers,
    sampling,
    stranger_bits,
    stranger_codes,
    stranger_compensation,
    stranger_device,
    stranger_layers,
    stranger_samples,
    stranger_steps,
    stranger_wiring,
    training_built_in,
    training_noise,
    training_steps,
)

OWN = {  # module: the levels whose cases may see its mistakes
    random_numbers: (0,), device_programming: (1, 8), device_in_time: (1, 8), compensation: (1, 8), training_noise: (1, 5),
    layers: (2, 5), training_steps: (2, 5), converters: (3, 8), built_in: (1, 2, 3), training_built_in: (5,),
    papers_text: (1, 3, 8), addresses: (0, 1), chip_programming: (8,), chip_compensation: (8,), sampling: (6,)}
FOREIGN = {  # invented by somebody who had not read the cases
    foreign_random: (0,), foreign_mapping: (1, 8), foreign_programming: (1, 8), foreign_device_in_time: (1, 8),
    foreign_compensation: (1, 8), foreign_training_rules: (1, 2), foreign_layers: (2,), foreign_pooling: (2,),
    foreign_loss: (2,), foreign_tiles: (3, 8), foreign_steps: (5,), foreign_updates: (5,), foreign_chip_programming: (8,),
    foreign_chip_reading: (8,), foreign_chip_gdc: (8,), foreign_chip_adabs: (8,), foreign_sampling: (6,),
    stranger_bits: (0,), stranger_device: (1, 8), stranger_compensation: (1, 8), stranger_layers: (2, 5),
    stranger_codes: (3, 8), stranger_steps: (5, 8), stranger_samples: (6,), stranger_wiring: (8,),
    newcomer_bits: (0,), newcomer_equations: (1, 8), newcomer_layers: (2, 5), newcomer_codes: (3, 8), newcomer_steps: (2, 5),
    newcomer_samples: (6,), newcomer_wiring: (8,)}
THEMES = {**OWN, **FOREIGN}


def mutants(themes=THEMES):
    """Return [(name, what is wrong, [(module, attribute, replacement), ...])] of all themes, or of OWN or FOREIGN."""
    return [mutant for theme in themes for mutant in theme.MUTANTS]


def survivors():
    """Return [(name, what is wrong, replacements, why no case finds it)]: holes of this version of the kit."""
    return [survivor for theme in THEMES for survivor in getattr(theme, "SURVIVORS", ())]


LEVELS = {mutant[0]: levels for theme, levels in THEMES.items() for mutant in (*theme.MUTANTS, *getattr(theme, "SURVIVORS", ()))}


def levels_of(name):
    """Return the levels that the mutant of this name is asked."""
    return LEVELS[name]
