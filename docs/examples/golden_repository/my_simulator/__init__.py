"""A small simulator of phase-change memory in float32: what is tested here."""

import numpy as np

F = np.float32
G_MAX_US, T0_S = F(25), F(20)


def target_conductances(weights, g_max_us=G_MAX_US):
    """Return the targets (2, rows, columns) of a matrix of weights [uS], G+ first."""
    relative = weights / np.abs(weights).max() if weights.any() else weights
    return np.stack([np.maximum(relative, 0), np.maximum(-relative, 0)]) * F(g_max_us)


def programmed(g_target_us, z):
    """Return conductances with programming noise [uS]; z is standard normal. An idle device is exactly 0."""
    g = g_target_us / G_MAX_US
    sigma_us = np.maximum(F(0.26348) + F(1.9650) * g - F(1.1731) * g ** 2, 0)
    return np.where(g_target_us == 0, F(0), np.maximum(g_target_us + sigma_us * z, 0))


def drifted(g_us, nu, t_s, t0_s=T0_S):
    """Return conductances t_s seconds after programming [uS]."""
    return g_us * (F(t_s) / F(t0_s)) ** -nu


def matrix_product(x, weights, bias):
    """Return x weights^T + bias."""
    return x @ weights.T + bias
