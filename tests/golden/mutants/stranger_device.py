"""Mistakes in the device, at rare values: invented by a stranger to the cases of kit 2.0.

A comment says which inputs show the mistake, where few do.
"""


import numpy as np

from refpcm.golden import reference
from refpcm.spec.pcm import curve, drift, mapping, programming, read_noise, transfer
from tests.golden.mutants.replacing import replaced

PROGRAMMED_US, TRANSFERRED_US = programming.programmed_us, transfer.transferred_us
TO_CONDUCTANCES, CURVE_VALUE, PIECE_VALUE = mapping.to_conductances, curve.curve_value, curve._piece_value


DRIFTED_US, ACCUMULATION, READ_US = drift.drifted_us, read_noise.accumulation, read_noise.read_us
RELATIVE = read_noise.relative_read_noise


def targets_of_zeros(weights, w_max, g_max_us):
    with np.errstate(invalid="ignore"):
        weights = np.asarray(weights, np.float64)
        return np.stack([np.maximum(weights, 0.0), np.maximum(-weights, 0.0)]) / np.float64(w_max) * g_max_us


def collapsed_by_largest_positive(inputs, parameters):
    net = inputs["g_us"][0] - inputs["g_us"][1]
    largest = float(net.max()) if net.max() > 0 else float(np.abs(net).max())
    return {"g_us": TO_CONDUCTANCES(net, largest, parameters["g_max_us"])}


def transferred_but_zeros(g_target_us, z, device):
    return np.where(g_target_us > 0, TRANSFERRED_US(g_target_us, z, device), 0.0)


def small_is_idle(g_target_us, z, device):
    g = PROGRAMMED_US(g_target_us, z, device)
    return np.where(g_target_us < 0.01 * device.g_max_us, 0.0, g) if device.reset_device == "zero" else g


def stuck_at_equality(g_prog_us, u_selection, u_conductance, device):
    return np.where(u_selection <= device.stuck_fraction, u_conductance * device.g_max_us, g_prog_us)


def log_of_zero_is_zero(piece, g):
    if piece.form not in ("logarithm", "power"):
        return PIECE_VALUE(piece, g)
    return PIECE_VALUE(piece, np.where(g == 0, 1.0, g))


def curve_of(holds, bounds):
    """curve_value with other rules: holds(g, piece) and bounds(curve, piece) -> (low, high)."""
    def value_of(pieces, g):
        g = np.asarray(g, np.float64)
        value, undone = np.full_like(g, np.nan), np.ones(g.shape, bool)
        for piece in pieces:
            here = undone & holds(g, piece)
            low, high = bounds(pieces, piece)
            value[here] = np.minimum(np.maximum(PIECE_VALUE(piece, g[here]), low), high)
            undone &= ~here
        return value
    return [(place, "curve_value", value_of) for place in (programming, drift, read_noise)]


def own_bounds(pieces, piece):
    return piece.low, piece.high


def limited(t_s):
    return min(t_s, 2.0 ** 31 - 1)


def limit_after_growth(g_drift_us, q_s, z, t_s, device):
    grown = np.minimum(q_s * read_noise.accumulation(t_s, device), device.read_noise[-1].high)
    return np.maximum(g_drift_us + g_drift_us * grown * z, 0.0)


MUTANTS = [
    # a matrix of zeros
    ("map-zeros-divided", "a matrix of zeros is divided by its W_max",
     replaced(mapping, "to_conductances", targets_of_zeros)),
    # where the largest net is negative
    ("collapse-by-largest-positive", "the pair is stretched by the largest positive net",
     replaced(reference, "collapsed_pair", collapsed_by_largest_positive)),
    # weights of exactly 0
    ("transfer-zeros-exact", "a weight of zero is transferred without an error",
     replaced(transfer, "transferred_us", transferred_but_zeros)),
    # reset_device zero, targets above 0 but below a percent of G_max
    ("idle-zero-small-targets", "with idle devices at zero those of targets below 1 % of G_max are, too",
     replaced(programming, "programmed_us", small_is_idle)),
    # u_selection equal to the fraction
    ("stuck-at-equality", "a device is stuck where u equals the fraction, too",
     replaced(programming, "with_stuck_us", stuck_at_equality)),
    # targets of 0 (log masked where g is 0, as by numpy's `where`)
    ("curves-ln-0-is-0", "ln g of an idle device counts as 0: it has the curves' values at G_max",
     replaced(curve, "_piece_value", log_of_zero_is_zero)),
    # devices of several pieces (hermes, hermes-1)
    ("pieces-share-first-bounds", "all pieces of a curve are clipped to the bounds of the first",
     curve_of(lambda g, piece: g < piece.below, lambda pieces, piece: (pieces[0].low, pieces[0].high))),
    # times beyond 2^31 s = 68 years
    ("time-31-bits", "times beyond 2^31 - 1 s are taken for that",
     [*replaced(drift, "drifted_us", lambda g_prog_us, nu, t_s, device: DRIFTED_US(g_prog_us, nu, limited(t_s), device)),
      *replaced(read_noise, "accumulation", lambda t_s, device: ACCUMULATION(limited(t_s), device))]),
    ("q-limit-after-growth", "the upper limit of Q_s acts on Q_s times its growth with time",
     replaced(read_noise, "read_us", limit_after_growth)),
    # read_noise_from programmed, devices programmed above G_max
    ("q-not-beyond-g-max", "Q_s of a device programmed beyond G_max is that of G_max",
     replaced(read_noise, "relative_read_noise", lambda g_us, device: RELATIVE(np.minimum(g_us, device.g_max_us), device))),
]

SURVIVORS = [  # name, what is wrong, replacements, why no case finds it
    # targets exactly on the border of two pieces (devices hermes, hermes-1)
    ("pieces-hold-at-border", "a piece of a curve holds at its upper border, too",
     curve_of(lambda g, piece: g <= piece.below, own_bounds),
     "no target lies on an edge: rounding to float32 could put it on either side"),
]
