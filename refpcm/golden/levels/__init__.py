"""The cases, one module a level. `all_cases` is what `regenerate` writes."""


def all_cases(levels=range(8)):
    """Every case of the given levels, in order; expectations are computed, which takes seconds."""
    from importlib import import_module
    return [case for level in levels for case in import_module(f"refpcm.golden.levels.level{level}").cases()]
