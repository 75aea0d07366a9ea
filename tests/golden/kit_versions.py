"""Which cases of kit 2 are younger than 2.0, by their ids."""

from refpcm.golden import levels

MODULES_OF_2_2 = ("addresses",)
MODULES_OF_2_1 = ("uncommon_bits", "uncommon_values", "uncommon_layers", "streams")


def of_2_1():
    """Return the ids that 2.1 has and 2.0 has not."""
    return {case.id for name in MODULES_OF_2_1 for case in levels.module(name).cases()} | {"L8-sparse-64", "L8-identity-64"}


def of_2_2():
    """Return the ids that 2.2 has and 2.1 has not."""
    return {case.id for name in MODULES_OF_2_2 for case in levels.module(name).cases()}
