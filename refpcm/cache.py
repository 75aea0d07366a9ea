"""Where refpcm keeps what it can make again: compiled kernels, the built-in data set."""

import os
from pathlib import Path

from refpcm.errors import RefpcmError


def cache_folder():
    """$REFPCM_CACHE, else $XDG_CACHE_HOME/refpcm, else ~/.cache/refpcm. Raises RefpcmError if there is no home."""
    if os.environ.get("REFPCM_CACHE"):
        return Path(os.environ["REFPCM_CACHE"])
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "refpcm"
    try:
        return Path.home() / ".cache" / "refpcm"
    except RuntimeError:
        raise RefpcmError("this user has no home folder for the cache; set REFPCM_CACHE to a folder") from None
