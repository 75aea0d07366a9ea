"""Mistakes in drift, read noise and stuck devices, invented without knowledge of the cases."""

from dataclasses import replace

import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import chosen, device_equations
from refpcm.spec.pcm import drift, programming, read_noise
from refpcm.spec.pcm.curve import curve_value
from tests.golden.mutants.replacing import replaced

RELATIVE, READ, ACCUMULATION = read_noise.relative_read_noise, read_noise.read_us, read_noise.accumulation


def _drifted(change):
    """Another law of drift: change(nu, t, t0) -> G / G_prog."""
    return replaced(drift, "drifted_us", lambda g_us, nu, t_s, device: g_us * change(nu, t_s, device.t0_s))


def _at_time(change):
    """The same law at another time: change(t, t0) -> t."""
    return _drifted(lambda nu, t, t0: (change(t, t0) / t0) ** -nu)


def _relative(change):
    """Another Q_s: change(Q_s, g) -> Q_s."""
    return replaced(
        read_noise, "relative_read_noise", lambda g_us, device: change(RELATIVE(g_us, device), g_us / device.g_max_us)
    )


def _curve(**changes):
    """Q_s with changed pieces: field=function of the piece."""
    def relative(g_us, device):
        pieces = [
            replace(piece, **{name: value(piece) for name, value in changes.items()}) for piece in device.read_noise
        ]
        return curve_value(pieces, g_us / device.g_max_us)
    return replaced(read_noise, "relative_read_noise", relative)


def _accumulation(change):
    """Another growth with time: change(t, t_read, t0) -> factor."""
    return replaced(read_noise, "accumulation", lambda t_s, device: float(change(t_s, device.t_read_s, device.t0_s)))


def _read(change):
    """Another read: change(G_drift, s, z, device) -> G, s the relative noise at this time."""
    return replaced(
        read_noise,
        "read_us",
        lambda g_us, q_s, z, t_s, device: change(g_us, q_s * read_noise.accumulation(t_s, device), z, device),
    )


def _noise_relative_to(name):
    """The noise is relative to another stage's conductance."""
    def read(inputs, parameters):
        device = chosen.device(parameters)
        q_s = RELATIVE(inputs["g_target_us" if device.read_noise_from == "target" else "g_prog_us"], device)
        s = q_s * ACCUMULATION(parameters["t_s"], device)
        return {"g_us": np.maximum(inputs["g_drift_us"] + inputs[name] * s * inputs["z"], 0)}
    return replaced(reference, "read", read) + replaced(device_equations, "read", read)


def _q_at_drifted():
    def read(inputs, parameters):
        device = chosen.device(parameters)
        return {
            "g_us": READ(
                inputs["g_drift_us"], RELATIVE(inputs["g_drift_us"], device), inputs["z"], parameters["t_s"], device
            )
        }
    return replaced(reference, "read", read) + replaced(device_equations, "read", read)


def _stuck(change):
    """Other stuck devices: change(G_prog, u, fraction, u_conductance, G_max) -> G_prog."""
    return replaced(
        programming,
        "with_stuck_us",
        lambda g_us, u, u_conductance, device: change(g_us, u, device.stuck_fraction, u_conductance, device.g_max_us),
    )


def _smallest(g_us, u, fraction, u_conductance, g_max_us):
    stuck = np.argsort(np.argsort(u, axis=None)).reshape(u.shape) < int(fraction * u.size)
    return np.where(stuck, u_conductance * g_max_us, g_us)


MUTANTS = [
    ("drift-since-t0", "(t - t0) / t0, at least 1", _at_time(lambda t, t0: max(t - t0, t0))),
    ("drift-from-25", "t0 = 25 s", _at_time(lambda t, t0: t0 * t / 25)),
    ("drift-linear", "1 - nu ln(t / t0)", _drifted(lambda nu, t, t0: 1 - nu * np.log(t / t0))),
    ("drift-log10", "exp(-nu log10(t / t0))", _drifted(lambda nu, t, t0: np.exp(-nu * np.log10(t / t0)))),
    ("drift-integer", "t // t0", _at_time(lambda t, t0: t0 * (t // t0))),
    ("drift-minutes", "t in minutes, t0 in seconds", _at_time(lambda t, t0: t / 60)),
    ("drift-mean-nu", "the mean exponent for all",
     _drifted(lambda nu, t, t0: (t / t0) ** -np.full_like(nu, nu.mean()))),
    ("drift-floor", "never below half of the programmed conductance",
     _drifted(lambda nu, t, t0: np.maximum((t / t0) ** -nu, 0.5))),
    ("drift-half", "nu / 2, one device of two", _drifted(lambda nu, t, t0: (t / t0) ** (-nu / 2))),
    ("q-at-drifted", "Q_s of the drifted conductance", _q_at_drifted()),
    ("q-exponent-sign", "g^0.65",
     _curve(
         coefficients=lambda piece: (
             (piece.coefficients[0], -piece.coefficients[1]) if piece.form == "power" else piece.coefficients
         )
     )),
    ("q-idle-zero", "none at a conductance of zero", _relative(lambda q_s, g: np.where(g, q_s, 0.0))),
    ("q-square", "Q_s is taken for a variance", _relative(lambda q_s, g: np.sqrt(q_s))),
    ("q-guard-1e-2", "g + 0.01",
     replaced(
         read_noise, "relative_read_noise", lambda g_us, device: RELATIVE(g_us + 0.01 * device.g_max_us, device)
     )),
    ("read-log10", "log10", _accumulation(lambda t, t_read, t0: np.sqrt(np.log10((t + t_read) / (2 * t_read))))),
    ("read-without-duration", "ln(t / t_read) / 2 as of a spectrum between two frequencies",
     _accumulation(lambda t, t_read, t0: np.sqrt(np.log(t / t_read) / 2))),
    ("read-since-t0", "ln of the time since t0",
     _accumulation(lambda t, t_read, t0: np.sqrt(np.log((t - t0 + t_read) / (2 * t_read) + 1)))),
    ("read-of-programmed", "noise relative to the programmed conductance", _noise_relative_to("g_prog_us")),
    ("read-of-target", "noise relative to the target", _noise_relative_to("g_target_us")),
    ("read-folded", "|G|", _read(lambda g, s, z, device: np.abs(g + g * s * z))),
    ("read-uncut", "may be negative", _read(lambda g, s, z, device: g + g * s * z)),
    ("read-lognormal", "G exp(s z)", _read(lambda g, s, z, device: g * np.exp(s * z))),
    ("read-saturates", "at most G_max", _read(lambda g, s, z, device: np.clip(g + g * s * z, 0, device.g_max_us))),
    ("read-five-times", "the mean of five reads",
     _read(lambda g, s, z, device: np.maximum(g + g * s * z / np.sqrt(5), 0))),
    ("read-as-of-1s", "noise as of one second, whatever the time",
     _accumulation(lambda t, t_read, t0: np.sqrt(np.log((1 + t_read) / (2 * t_read))))),
    ("stuck-other-end", "u > 1 - fraction", _stuck(lambda g, u, f, uc, g_max: np.where(u > 1 - f, uc * g_max, g))),
    ("stuck-high", "stuck at G_max", _stuck(lambda g, u, f, uc, g_max: np.where(u < f, g_max, g))),
    ("stuck-low", "stuck at 0", _stuck(lambda g, u, f, uc, g_max: np.where(u < f, 0, g))),
    ("stuck-one-uniform", "u_selection / fraction is the conductance",
     _stuck(lambda g, u, f, uc, g_max: np.where(u < f, u / (f or 1) * g_max, g))),
    ("stuck-share", "u times what was programmed", _stuck(lambda g, u, f, uc, g_max: np.where(u < f, uc * g, g))),
    ("stuck-percent", "the fraction in percent",
     _stuck(lambda g, u, f, uc, g_max: np.where(u < f / 100, uc * g_max, g))),
    ("stuck-half", "half of the fraction", _stuck(lambda g, u, f, uc, g_max: np.where(u < f / 2, uc * g_max, g))),
    ("stuck-count", "exactly fraction times n devices, the smallest u", _stuck(_smallest)),
    ("stuck-largest", "u times the largest programmed conductance",
     _stuck(lambda g, u, f, uc, g_max: np.where(u < f, uc * g.max(), g))),
]
