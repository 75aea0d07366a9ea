"""Mistakes in what time does to a conductance: drift and read noise (L1).

g_us, g_drift_us, nu, q_s and z: arrays of one shape; g relative to G_max; t_s seconds since programming.
"""

import numpy as np

from refpcm.spec.pcm import drift, read_noise
from tests.golden.mutants.replacing import changed_curve, one_interpretation, replaced


def _above_0(g):
    """ln and powers need g > 0."""
    return np.maximum(g, 1e-7)


def _mean_of_log10(mu, g):
    return np.clip(-0.0155 * np.log10(_above_0(g)) + 0.0244, 0.049, 0.1)


def _sigma_of_log10(sigma, g):
    return np.clip(-0.0125 * np.log10(_above_0(g)) - 0.0059, 0.008, 0.045)


def _mean_not_clipped(mu, g):
    return -0.0155 * np.log(_above_0(g)) + 0.0244


def _signed_exponents(g_us, z, device):
    g = g_us / device.g_max_us
    return drift.curve_value(device.nu_mean, g) + drift.curve_value(device.nu_sigma, g) * z


def _floored_exponents(g_us, z, device):
    return np.maximum(_signed_exponents(g_us, z, device), 0)


def _drifted_without_t0(g_us, nu, t_s, device):
    return g_us * t_s ** -nu


def _drifted_since_t0(g_us, nu, t_s, device):
    """t taken as the time since t0, as of aihwkit's t_inference, although it counts from programming on."""
    return g_us * ((t_s + device.t0_s) / device.t0_s) ** -nu


def _grown(g_us, nu, t_s, device):
    return g_us * (t_s / device.t0_s) ** nu


def _read_noise_not_limited(q_s, g):
    return 0.0088 / _above_0(g) ** 0.65


def _read_noise_by_root(q_s, g):
    return np.minimum(0.0088 / _above_0(g) ** 0.5, 0.2)


def _reading(growth=read_noise.accumulation, noise_of_g_max=False):
    """The equation of a read with another growth(t_s, device), or with a sigma proportional to G_max."""
    def read_us(g_drift_us, q_s, z, t_s, device):
        scale_us = device.g_max_us if noise_of_g_max else g_drift_us
        return np.maximum(g_drift_us + scale_us * q_s * growth(t_s, device) * z, 0.0)
    return replaced(read_noise, "read_us", read_us)


def _growth_without_root(t_s, device):
    return np.log((t_s + device.t_read_s) / (2 * device.t_read_s))


def _growth_without_two(t_s, device):
    return np.sqrt(np.log((t_s + device.t_read_s) / device.t_read_s))


def _no_growth(t_s, device):
    """5.9 is what joshi2020 reaches after some 20 years."""
    return 5.9


MUTANTS = [
    ("log10-nu", "log10 for ln in the mean exponent", changed_curve("nu_mean", _mean_of_log10)),
    ("log10-nu-sigma", "log10 for ln in the exponent's sigma", changed_curve("nu_sigma", _sigma_of_log10)),
    ("nu-not-clipped", "mean exponent not clipped", changed_curve("nu_mean", _mean_not_clipped)),
    ("nu-without-abs", "missing absolute value", replaced(drift, "drift_exponents", _signed_exponents)),
    ("nu-floor", "max(nu, 0) for the absolute value", replaced(drift, "drift_exponents", _floored_exponents)),
    ("t-without-t0", "t^(-nu)", replaced(drift, "drifted_us", _drifted_without_t0)),
    ("t-plus-t0", "((t + t0) / t0)^(-nu)", replaced(drift, "drifted_us", _drifted_since_t0)),
    ("drift-grows", "(t / t0)^(+nu)", replaced(drift, "drifted_us", _grown)),
    ("q-without-limit", "Q_s not limited to 0.2", changed_curve("read_noise", _read_noise_not_limited)),
    ("q-exponent", "Q_s = 0.0088 / g^0.5", changed_curve("read_noise", _read_noise_by_root)),
    ("read-always-target", "I-7 target whatever is asked", one_interpretation("read_noise_from", "target")),
    ("read-always-programmed", "I-7 programmed whatever is asked", one_interpretation("read_noise_from", "programmed")),
    ("read-without-root", "ln for sqrt(ln)", _reading(_growth_without_root)),
    ("read-without-two", "(t + t_read) / t_read", _reading(_growth_without_two)),
    ("read-of-g-max", "sigma = G_max Q_s", _reading(noise_of_g_max=True)),
    ("read-noise-constant", "no growth with time", _reading(_no_growth)),
]
