"""The cases, one module a level and theme. `all_cases` is what `regenerate` writes.

Version 1 has the modules level0 to level7. Version 2 carries its cases over except those of NOT_CARRIED, and adds the
modules of ADDED: docs/golden_versions.md says why.
"""

from importlib import import_module

LEVELS = range(9)
NOT_CARRIED = ("L1-readout-ones", "L1-gdc-factor", "L2-update-running", "L5-", "L6-")  # beginnings of ids of version 1
ADDED = {  # level: modules of version 2; those of 2.1 and 2.2 stand last
    0: ("uncommon_bits", "addresses"), 1: ("second_values", "uncommon_values", "addresses"),
    2: ("second_values", "uncommon_layers"), 3: ("second_values", "uncommon_values"), 5: ("steps",), 6: ("samples", "streams"), 8: ("level8",)}


def all_cases(levels=LEVELS, major=2):
    """Every case of the given levels and major version, in order; expectations are computed, which takes seconds."""
    return [case for level in levels for case in _cases(level, major)]


def _cases(level, major):
    first = module(f"level{level}").cases() if level < 8 else []
    if major == 1:
        return first
    return ([case for case in first if not case.id.startswith(NOT_CARRIED)]
            + [case for name in ADDED.get(level, ()) for case in module(name).cases() if case.level == level])


def module(name):
    """Return a module of this package."""
    return import_module(f"refpcm.golden.levels.{name}")
