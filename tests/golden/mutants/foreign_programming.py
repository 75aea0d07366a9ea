"""Mistakes in programming and in the drift exponents, invented without knowledge of the cases."""

from dataclasses import replace

import numpy as np

from refpcm.spec.pcm import drift, programming
from refpcm.spec.pcm.curve import curve_value, four
from tests.golden.mutants.replacing import replaced

SIGMA = programming.programming_sigma_us


def _sigma(change):
    """Another sigma: change(G_T, device) -> sigma [uS]; programming takes it, too."""
    return replaced(programming, "programming_sigma_us", change)


def _coefficients(change):
    """The polynomial of programming with other coefficients: change([c0, c1, c2, c3]) -> coefficients."""
    def sigma_us(g_target_us, device):
        pieces = [
            replace(piece, coefficients=tuple(change(list(four(piece.coefficients)))))
            for piece in device.programming_us
        ]
        return np.maximum(curve_value(pieces, g_target_us / device.g_max_us), 0.0)
    return _sigma(sigma_us)


def _reversed(c):
    used = max(i for i in range(4) if c[i]) + 1
    return c[:used][::-1]


def _programmed(change):
    """Another result of programming: change(G_T, sigma, z, device) -> G, reset_device as asked."""
    def programmed_us(g_target_us, z, device):
        g_us = change(g_target_us, SIGMA(g_target_us, device), z, device)
        return np.where(g_target_us == 0, 0.0, g_us) if device.reset_device == "zero" else g_us
    return replaced(programming, "programmed_us", programmed_us)


def _exact_top(g, sigma, z, device):
    return np.where(g == g.max(), g, np.maximum(g + sigma * z, 0))


# --- exponents

def _nu(change):
    """Other exponents: change(mean, sigma, z, g) -> nu."""
    def drift_exponents(g_target_us, z, device):
        g = g_target_us / device.g_max_us
        return change(curve_value(device.nu_mean, g), curve_value(device.nu_sigma, g), z, g)
    return replaced(drift, "drift_exponents", drift_exponents)


def _of_curves(change):
    """Other curves: change(nu_mean, nu_sigma) -> two curves."""
    def drift_exponents(g_target_us, z, device):
        mean, sigma = change(device.nu_mean, device.nu_sigma)
        g = g_target_us / device.g_max_us
        return np.abs(curve_value(mean, g) + curve_value(sigma, g) * z)
    return replaced(drift, "drift_exponents", drift_exponents)


def _each_piece(**changes):
    def change(*curves):
        return [
            tuple(replace(piece, **{name: value(piece, index) for name, value in changes.items()}) for piece in curve)
            for index, curve in enumerate(curves)
        ]
    return _of_curves(change)


def _bounds_of_mean(mean, sigma):
    return mean, tuple(replace(piece, low=mean[0].low, high=mean[0].high) for piece in sigma)


def _at(change):
    """Curves at another place: change(g, G_T) -> g."""
    def drift_exponents(g_target_us, z, device):
        g = change(g_target_us / device.g_max_us, np.asarray(g_target_us, np.float64))
        return np.abs(curve_value(device.nu_mean, g) + curve_value(device.nu_sigma, g) * z)
    return replaced(drift, "drift_exponents", drift_exponents)


MUTANTS = [
    ("sigma-coefficients-reversed", "coefficients in the order of polyval", _coefficients(_reversed)),
    ("sigma-digits", "0.26384 for 0.26348", _coefficients(lambda c: [0.26384 if c[0] == 0.26348 else c[0], *c[1:]])),
    ("sigma-no-curvature", "the square term is left out", _coefficients(lambda c: [c[0], c[1], 0.0, c[3]])),
    ("sigma-no-cube", "the cubic term is left out", _coefficients(lambda c: c[:3])),
    ("sigma-is-variance", "the curve is taken for a variance", _sigma(lambda g, device: np.sqrt(SIGMA(g, device)))),
    ("sigma-share", "the curve is taken for a share of the target", _sigma(lambda g, device: g * SIGMA(g, device))),
    ("sigma-scales-25", "curve times G_max / 25", _sigma(lambda g, device: SIGMA(g, device) * device.g_max_us / 25)),
    ("programmed-folded", "|G| instead of max(G, 0)", _programmed(lambda g, sigma, z, device: np.abs(g + sigma * z))),
    ("programmed-saturates", "at most G_max",
     _programmed(lambda g, sigma, z, device: np.clip(g + sigma * z, 0, device.g_max_us))),
    ("programmed-verified", "what program and verify would not accept, beyond 2 sigma, is set to that margin",
     _programmed(lambda g, sigma, z, device: np.maximum(g + sigma * np.clip(z, -2, 2), 0))),
    ("programmed-twice", "the noise of two rounds",
     _programmed(lambda g, sigma, z, device: np.maximum(g + np.sqrt(2) * sigma * z, 0))),
    ("programmed-exact-top", "the largest target is hit exactly", _programmed(_exact_top)),
    ("nu-in-us", "ln of the target in uS", _at(lambda _, g_us: g_us)),
    ("nu-fixed", "no spread", _nu(lambda mean, sigma, z, g: mean + 0 * z)),
    ("nu-clipped-after", "nu itself is clipped to 0.049 .. 0.1, the bounds of its mean",
     _nu(lambda mean, sigma, z, g: np.clip(mean + sigma * z, 0.049, 0.1))),
    ("nu-sigma-bounds-of-mean", "sigma is clipped to the bounds of the mean", _of_curves(_bounds_of_mean)),
    ("nu-sigma-share", "sigma is a share of the mean", _nu(lambda mean, sigma, z, g: np.abs(mean * (1 + sigma * z)))),
    ("nu-clip-reversed", "clip(x, high, low): always the lower bound",
     _each_piece(high=lambda piece, _: piece.low if np.isfinite(piece.low) else piece.high)),
    ("nu-no-low", "no lower bounds", _each_piece(low=lambda *_: -np.inf)),
    ("nu-no-high", "no upper bound of the mean", _each_piece(high=lambda piece, i: piece.high if i else np.inf)),
    ("nu-guard-1e-2", "ln(g + 0.01)", _at(lambda g, _: g + 0.01)),
    ("nu-idle-fixed", "devices of target zero get 0.06",
     _nu(lambda mean, sigma, z, g: np.where(g, np.abs(mean + sigma * z), 0.06))),
    ("nu-idle-none", "devices of target zero get 0",
     _nu(lambda mean, sigma, z, g: np.where(g, np.abs(mean + sigma * z), 0.0))),
    ("sigma-uncut", "a curve below zero is not cut",
     _sigma(lambda g, device: curve_value(device.programming_us, g / device.g_max_us))),
    ("nu-first-piece", "only the first piece of a curve is used",
     _of_curves(lambda *curves: [(replace(curve[0], below=np.inf),) for curve in curves])),
]
