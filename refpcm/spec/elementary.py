"""log and exp of float64 from + - * / and bit patterns alone.

Libraries differ in the last bit of log and exp, between machines and even between the vectorised body and the
scalar rest of one loop. IEEE 754 fixes + - * / and the square root to the bit, so results that are built on
these two functions are the same everywhere and for every number of threads.

Method and coefficients: Sun Microsystems' fdlibm, e_log.c and e_exp.c (1993); error below 1 ULP.
"""

import numpy as np

LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # high part: 21 trailing zero bits
INVERSE_LN2 = 1.44269504088896338700
L1, L2, L3, L4, L5, L6, L7 = (6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
                              2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
                              1.479819860511658591e-01)
P1, P2, P3, P4, P5 = (1.66666666666666019037e-01, -2.77777777770155933842e-03, 6.61375632143793436117e-05,
                      -1.65339022054652515390e-06, 4.13813679705723846039e-08)
SQRT_HALF_BITS = np.int64(0x3FE6A09E667F3BCD)  # bit pattern of sqrt(1/2)
ONE_BITS = np.int64(0x3FF0000000000000)
MANTISSA_BITS = np.int64(52)
SMALLEST, LARGEST = 2.0 ** -1022, np.finfo(np.float64).max  # normal numbers: the domain of log
LOWEST_EXPONENT, HIGHEST_EXPONENT = -708.0, 709.0  # the domain of exp: its results are normal numbers


def log(x):
    """Natural logarithm of positive, normal float64 x, any shape: x = 2^k m, sqrt(1/2) <= m < sqrt(2), s = f / (2 + f).
    E-6.

    log m = f - f^2 / 2 + s (f^2 / 2 + R(s^2)), f = m - 1. NaN of everything else: x below 2^-1022, infinity, NaN.
    """
    x = np.asarray(x, np.float64)
    inside = (x >= SMALLEST) & (x <= LARGEST)
    bits = np.where(inside, x, 1.0).view(np.int64)
    k_bits = (bits - SQRT_HALF_BITS) >> MANTISSA_BITS
    f = (bits - (k_bits << MANTISSA_BITS)).view(np.float64) - 1.0
    k = k_bits.astype(np.float64)
    s = f / (2.0 + f)
    z = s * s
    r = z * (L1 + z * (L2 + z * (L3 + z * (L4 + z * (L5 + z * (L6 + z * L7))))))
    half_square = 0.5 * f * f
    return np.where(inside, k * LN2_HIGH - ((half_square - (s * (half_square + r) + k * LN2_LOW)) - f), np.nan)[()]


def exp(x):
    """e^x of float64 x, any shape: x = k ln 2 + r, |r| <= ln(2) / 2. E-7.

    An x below -708 counts as -708 (3e-308), one above 709 as 709 (8e307); NaN stays NaN.
    """
    x = np.clip(np.asarray(x, np.float64), LOWEST_EXPONENT, HIGHEST_EXPONENT)
    k = np.floor(x * INVERSE_LN2 + 0.5)
    high, low = x - k * LN2_HIGH, k * LN2_LOW
    r = high - low
    z = r * r
    c = r - z * (P1 + z * (P2 + z * (P3 + z * (P4 + z * P5))))
    y = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    with np.errstate(invalid="ignore"):  # the k of NaN is no whole number
        return y * ((k.astype(np.int64) << MANTISSA_BITS) + ONE_BITS).view(np.float64)
