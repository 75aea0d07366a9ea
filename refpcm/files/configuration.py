"""Configurations from files: TOML or JSON."""

import json

from refpcm.errors import RefpcmError


def _unique(pairs):
    """The dict of [(key, value), ...]. Raises ValueError if a key occurs twice, which TOML does not allow either."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key occurs twice")
    return values


def read_config_file(path):
    """{field: value} from a TOML (Python 3.11 or later) or JSON file. Raises RefpcmError if it cannot be read."""
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8-sig")
        if str(path).lower().endswith(".json"):
            values = json.loads(text, object_pairs_hook=_unique)
        else:
            try:
                import tomllib
            except ImportError:
                raise RefpcmError(f"{path}: reading TOML needs Python 3.11 or later; give the same keys as JSON "
                                  "in a file ending in .json") from None
            values = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:  # both decoders raise ValueError's children
        raise RefpcmError(f"cannot read configuration {path}: {error}") from None
    if not isinstance(values, dict):
        raise RefpcmError(f"{path}: a configuration is a table of keys and values")
    return values
