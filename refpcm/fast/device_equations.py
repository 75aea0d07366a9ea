"""The equations of one device inside kernels: the operations of `refpcm.spec.pcm` in the same order, so the same bits.

Each is a function of numbers, float64 unless said otherwise; LLVM puts them into the loops of `chip_kernels`. Curves
over conductance are in `curve`.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.elementary import exp_at


@kernel
def target_at(weight, w_max, g_max_us):
    """Return the target [uS] of the device that holds `weight`; the other device of the pair has target 0."""
    return abs(np.float64(weight)) / w_max * g_max_us if w_max > 0.0 else 0.0


@kernel
def sigma_at(curve_value):
    """Return the standard deviation of programming [uS] from the value of its curve."""
    return max(curve_value, 0.0)


@kernel
def programmed_at(target_us, sigma_us, z, reset_is_zero):
    """Return the programmed conductance [uS]; reset_is_zero: a device of target 0 is exactly 0 (I-5)."""
    value = max(target_us + sigma_us * z, 0.0)
    return 0.0 if reset_is_zero and target_us == 0.0 else value


@kernel
def stuck_at(g_us, u_selection, u_conductance, stuck_fraction, g_max_us):
    """Return the conductance [uS] of a device that may be stuck (I-6)."""
    return u_conductance * g_max_us if u_selection < stuck_fraction else g_us


@kernel
def exponent_at(mean, sigma, z):
    """Return the drift exponent from its mean and standard deviation at the target."""
    return abs(mean + sigma * z)


@kernel
def drifted_at(g_prog_us, nu, log_time):
    """Return the drifted conductance [uS]; log_time: ln(t / t0)."""
    return np.float64(g_prog_us) * exp_at(-np.float64(nu) * log_time)


@kernel
def read_at(drifted_us, q, growth, z):
    """Return the conductance [uS] that a read finds; q: relative read noise, growth: its growth with time."""
    return max(drifted_us + drifted_us * (q * growth) * z, 0.0)


@kernel
def split_at(net_us, largest_us, g_max_us):
    """Return G+ and G- [uS] of a net conductance, stretched so that the largest of the matrix becomes G_max (I-8)."""
    g_us = abs(net_us) / largest_us * g_max_us
    return g_us if net_us > 0.0 else 0.0, g_us if net_us < 0.0 else 0.0


@kernel
def weight_at(plus_us, minus_us, scales):
    """Return the weight of a pair; scales: W_max / G_max, and what the net conductances were stretched by."""
    return (plus_us - minus_us) * scales[0] * scales[1]
