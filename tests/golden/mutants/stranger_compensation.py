"""Mistakes in compensation, at rare values: invented by a stranger to the cases of kit 2.0.

A comment says which inputs show the mistake, where few do.
"""


import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import compensation
from refpcm.spec.compensation import adabs, global_drift
from tests.golden.mutants.replacing import replaced

READOUT, FACTOR = global_drift.readout, global_drift.drift_factor
DECAY, ADABS_UPDATE, ADABS_LAYER = adabs.decay, compensation.adabs_update, compensation.adabs_layer


def one_hot_sum_of_columns(kind, g_us, weights, per_column=False):
    found = READOUT(kind, g_us, weights, per_column)
    return found * weights.shape[1] if kind == "one_hot" and not per_column else found


def ones_on_columns(kind, g_us, weights, per_column=False):
    if kind == "ones" and not per_column:
        return float(np.abs(np.sum(weights, 1, dtype=np.float64)).sum())
    return READOUT(kind, g_us, weights, per_column)


def small_counts_as_zero(readout_t, readout_t0):
    now, then = np.asarray(readout_t, np.float64), np.asarray(readout_t0, np.float64)
    return np.where((np.abs(now) < 1e-3) | (np.abs(then) < 1e-3), 1.0, FACTOR(now, then))


def calibrate_with(p_of):
    """AdaBS with p = p_of(number of the mini-batch from 0, n, m)."""
    def calibrate(engine, parameters, mini_batches):
        statistics = {}
        for number, images in enumerate(mini_batches):
            p = p_of(number, len(mini_batches), len(images))
            engine.forward(parameters, images, training=True)
            for norm, batch in engine.statistics.items():
                for name, value in ((f"{norm}.running_mean", batch.mean), (f"{norm}.running_var", batch.variance)):
                    statistics[name] = adabs.updated(statistics.get(name, parameters[name]), value, p)
        return {**parameters, **{name: value.astype(parameters[name].dtype) for name, value in statistics.items()}}
    return replaced(adabs, "calibrate", calibrate)


def update_with_p_so_far(inputs, parameters):
    mean, var = inputs["running_mean"], inputs["running_var"]
    for number, (batch_mean, batch_var) in enumerate(zip(inputs["batch_mean"], inputs["batch_var"]), 1):
        p = DECAY(number)
        mean, var = adabs.updated(mean, batch_mean, p), adabs.updated(var, batch_var, p)
    return {"running_mean": mean, "running_var": var}


def layer_p_of_batch_size(inputs, parameters):
    def update(inputs, parameters):
        return ADABS_UPDATE(inputs, {"batches": images})
    images = inputs["x"].shape[1]
    kept, compensation.adabs_update = compensation.adabs_update, update
    try:
        return ADABS_LAYER(inputs, parameters)
    finally:
        compensation.adabs_update = kept


MUTANTS = [
    # cancels in alpha: the readout shows it
    ("readout-one-hot-not-over-columns", "one_hot: the mean of each column, but their sum over columns",
     replaced(global_drift, "readout", one_hot_sum_of_columns)),
    ("readout-ones-on-columns", "ones: the columns are driven, the rows are read",
     replaced(global_drift, "readout", ones_on_columns)),
    # readouts below 1e-3: small weights, ones and one_hot
    ("factor-1-for-small-readouts", "readouts below 1e-3 count as zero",
     replaced(global_drift, "drift_factor", small_counts_as_zero)),
    ("adabs-p-of-batches-so-far", "p = 0.015^(1 / number of mini-batches so far)",
     [*replaced(reference, "adabs_update", update_with_p_so_far),
      *replaced(compensation, "adabs_update", update_with_p_so_far),
      *calibrate_with(lambda number, n, m: DECAY(number + 1))]),
    # one mini-batch
    ("adabs-single-batch-replaces", "a single mini-batch replaces the trained statistics",
     replaced(adabs, "decay", lambda batches: 0.0 if batches == 1 else DECAY(batches))),
    # where n and m differ
    ("adabs-p-of-batch-size", "p = 0.015^(1 / images of a mini-batch)",
     [*replaced(reference, "adabs_layer", layer_p_of_batch_size), *calibrate_with(lambda number, n, m: DECAY(m))]),
]
