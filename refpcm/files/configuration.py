"""Configurations from files: TOML or JSON."""

from refpcm.errors import RefpcmError
from refpcm.files.reading import read_json, read_toml


def read_config_file(path):
    """Return {field: value} of a TOML (Python 3.11 or later) or JSON file. Raises RefpcmError if it cannot be read."""
    if str(path).lower().endswith(".json"):
        values = read_json(path)
    else:
        values = read_toml(path, "; give the same keys as JSON in a file ending in .json")
    if not isinstance(values, dict):
        raise RefpcmError(f"{path}: a configuration is a table of keys and values")
    return values
