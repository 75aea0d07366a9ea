"""Configurations from files: TOML or JSON."""

import sys

from refpcm.errors import RefpcmError
from refpcm.files.reading import read_json, read_toml


def read_config_file(path):
    """Return {field: value} of a TOML (Python 3.11 or later) or JSON file. Raises RefpcmError if it cannot be read."""
    if str(path).lower().endswith(".json"):
        values = read_json(path)
    elif sys.version_info < (3, 11):
        raise RefpcmError(f"{path}: reading TOML needs Python 3.11 or later; give the same keys as JSON in a file ending "
                          "in .json")
    else:
        values = read_toml(path)
    if not isinstance(values, dict):
        raise RefpcmError(f"{path}: a configuration is a table of keys and values")
    return values
