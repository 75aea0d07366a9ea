"""Renaming a finished file or folder to its name, on Windows too."""

import os
import time

PAUSES_S = (0.01, 0.03, 0.1, 0.3, 1.0)  # Windows refuses while another program, such as a virus scanner, has a file open


def into_place(source, target, rename=None):
    """Rename `source` to `target` by os.replace, or by another function such as os.rename. Raises OSError as that does."""
    rename = rename or os.replace
    for pause_s in PAUSES_S if os.name == "nt" else ():
        try:
            return rename(source, target)
        except PermissionError:
            time.sleep(pause_s)
    return rename(source, target)
