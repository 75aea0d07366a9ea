"""The fast forms of `refpcm.spec`, in Numba; what programs call has the same names and signatures.

This is the only place that knows vector lanes, caches and LLVM. Where a result differs by more than rounding, the
specification is right.
"""
