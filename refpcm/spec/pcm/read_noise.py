"""Read noise: 1/f fluctuation of a device, accumulated since programming."""

import numpy as np

from refpcm.spec.elementary import log
from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.drift import check_time


def relative_read_noise(g_us, device):
    """Q_s at the target or the programmed conductance (I-7). E-36.

    joshi2020: min(0.0088 / g^0.65, 0.2) (Nandakumar et al. 2019).
    """
    return curve_value(device.read_noise, g_us / device.g_max_us)


def accumulation(t_s, device):
    """sqrt(ln((t + t_read) / (2 t_read))): growth of 1/f noise with the time t [s] since programming. E-37.

    Raises RefpcmError for a time before t0 or beyond the drift law.
    """
    check_time(t_s, device)
    return float(np.sqrt(log((t_s + device.t_read_s) / (2 * device.t_read_s))))


def read_us(g_drift_us, q_s, z, t_s, device):
    """G = max(G_drift + sigma_read z, 0) [uS], sigma_read = G_drift Q_s accumulation(t), z standard normal. E-38."""
    return np.maximum(g_drift_us + g_drift_us * (q_s * accumulation(t_s, device)) * z, 0.0)
