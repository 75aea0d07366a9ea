"""Read noise drawn afresh for every product (I-9, "per_product"): mean and variance of every weight.

A read at time t gives a conductance max(G_drift + sigma_read z, 0) (refpcm/spec/pcm/read_noise.py). If every product of an
input vector x (R,) with the matrix has z of its own, the sum of column k is one of R independent terms, with

    mean      sum_r x_r   E W_rk            E W   = (E G+ - E G-) W_max / G_max
    variance  sum_r x_r^2 Var W_rk          Var W = (Var G+ + Var G-) (W_max / G_max)^2

and one normal number stands for 2 R of them. Both moments are exact, the cut at 0 uS included. The sum is normal
exactly where no device is cut, else as any sum of many independent terms: a device that is cut now and then has
relative noise near 1, conducts next to nothing, and has a small share in the sum.

NumPy is the only form: no random number is drawn, and one pass over the chip serves all products at time t.
"""

import numpy as np

from refpcm.spec.pcm.chip import curve_conductance_us, programmed_as_read, read_conductances, stretch
from refpcm.spec.pcm.device import MODEL
from refpcm.spec.pcm.drift import drifted_us
from refpcm.spec.pcm.read_noise import accumulation, relative_read_noise
from refpcm.spec.pcm.rectified import rectified_moments


def read_moments(chip, crossbar, t_s):
    """Over all reads of a crossbar at t seconds after programming: E G [uS], Var G [uS^2], both (2, R, K) float64.

    E-53.
    """
    device = chip.device
    if device.model != MODEL[0]:
        g_us = read_conductances(chip, crossbar, t_s, 0).astype(np.float64)  # every read gives the same
        return g_us, np.zeros_like(g_us)
    g_prog_us = programmed_as_read(device, crossbar).astype(np.float64)
    g_drift_us = drifted_us(g_prog_us, crossbar.nu.astype(np.float64), t_s, device)
    s = relative_read_noise(curve_conductance_us(device, crossbar), device) * accumulation(t_s, device)
    mean, variance = rectified_moments(s)
    return g_drift_us * mean, g_drift_us ** 2 * variance


def mean_conductances(chip, crossbar, t_s, draw=None):
    """E G (2, R, K) [uS] in the state's precision; takes what `refpcm.spec.pcm.chip.read_conductances` takes, any draw."""
    return read_moments(chip, crossbar, t_s)[0].astype(crossbar.g_prog_us.dtype)


def weight_variances(chip, t_s):
    """{name: Var W (R, K)} at t seconds after programming, in the state's precision. E-54."""
    variances = {}
    for crossbar in chip.crossbars:
        scale = crossbar.w_max / chip.device.g_max_us * stretch(chip.device, crossbar)
        variance = read_moments(chip, crossbar, t_s)[1].sum(0) * scale ** 2
        variances[crossbar.name] = variance.astype(crossbar.g_prog_us.dtype)
    return variances
