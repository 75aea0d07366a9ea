"""`kernel`: Numba compilation for results that are the same bits on every machine, cached on disk.

No fast-math: neither reordering nor fused multiply-add may change a rounding, and sums are added in the order of the
source, so that results do not depend on what LLVM makes of a loop (its choice between two loops can depend on
addresses). Division follows IEEE 754 instead of raising, which also lets loops vectorise.

Numba's own cache looks at the file of a function only; these kernels call one another across files and read constants of
the specification, and the code generator has files of its own. Here the cache is keyed by the text of all of them.
"""

import hashlib
import json
import os
import sys
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from numba import config, njit
from numba.core import caching

import refpcm
from refpcm.cache import cache_folder
from refpcm.errors import RefpcmError

FOLDER = "kernels"  # within the cache folder
_ROOT = Path(refpcm.__file__).parent
_CONSTANTS = ("spec/elementary.py", "spec/random.py", "spec/pcm/curve.py")  # of the specification, used in kernels


if config.DISABLE_JIT or int(config.OPT) == 0:
    raise RefpcmError("NUMBA_DISABLE_JIT and NUMBA_OPT=0 leave refpcm without its kernels; unset them, or use --kernels numpy")


def _digest():
    """Return what the machine code depends on beside Numba and the CPU: version and sources, as a SHA-256."""
    digest = hashlib.sha256(refpcm.__version__.encode())
    for path in [*sorted((_ROOT / "fast").rglob("*.py")), *(_ROOT / name for name in _CONSTANTS)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


_DIGEST = _digest()


class _Locator(caching._CacheLocator):
    """Where Numba's cache puts a kernel: one folder for each version of the sources."""

    def __init__(self, name):
        self._name = name

    def get_cache_path(self):
        return str(cache_folder() / FOLDER / _DIGEST[:16])

    def get_source_stamp(self):
        return _DIGEST

    def get_disambiguator(self):
        return self._name

    @classmethod
    def from_function(cls, function, file):
        locator = cls(function.__module__.rpartition(".")[2])
        try:
            locator.ensure_cache_path()
            return locator if _is_ours(locator.get_cache_path()) else None
        except (OSError, RefpcmError) as error:
            why = getattr(error, "strerror", None) or error  # not the file's name, which is another one each time
            _say_once(f"refpcm: compiled kernels cannot be kept ({why}), so every command compiles them anew; set REFPCM_CACHE "
                      "to a folder of your own")
            return None


class _Results(caching.CompileResultCacheImpl):
    _locator_classes = [_Locator]


class _TolerantCache(caching.FunctionCache):
    """Numba's cache of compiled functions in our place; says once that something has to be compiled.

    A cache may only save time: what cannot be read, or has other digests than when it was written, is compiled; what
    cannot be written is not kept. Machine code with one bit flipped would crash the process, or compute wrongly.
    """
    _impl_class = _Results

    def load_overload(self, sig, target_context):
        try:
            found = super().load_overload(sig, target_context) if self._is_intact() else None
        except Exception:  # a damaged file fails to unpickle or to link in any way it likes
            found = None
            self._forget()
        if found is None:
            announce()
        return found

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
            self._digests_file().write_text(json.dumps(self._digests()))
        except OSError:
            pass

    def _digests_file(self):
        return Path(self._cache_file._index_path + ".sha256")

    def _digests(self):
        """Return {file name: SHA-256} of the function's index and machine code."""
        base = Path(self._cache_file._index_path)
        files = [base, *base.parent.glob(base.name.removesuffix(".nbi") + ".*.nbc")]
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def _is_intact(self):
        """Return whether the files are those that were written; False, and they are removed, for any others."""
        try:
            if json.loads(self._digests_file().read_text()) == self._digests():
                return True
        except FileNotFoundError:
            pass  # nothing has been compiled yet
        except (OSError, ValueError):
            pass
        self._forget()
        return False

    def _forget(self):
        try:
            self.flush()
        except OSError:
            pass


def _is_ours(folder):
    """Return whether nobody else may write to the folder: code planted there would run. Says so, once, if not."""
    status = os.stat(folder)
    ours = not hasattr(os, "geteuid") or status.st_uid == os.geteuid() and not status.st_mode & 0o022
    if not ours:
        _say_once(f"refpcm: {folder} may be written by others, so kernels are compiled anew and not kept; set REFPCM_CACHE to "
                  "a folder of your own")
    return ours


@lru_cache
def _say_once(words):
    with suppress(OSError):  # a log that cannot be written does not end the work
        print(words, file=sys.stderr, flush=True)


def announce():
    """Print one line on stderr, once a process."""
    _say_once("refpcm: compiling kernels for this CPU, once, some 10 to 20 seconds ...")


def kernel(function=None, **options):
    """Compile a function: njit without the interpreter lock, with these options, cached where a folder can be written.

    A decorator, bare or with options of numba.njit.
    """
    if function is None:
        return lambda function: kernel(function, **options)
    compiled = njit(nogil=True, error_model="numpy", **options)(function)
    try:
        compiled._cache = _TolerantCache(function)
    except (RuntimeError, OSError):
        pass  # no writable folder: compile in every process
    return compiled
