"""L1 equations of the compensation: global drift compensation (GDC) and AdaBS (Joshi et al. 2020, Methods)."""

import numpy as np

from refpcm.spec import nn
from refpcm.spec.compensation import adabs, global_drift


def gdc_readout(inputs, parameters):
    """g_us (2, R, K) [uS] and weights (R, K) of one read -> readout, a scalar (I-10).

    readout "columns": sum of all G+ and G- [uS]; "ones": sum_k |sum_r W_rk|; "one_hot": mean |W_rk|.
    """
    return {"readout": np.array(global_drift.readout(parameters["readout"], inputs["g_us"], inputs["weights"]))}


def gdc_factor(inputs, parameters):
    """readout_t, readout_t0 (n,) -> alpha (n,) = readout(t) / readout(t0), 1 where either is 0."""
    return {"alpha": np.asarray(global_drift.drift_factor(inputs["readout_t"], inputs["readout_t0"]))}


def gdc_compensated(inputs, parameters):
    """weights (R, K), alpha, a scalar -> weights (R, K) / alpha."""
    return {"weights": global_drift.compensated(inputs["weights"], parameters["alpha"])}


def adabs_update(inputs, parameters):
    """running_mean, running_var (C,), batch_mean, batch_var (n, C) -> running_mean, running_var (C,) (Methods F, eq. 4 to 8).

    One mini-batch after the other: s <- p s + (1 - p) s_batch, p = 0.015^(1 / batches).
    """
    p = adabs.decay(parameters["batches"])
    mean, var = inputs["running_mean"], inputs["running_var"]
    for batch_mean, batch_var in zip(inputs["batch_mean"], inputs["batch_var"]):
        mean, var = adabs.updated(mean, batch_mean, p), adabs.updated(var, batch_var, p)
    return {"running_mean": mean, "running_var": var}


def adabs_layer(inputs, parameters):
    """x (n, m, C, H, W) before a batch norm, running_mean, running_var (C,) -> running_mean, running_var (C,).

    The statistics of the n mini-batches, the variance biased (eq. 5), go into the running ones as in `adabs_update`.
    """
    ones = np.ones(inputs["x"].shape[2], inputs["x"].dtype)
    found = [nn.batch_norm_training(batch, ones, 0 * ones)[1] for batch in inputs["x"]]
    return adabs_update({**inputs, "batch_mean": [each.mean for each in found], "batch_var": [each.variance for each in found]},
                        {"batches": len(found)})
