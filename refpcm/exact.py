"""`exact_kernel`: Numba compilation for results that must be the same bits on every machine.

No fast-math: neither reordering nor fused multiply-add may change a rounding. Division follows IEEE 754 instead of
raising, which also lets loops vectorise.

Numba's own disk cache looks only at the file a function stands in; these kernels call one another across files, so a
change in one could leave old machine code in another. Here the cache is keyed by the text of all of them.
"""

import hashlib
from pathlib import Path

from numba import njit
from numba.core import caching

from refpcm.files.cache import cache_folder
from refpcm.kernels.cache import FOLDER, Locator, TolerantCache

_HERE = Path(__file__).parent
SOURCES = ("elementary.py", "exact.py", "outside.py", "pcm/curve.py", "pcm/fused.py", "pcm/lane_noise.py",
           "pcm/lane_vectors.py", "pcm/tile_kernels.py", "rng_numba.py", "training/update_kernels.py",
           "kernels/conv.py", "kernels/emit.py", "kernels/finish.py", "kernels/layout.py",
           "kernels/vector.py")  # all files that hold such kernels, or parts of them
_DIGEST = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in SOURCES)).hexdigest()


class _Locator(Locator):
    """A folder of its own for each version of the exact sources."""

    def __init__(self, name, file):
        self._name, self._stamp = name, _DIGEST

    def get_cache_path(self):
        return str(cache_folder() / FOLDER / f"exact-{_DIGEST[:16]}")


class _Results(caching.CompileResultCacheImpl):
    _locator_classes = [_Locator]


class _Cache(TolerantCache):
    _impl_class = _Results


def exact_kernel(**options):
    """Decorator: njit with these options, IEEE division and exact rounding, cached where a folder can be written."""
    def compile_kernel(function):
        compiled = njit(error_model="numpy", nogil=True, **options)(function)
        try:
            compiled._cache = _Cache(function)
        except (RuntimeError, OSError):
            pass  # no writable folder: compile in every process
        return compiled
    return compile_kernel
