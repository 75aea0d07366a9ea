"""Drift: a conductance decays as a power of time, each device with its own exponent."""

from numbers import Real

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.elementary import exp, log
from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.device import LARGEST_T_S


def drift_exponents(g_target_us, z, device):
    """nu = |mu_nu(g) + sigma_nu(g) z|, z standard normal, drawn once per device for ever. E-34.

    joshi2020: mu = clip(-0.0155 ln g + 0.0244, 0.049, 0.1), sigma = clip(-0.0125 ln g - 0.0059, 0.008, 0.045)
    (Nandakumar et al. 2019).
    """
    g = g_target_us / device.g_max_us
    return np.abs(curve_value(device.nu_mean, g) + curve_value(device.nu_sigma, g) * z)


def drifted_us(g_prog_us, nu, t_s, device):
    """G_drift = G_prog (t / t0)^(-nu) [uS], t in seconds since programming, at least t0. E-35."""
    check_time(t_s, device)
    return g_prog_us * exp(-nu * log(t_s / device.t0_s))


def check_time(t_s, device):
    """Raises RefpcmError for a time before t0 or beyond the drift law, and for what is not one number."""
    if np.ndim(t_s) or not isinstance(np.asarray(t_s)[()], Real):
        raise RefpcmError(f"a time must be one number of seconds, not {t_s!r}; read at one time after the other")
    if not device.t0_s <= t_s <= LARGEST_T_S:
        raise RefpcmError(f"time {t_s!r} s is outside {device.t0_s:g} s (t0 of {device.name}) .. {LARGEST_T_S:g} s "
                          "after programming")
