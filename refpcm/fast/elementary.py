"""log and exp of one float64 number inside kernels: the operations of `refpcm.spec.elementary` in the same order."""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.spec.elementary import (
    HIGHEST_EXPONENT,
    INVERSE_LN2,
    L1,
    L2,
    L3,
    L4,
    L5,
    L6,
    L7,
    LARGEST,
    LN2_HIGH,
    LN2_LOW,
    LOWEST_EXPONENT,
    MANTISSA_BITS,
    ONE_BITS,
    P1,
    P2,
    P3,
    P4,
    P5,
    SMALLEST,
    SQRT_HALF_BITS,
)


@kernel
def log_at(x):
    """`log` of one number, for use inside kernels."""
    bits = np.float64(x).view(np.int64)
    k_bits = (bits - SQRT_HALF_BITS) >> MANTISSA_BITS
    f = np.int64(bits - (k_bits << MANTISSA_BITS)).view(np.float64) - 1.0
    k = np.float64(k_bits)
    s = f / (2.0 + f)
    z = s * s
    r = z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * (L6 + z * L7))))))
    half_square = 0.5 * f * f
    value = k * LN2_HIGH - ((half_square - (s * (half_square + r) + k * LN2_LOW)) - f)
    return value if (x >= SMALLEST) & (x <= LARGEST) else np.nan  # & and not `and`: a selection, no branch


@kernel
def exp_at(x):
    """`exp` of one number, for use inside kernels."""
    x = LOWEST_EXPONENT if x < LOWEST_EXPONENT else HIGHEST_EXPONENT if x > HIGHEST_EXPONENT else x
    k = np.floor(x * INVERSE_LN2 + 0.5)
    high, low = x - k * LN2_HIGH, k * LN2_LOW
    r = high - low
    z = r * r
    c = r - z * (P1 + z * (P2 + z * (P3 + z * (P4 + z * P5))))
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    return y * np.int64((np.int64(k) << MANTISSA_BITS) + ONE_BITS).view(np.float64)
