"""Programming: a target conductance becomes the conductance the device actually has at t0.

Noise is an argument: z standard normal, u uniform on (0, 1), both of the conductances' shape.
"""

import numpy as np

from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.rectified import rectified_moments


def programming_sigma_us(g_target_us, device):
    """sigma_prog [uS] = max(curve(G_T / G_max), 0). E-31.

    joshi2020: 0.26348 + 1.9650 g - 1.1731 g^2 (Nandakumar et al. 2019).
    """
    return np.maximum(curve_value(device.programming_us, g_target_us / device.g_max_us), 0.0)


def programmed_us(g_target_us, z, device):
    """G_prog = max(G_T + sigma_prog z, 0) [uS]; with reset_device "zero" (I-5) a device of target 0 is exactly 0.

    E-32.
    """
    g = np.maximum(g_target_us + programming_sigma_us(g_target_us, device) * z, 0.0)
    return np.where(g_target_us == 0, 0.0, g) if device.reset_device == "zero" else g


def expected_programmed_us(g_target_us, device):
    """Return E G_prog [uS] over z, float64: what a target becomes on average, the cut at 0 uS included. E-89.

        E max(G_T + sigma_prog z, 0) = G_T (1 + d(sigma_prog / G_T)),   sigma_prog / sqrt(2 pi) for G_T = 0

    d as in `refpcm.spec.pcm.rectified`. Stuck devices (I-6) do not count: nobody knows of them.
    """
    g_target_us = np.asarray(g_target_us, np.float64)
    sigma_us = programming_sigma_us(g_target_us, device)
    wanted = np.where(g_target_us == 0, 1.0, g_target_us)
    idle_us = 0.0 if device.reset_device == "zero" else sigma_us / np.sqrt(2 * np.pi)
    return np.where(g_target_us == 0, idle_us, wanted * rectified_moments(sigma_us / wanted)[0])


def with_stuck_us(g_prog_us, u_selection, u_conductance, device):
    """I-6: where u_selection < stuck_fraction the device sits at u_conductance G_max, whatever was asked of it [uS].
    E-33.

    It drifts all the same, with the exponent of its target; its Q_s is the target's unless read_noise_from (I-7) says
    "programmed".
    """
    return np.where(u_selection < device.stuck_fraction, u_conductance * device.g_max_us, g_prog_us)
