"""Where the files are that a stored result names: results travel, and the current folder is seldom that of the evaluation."""

import os


def located(path, folder, fits=os.path.exists):
    """Return where the file or folder is that a result in `folder` calls `path`; None: in none of these places.

    Looked for is `path` as seen from the current folder, from `folder`, and from each folder above that. Of the places
    that exist the first that fits(place) is taken, else the first.
    """
    there = [place for place in _candidates(os.fspath(path), os.path.abspath(folder)) if os.path.lexists(place)]
    return next((place for place in there if fits(place)), there[0] if there else None)


def _candidates(path, folder):
    """Yield the places; of an absolute path there is one."""
    yield path
    while not os.path.isabs(path):
        yield os.path.normpath(os.path.join(folder, path))
        if folder == os.path.dirname(folder):
            return
        folder = os.path.dirname(folder)


def where_looked(path, folder):
    """Return in words where `located` looked in vain."""
    if os.path.isabs(path):
        return f"there is no {path}"
    return (f"there is no {path}, neither in the current folder, {os.getcwd()}, nor in that of the results, "
            f"{os.path.abspath(folder)}, nor in one above that")
