"""The paper's model over time (Supplementary Note 2), as far as CrossSim v2 recorded it (its custom drift model).

    nu      = mu_nu(G_T) + sigma_nu(G_T) z                                eq. 8, 9
    G(t0)   = G_T (t0 / 20 s)^(-nu) + sigma_0(G_T) z0,   t0 = 27.36 s     eq. 12 to 16; sigma_0: fit of Fig. 3b
    G(t1)   = G(t0) (t1 / t0)^(-nu) + sigma_1(G_T) z1,   t1 = 55.39 s     sigma_1: CrossSim's fit to a figure of the supplement
    G(t)    = G(t1) (t / t1)^(-nu)

Conductances in uS. Nothing is cut at zero, and nu may be negative. What is missing: the noise of reads after t1, whose
spectrum is 1/f^1.21 and whose size depends on |G_T| and time; Note 2 itself was not at hand.
"""

import numpy as np

from refpcm.spec.elementary import exp, log
from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.drift import check_time, drifted_us
from refpcm.spec.pcm.programming import programming_sigma_us

TARGET_S = 20.0  # time at which the target is the conductance
LATE_S = 55.39   # t1
LATE_SIGMA_US = (0.1923, 0.1004, -0.00729, 1.904e-4)  # sigma_1 = sum of c_i G^i


def note2_exponents(g_target_us, z, device):
    """Return nu = mu_nu + sigma_nu z of the target's conductances (any shape), z standard normal. E-40."""
    g = g_target_us / device.g_max_us
    return curve_value(device.nu_mean, g) + curve_value(device.nu_sigma, g) * z


def note2_programmed_us(g_target_us, nu, z, device):
    """Return G(t0) [uS]: the target drifted from 20 s to t0 of the device, with the error of programming. E-41."""
    drifted = g_target_us * exp(-nu * log(device.t0_s / TARGET_S))
    return drifted + programming_sigma_us(g_target_us, device) * z


def late_sigma_us(g_target_us):
    """Return sigma_1 [uS] of the error that is added at 55.39 s. E-42."""
    c0, c1, c2, c3 = LATE_SIGMA_US
    return np.maximum(((c3 * g_target_us + c2) * g_target_us + c1) * g_target_us + c0, 0.0)


def note2_read_us(g_target_us, g_prog_us, nu, z, t_s, device):
    """Return G(t) [uS] from G(t0); z, standard normal, belongs to the device: the error at 55.39 s is there for good.
    E-43.

    Raises RefpcmError for a time before t0 or beyond the drift law.
    """
    check_time(t_s, device)
    g_us = drifted_us(g_prog_us, nu, min(t_s, LATE_S), device)
    if t_s < LATE_S:
        return g_us
    return (g_us + late_sigma_us(g_target_us) * z) * exp(-nu * log(t_s / LATE_S))
