"""Equations of `refpcm/spec/compensation`."""

from tests.docs.equations.table import Equation

THEME = "Compensation"
SYMBOLS = {
    "G+, G-": ("conductances of the two devices of a pair as read at a time", "uS"),
    "W_rk": ("effective weight of row r and column k as read at a time", "1"),
    "R, K": ("rows and columns of the layer's matrix", "1"),
    "readout": ("what GDC measures of a layer", "uS for columns, else 1"),
    "alpha": ("drift factor of the layer, or of a column", "1"),
    "t": ("time since programming", "s"),
    "t_ref": ("time of the first read", "s"),
    "t0": ("time at which the device's drift begins to count", "s"),
    "y": ("output of the layer", "1"),
    "p": ("share of the old statistic that a mini-batch leaves", "1"),
    "n, m": ("mini-batches, images in each: 13 and 200, on ImageNet 26 and 50", "1"),
    "mu, var": ("running mean and variance of a channel; with B those of the mini-batch, the variance biased", "1"),
}
METHODS_E = "Joshi et al. 2020, Methods E; Le Gallo et al. 2018, IEEE TED 65, 4304"
METHODS_F = "Joshi et al. 2020, Methods F, eq. 4 to 8"

EQUATIONS = (
    Equation(
        58, "GDC readout: columns", """
        readout = sum over r, k of  (G+_rk + G-_rk);   per column: the sum over r alone""",
        "readout|G+, G-", METHODS_E, ("compensation.global_drift.readout",), (), "compensation"),
    Equation(
        59, "GDC readout: ones", "readout = sum over k of  |sum over r of W_rk|;   per column: its term k", "readout|W_rk",
        "other code; I-10", ("compensation.global_drift.readout",), (), "compensation"),
    Equation(
        60, "GDC readout: one-hot", "readout = sum over r, k of  |W_rk| / (R K);   per column: sum over r of |W_rk| / R",
        "readout|W_rk|R, K", "aihwkit's code; I-10", ("compensation.global_drift.readout",), (), "compensation"),
    Equation(
        61, "Drift factor", "alpha = readout(t) / readout(t_ref); 1 where either is 0", "alpha|readout|t|t_ref", METHODS_E,
        ("compensation.global_drift.drift_factor",), (), "compensation"),
    Equation(
        62, "Compensated output", "y / alpha, after the converters; without these the same as W / alpha", "y|alpha|W_rk", METHODS_E,
        ("compensation.global_drift.compensated", "compensation.global_drift.compensated_read"), (), "compensation"),
    Equation(
        63, "Time of the reference", "t_ref = max(25 s, t0);   or readout(t_ref) is that of E-89, of the targets (I-24)", "t_ref|readout|t0", "Joshi et al. 2020: first read after about 25 s, in one place 27 s; I-24",
        ("compensation.global_drift.time_of_first_read",), (), "compensation"),
    Equation(
        64, "Decay of AdaBS", "p = 0.015^(1/n)", "p|n, m", METHODS_F, ("compensation.adabs.decay",), (), "compensation"),
    Equation(
        65, "Update of AdaBS", """
        mu <- p mu + (1 - p) mu_B,   var <- p var + (1 - p) var_B;   mu_B, var_B of E-11""",
        "mu, var|p", METHODS_F + "; biased variance: eq. 5", ("compensation.adabs.updated",), (), "compensation"),
    Equation(
        66, "Images of AdaBS", "the first n m numbers of the permutation E-5 (purpose 22, draw = read), m to a mini-batch", "n, m",
        "Methods F: randomly sampled from the training images; without replacement, and by this address, is refpcm's own",
        ("compensation.adabs.calibration_images",), (), "compensation"),
    Equation(
        67, "AdaBS", """
        for each of n mini-batches: forward with the mini-batch's statistics (E-11), then E-65 in every batch norm""",
        "n, m", METHODS_F, ("compensation.adabs.calibrate",), (), "compensation"),
)
