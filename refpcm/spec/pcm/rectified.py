"""Moments of a normal number that is cut at zero: conductances cannot be negative."""

import numpy as np

from refpcm.spec.elementary import exp

NEVER_CUT = 1 / 7  # a device is cut at 7 sigma and more: one read in 10^12
TAIL_OVER = (0.0352624965998911, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871,
             221.213596169931, 220.206867912376)
TAIL_UNDER = (0.0883883476483184, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674,
              637.333633378831, 793.826512518948, 440.413735824752)


def normal_tail(a):
    """Phi(-a), the share of standard normal numbers below -a, for 0 <= a <= 7; absolute error below 2e-13. E-51.

    exp(-a^2 / 2) times a ratio of polynomials: Hart, Computer Approximations (1968), 5666, as in West, Wilmott
    Magazine (2005). The same bits on every machine.
    """
    return exp(-0.5 * a * a) * (np.polyval(TAIL_OVER, a) / np.polyval(TAIL_UNDER, a))


def rectified_moments(s):
    """Mean and variance of max(1 + s z, 0), z standard normal, for s >= 0 of any shape, float64. E-52.

    a = 1 / s, p = s phi(a), q = Phi(-a), d = p - q:  mean = 1 + d, variance = s^2 (1 - q) - d (1 + d).
    Below s = 1/7 they are 1 and s^2.
    """
    s = np.asarray(s, np.float64)
    cut = np.maximum(s, NEVER_CUT)
    a = 1.0 / cut
    q = normal_tail(a)
    d = cut * exp(-0.5 * a * a) / np.sqrt(2 * np.pi) - q
    return np.where(s < NEVER_CUT, 1.0, 1.0 + d), np.where(s < NEVER_CUT, s * s, s * s * (1.0 - q) - d * (1.0 + d))
