"""Compiled kernels on disk, under the user's cache folder, keyed by the text of the kernels' sources.

Numba's own cache looks at the file of a function only, so it would miss a change of the code generator, and it wants
to write next to the sources. `kernel` is `njit` with a cache that does neither.
"""

import hashlib
import sys
from pathlib import Path

from numba import njit
from numba.core import caching

import refpcm
from refpcm.errors import RefpcmError
from refpcm.files.cache import cache_folder

FOLDER = "kernels"  # within the cache folder
_announced = False


def _digest():
    """What the machine code depends on beside Numba and the CPU: version and sources."""
    digest = hashlib.sha256(getattr(refpcm, "__version__", "").encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_DIGEST = _digest()


class Locator(caching._CacheLocator):
    """Where Numba's cache puts a kernel: one folder a version of the sources."""

    def __init__(self, name, file):
        self._name = name
        own = Path(file)
        self._stamp = _DIGEST if own.parent == Path(__file__).parent else _DIGEST + own.read_text(encoding="utf-8")

    def get_cache_path(self):
        return str(cache_folder() / FOLDER / _DIGEST[:16])

    def get_source_stamp(self):
        return self._stamp

    def get_disambiguator(self):
        return self._name

    @classmethod
    def from_function(cls, function, file):
        locator = cls(function.__module__.rpartition(".")[2], file)
        try:
            locator.ensure_cache_path()
        except (OSError, RefpcmError):
            return None
        return locator


class _Results(caching.CompileResultCacheImpl):
    _locator_classes = [Locator]


class TolerantCache(caching.FunctionCache):
    """Numba's cache of compiled functions in our place; says once that something has to be compiled.

    A cache may only save time: what cannot be read is compiled, what cannot be written is not kept.
    """
    _impl_class = _Results

    def load_overload(self, sig, target_context):
        try:
            found = super().load_overload(sig, target_context)
        except Exception:  # a damaged file fails to unpickle or to link in any way it likes
            found = None
            self._forget()
        if found is None:
            announce()
        return found

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except OSError:
            pass

    def _forget(self):
        try:
            self.flush()
        except OSError:
            pass


def announce():
    """One line on stderr, once a process."""
    global _announced
    if not _announced:
        _announced = True
        print("refpcm: compiling kernels for this CPU, once, some 10 to 20 seconds ...", file=sys.stderr, flush=True)


def kernel(function):
    """`njit(nogil=True)`, cached on disk where a folder can be written.

    No fast-math: sums are added in the order of the source, so that results do not depend on what LLVM makes of a
    loop (its choice between two loops can depend on addresses).
    """
    compiled = njit(nogil=True, boundscheck=False, error_model="numpy")(function)
    try:
        compiled._cache = TolerantCache(function)
    except (RuntimeError, OSError):
        pass  # no writable folder: compile in every process
    return compiled
