"""Arrays as they come from outside: real numbers only, as floating point, before anything is computed with them."""

import numpy as np

from refpcm.errors import RefpcmError


def real_numbers(array, what):
    """Return the array as float32 if it is that, else as float64; `what` names it in errors.

    Integers are converted before any arithmetic: the magnitude of -128 does not fit 8 bits. Raises RefpcmError for
    masked and complex arrays, whose masks and imaginary parts would be lost, and for what is not a number.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise RefpcmError(f"{what} is a masked array; fill it first, for instance with .filled(0)")
    array = np.asarray(array)
    if array.dtype.kind not in "fiub":
        raise RefpcmError(f"{what} must hold real numbers, not {array.dtype}; convert it first")
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)
