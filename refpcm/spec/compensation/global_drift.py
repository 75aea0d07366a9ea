"""Global drift compensation: one scalar a layer undoes the mean decay of its conductances.

alpha(t) = readout(t) / readout(t0); the layer's output is divided by alpha (Le Gallo et al. 2018, IEEE TED 65, 4304;
Joshi et al. 2020, Methods E). readout(t0) is that of the first read after programming, or is computed from the targets
(I-24). Without converters dividing the output is the same as dividing the weights. R = rows = inputs, K = columns =
outputs.
"""

from dataclasses import dataclass, replace
from typing import Callable

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.arrays import real_numbers
from refpcm.spec.pcm.chip import effective_weights, read_conductances
from refpcm.spec.pcm.device import MODEL
from refpcm.spec.pcm.programming import expected_programmed_us

READOUTS = ("columns", "ones", "one_hot")
REFERENCES = ("first-read", "targets")
FIRST_READ_S = 25.0  # Joshi et al. 2020


@dataclass(frozen=True)
class Readout:
    """How GDC measures a layer.

    kind: one of READOUTS (I-10). per_column: a factor for each column instead of one for the layer.
    conductances: function (chip, crossbar, t_s, draw) -> (2, R, K) [uS] that is measured: one read, of the specification
    or of `refpcm.fast.chip`, or `refpcm.spec.pcm.product_noise.mean_conductances` where every product has its own noise.
    reference: one of REFERENCES (I-24).
    Raises RefpcmError for an unknown kind or reference.
    """
    kind: str = "columns"
    per_column: bool = False
    conductances: Callable = read_conductances
    reference: str = "first-read"

    def __post_init__(self):
        if self.reference not in REFERENCES:
            raise RefpcmError(f"unknown reference of GDC {self.reference!r}; known are {', '.join(REFERENCES)}")
        if self.kind not in READOUTS:
            raise RefpcmError(f"unknown readout {self.kind!r}; known are {', '.join(READOUTS)}")


def readout(kind, g_us, weights, per_column=False):
    """Return what is measured (I-10) from one read: conductances (2, R, K) [uS] and effective weights (R, K).
    E-58, E-59, E-60.

    columns  sum of all G+ and G- [uS]: the summed column currents at constant voltage, per volt
    ones     sum_k |sum_r W_rk|: the output for the all-ones input
    one_hot  mean |W_rk|: the outputs for all one-hot inputs (aihwkit's code)
    A float, or with per_column the K terms of that sum (of one_hot: the mean of each column), float64 (K,).
    """
    g_us, weights = real_numbers(g_us, "conductances"), real_numbers(weights, "weights")
    if kind == "columns":
        columns = np.sum(g_us, (0, 1), dtype=np.float64)
    elif kind == "ones":
        columns = np.abs(np.sum(weights, 0, dtype=np.float64))
    else:
        columns = np.mean(np.abs(weights), 0, dtype=np.float64)
        return columns if per_column else float(columns.mean())
    return columns if per_column else float(columns.sum())


def drift_factor(readout_t, readout_t0):
    """alpha = readout(t) / readout(t0); 1 where either is 0, since nothing can be measured there. E-61."""
    now, then = np.asarray(readout_t, np.float64), np.asarray(readout_t0, np.float64)
    usable = (now != 0) & (then != 0)
    return np.where(usable, now, 1.0) / np.where(usable, then, 1.0)


def compensated(weights, alpha):
    """Weights (R, K) divided by alpha, a scalar or (K,), in float64, rounded to the precision of the weights last. E-62."""
    return (np.asarray(weights, np.float64) / alpha).astype(weights.dtype)


def read_with_readouts(chip, t_s, draw, how=Readout()):
    """Return one read of the whole chip: {name: effective weights (R, K)}, {name: readout}, measured as `how` says."""
    weights, readouts = {}, {}
    for crossbar in chip.crossbars:
        g_us = how.conductances(chip, crossbar, t_s, draw)
        weights[crossbar.name] = effective_weights(chip, crossbar, g_us)
        readouts[crossbar.name] = readout(how.kind, g_us, weights[crossbar.name], how.per_column)
    return weights, readouts


def time_of_first_read(device):
    """Return when a chip is first read, in seconds after programming: 25 s, or t0 of a device whose t0 is later.

    E-63.
    """
    return max(FIRST_READ_S, device.t0_s)


def check_targets(device):
    """Raises RefpcmError for a device whose targets are no reference of GDC (I-24).

    That is one with another law of programming, or with collapsed pairs (I-8): what is read is expected to be something else.
    """
    if device.model != MODEL[0] or device.identity == "collapsed":
        raise RefpcmError(f"GDC with the targets as its reference (I-24) is for devices with the law of joshi2020, each of a "
                          f"pair by itself, not for {device.name}: take the first read")


def expected_conductances(chip, crossbar, t_s=None, draw=None):
    """Return E G_prog (2, R, K) [uS] of a crossbar's targets, in the state's precision. Raises as `check_targets`."""
    check_targets(chip.device)
    return expected_programmed_us(crossbar.g_target_us, chip.device).astype(crossbar.g_prog_us.dtype)


def reference_readouts(chip, how=Readout(), first_read_s=None):
    """Return {name: readout(t0)}.

    Of the first read: read 0 at first_read_s seconds after programming, None: at `time_of_first_read`. Of the targets: of
    `expected_conductances`; nothing is read. Raises RefpcmError as that.
    """
    if how.reference == "targets":
        return read_with_readouts(chip, None, None, replace(how, conductances=expected_conductances))[1]
    t_s = time_of_first_read(chip.device) if first_read_s is None else first_read_s
    return read_with_readouts(chip, t_s, 0, how)[1]


def compensated_read(chip, t_s, draw, reference, how=Readout()):
    """Return one read with its compensation: {name: W}, {name: W / alpha}, {name: alpha}. E-62.

    reference: the readouts at t0, measured with the same Readout `how`.
    """
    weights, readouts = read_with_readouts(chip, t_s, draw, how)
    alphas = {name: drift_factor(readouts[name], reference[name]) for name in weights}
    return weights, {name: compensated(weights[name], alphas[name]) for name in weights}, alphas
