"""Conductances as other simulators' device models give them, written for `python -m refpcm.golden lab`. NumPy only.

    python lab_simulators.py aihwkit aihwkit.csv
    python -m refpcm.golden lab aihwkit.csv --device joshi2020

The formulas are those of aihwkit 1.x (PCMLikeNoiseModel), CrossSim 3.2 (device PCM_Joshi) and CrossSim 2 (its custom
drift model of the same paper), for single devices with G_max = 25 uS and G_min = 0. aihwkit counts time from t0 = 20 s
on; here all times are seconds since programming, and begin at 27.36 s, or 55.39 s for CrossSim 2.
"""

import sys

import numpy as np

G_MAX_US = 25.0
TARGETS_US = (0.0, 2.5, 7.5, 12.5, 20.0, 25.0)
LATER_S = (600.0, 3600.0, 86400.0)  # after a first read
DEVICES, READS = 1000, 3  # devices of each target


def aihwkit(target_us, times_s, reads, z):
    """Return G [uS] (T, R, D): read noise is taken at the programmed conductance.

    z: the next standard normal numbers of a shape.
    """
    g = target_us / G_MAX_US
    programmed_us = np.maximum(target_us + (0.26348 + 1.9650 * g - 1.1731 * g ** 2) * z(g.shape), 0.0)
    log_g = np.log(np.maximum(g, 1e-7))
    mean, sigma = np.clip(-0.0155 * log_g + 0.0244, 0.049, 0.1), np.clip(-0.0125 * log_g - 0.0059, 0.008, 0.045)
    nu = np.abs(mean + sigma * z(g.shape))
    q_s = np.minimum(0.0088 / np.maximum((programmed_us / G_MAX_US) ** 0.65, 1e-3), 0.2)
    found = []
    for t_s in times_s:
        drifted_us = programmed_us * (t_s / 20.0) ** -nu
        sigma_us = drifted_us * q_s * np.sqrt(np.log((t_s + 250e-9) / 500e-9))
        found.append(np.maximum(drifted_us + sigma_us * z((reads, g.size)), 0.0))
    return np.array(found)


def crosssim3(target_us, times_s, reads, z):
    """Return G [uS] (T, R, D): a programming error, cut at 0; this device has neither drift nor read noise."""
    programmed_us = np.maximum(target_us + crosssim_sigma_us(target_us) * z(target_us.shape), 0.0)
    return np.broadcast_to(programmed_us, (len(times_s), reads, target_us.size))


def crosssim2(target_us, times_s, reads, z):
    """Return G [uS] (T, R, D): drift from 20 s on, an error at 27.36 s and another at 55.39 s, nothing later."""
    mean = np.maximum(0.08 - 0.0045 * target_us, np.minimum(0.06, np.maximum(0.0825 - 0.00169 * target_us, 0.055)))
    nu = mean + z(target_us.shape) / (8 * target_us + 30.032)
    late_us = 0.1923 + 0.1004 * target_us - 0.00729 * target_us ** 2 + 1.904e-4 * target_us ** 3
    g_us = target_us * (27.36 / 20.0) ** -nu + crosssim_sigma_us(target_us) * z(target_us.shape)
    g_us = g_us * (55.39 / 27.36) ** -nu + np.maximum(late_us, 0.0) * z(target_us.shape)
    found = np.array([g_us * (t_s / 55.39) ** -nu for t_s in times_s])
    return np.broadcast_to(found[:, None], (len(times_s), reads, target_us.size))


def crosssim_sigma_us(target_us):
    """Return CrossSim's quadratic fit to Fig. 3b of Joshi et al. 2020."""
    return np.maximum(0.28638599 + 0.07585724 * target_us - 0.00178767 * target_us ** 2, 0.0)


MODELS = {  # time of the first read [s], targets [uS]; CrossSim 2 has conductances below 0 at small targets
    "aihwkit": (aihwkit, 27.36, TARGETS_US), "crosssim3": (crosssim3, 27.36, TARGETS_US),
    "crosssim2": (crosssim2, 55.39, TARGETS_US[1:])}


def columns(name, devices=DEVICES, reads=READS, seed=0, targets_us=None, later_s=LATER_S):
    """Return {column: (n,)} of an experiment with so many devices of each target."""
    model, first_s, usual_us = MODELS[name]
    target_us = np.repeat(usual_us if targets_us is None else targets_us, devices)
    times_s = np.array((first_s, *later_s))
    g_us = model(target_us, times_s, reads, np.random.default_rng(seed).standard_normal)
    time, read, device = (index.ravel() for index in np.indices(g_us.shape))
    return {"device": device, "target_us": target_us[device], "time_s": times_s[time], "g_us": g_us.ravel(),
            "read": read}


if __name__ == "__main__":
    table = columns(sys.argv[1])
    with open(sys.argv[2], "w") as stream:
        stream.write(",".join(table) + "\n")
        for row in zip(*table.values()):
            stream.write(",".join(f"{value:.7g}" for value in row) + "\n")
