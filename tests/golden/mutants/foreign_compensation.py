"""Mistakes in global drift compensation and AdaBS, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import compensation
from refpcm.spec.compensation import adabs, global_drift
from tests.golden.mutants.replacing import changed_inputs, replaced

READOUT, FACTOR, DECAY, UPDATE = global_drift.readout, global_drift.drift_factor, adabs.decay, compensation.adabs_update


def _readout(wanted, change):
    """Another readout of one kind: change(g_us, W) -> terms of the columns (K,)."""
    def readout(kind, g_us, weights, per_column=False):
        if kind != wanted:
            return READOUT(kind, g_us, weights, per_column)
        columns = change(np.asarray(g_us, np.float64), np.asarray(weights, np.float64))
        return columns if per_column else float(columns.mean() if kind == "one_hot" else columns.sum())
    return replaced(global_drift, "readout", readout)


def _whole_readout(wanted, change):
    """Another readout of a layer: change(g_us, W) -> a number."""
    def readout(kind, g_us, weights, per_column=False):
        if kind != wanted or per_column:
            return READOUT(kind, g_us, weights, per_column)
        return float(change(np.asarray(g_us, np.float64), np.asarray(weights, np.float64)))
    return replaced(global_drift, "readout", readout)


def _half_precision(kind, g_us, weights, per_column=False):
    return READOUT(kind, g_us.astype(np.float16), weights.astype(np.float16), per_column)


def _factor(change):
    """Another factor: change(alpha) -> alpha."""
    return replaced(global_drift, "drift_factor", lambda now, then: change(FACTOR(now, then)))


def _of_ratios(change):
    """Another factor: change(now, then) -> alpha, both not zero; 1 elsewhere."""
    def drift_factor(now, then):
        now, then = np.asarray(now, np.float64), np.asarray(then, np.float64)
        usable = (now != 0) & (then != 0)
        return np.where(usable, change(np.where(usable, now, 1.0), np.where(usable, then, 1.0)), 1.0)
    return replaced(global_drift, "drift_factor", drift_factor)


def _zero_kept(now, then):
    now, then = np.asarray(now, np.float64), np.asarray(then, np.float64)
    return np.where(then != 0, now, 1.0) / np.where(then != 0, then, 1.0)


def _compensated(change):
    return replaced(global_drift, "compensated", lambda w, alpha: change(w, np.asarray(alpha)).astype(w.dtype))


# --- AdaBS

def _decay(change):
    return replaced(adabs, "decay", change)


def _statistics(change):
    """Another update: change(mean, var, batch means, batch variances, p) -> mean, var."""
    def adabs_update(inputs, parameters):
        arrays = (
            np.asarray(inputs[name], np.float64) for name in ("running_mean", "running_var", "batch_mean", "batch_var")
        )
        mean, var = change(*arrays, DECAY(parameters["batches"]))
        return {"running_mean": mean, "running_var": var}
    return replaced(reference, "adabs_update", adabs_update) + replaced(compensation, "adabs_update", adabs_update)


def _followed(start, batches, p):
    for batch in batches:
        start = p * start + (1 - p) * batch
    return start


def _mixture(mean, var, means, variances, p):
    for batch_mean, batch_var in zip(means, variances):
        var = p * var + (1 - p) * batch_var + p * (1 - p) * (batch_mean - mean) ** 2
        mean = p * mean + (1 - p) * batch_mean
    return mean, var


def _corrected(mean, var, means, variances, p):
    share = 1 - p ** len(means)
    return _followed(0 * mean, means, p) / share, _followed(0 * var, variances, p) / share


def _from_first(mean, var, means, variances, p):
    return _followed(means[0], means[1:], p), _followed(variances[0], variances[1:], p)


def _equal(mean, var, means, variances, p):
    rest = p ** len(means)
    return rest * mean + (1 - rest) * means.mean(0), rest * var + (1 - rest) * variances.mean(0)


def _layer(variance):
    """Another batch variance in a layer: variance(x (m, C, H, W) float64) -> (C,)."""
    def adabs_layer(inputs, parameters):
        x = np.asarray(inputs["x"], np.float64)
        return UPDATE(
            {**inputs, "batch_mean": x.mean((1, 3, 4)), "batch_var": np.stack([variance(batch) for batch in x])},
            {"batches": len(x)},
        )
    return replaced(reference, "adabs_layer", adabs_layer)


def _first_half(inputs, parameters):
    inputs["x"] = inputs["x"][:, : max(1, inputs["x"].shape[1] // 2)]


MUTANTS = [
    ("readout-mean", "mean instead of sum", _readout("columns", lambda g, w: g.mean((0, 1)))),
    ("readout-larger", "the larger device of each pair only", _readout("columns", lambda g, w: g.max(0).sum(0))),
    ("readout-ones-square", "root of the sum of squares of the outputs",
     _whole_readout("ones", lambda g, w: np.sqrt((w.sum(0) ** 2).sum()))),
    ("readout-ones-mean", "mean of the outputs", _whole_readout("ones", lambda g, w: np.abs(w.sum(0)).mean())),
    ("readout-one-hot-rms", "root mean square", _readout("one_hot", lambda g, w: np.sqrt((w**2).mean(0)))),
    ("readout-one-hot-max", "the columns' largest", _readout("one_hot", lambda g, w: np.abs(w).max(0))),
    ("readout-one-hot-median", "median", _readout("one_hot", lambda g, w: np.median(np.abs(w), 0))),
    ("readout-first-column", "one column stands for the layer",
     _whole_readout("columns", lambda g, w: g.sum((0, 1))[0] * g.shape[2])),
    ("readout-half-precision", "measured in half precision", replaced(global_drift, "readout", _half_precision)),
    ("factor-root", "square root of the ratio", _factor(lambda alpha: np.sqrt(np.abs(alpha)))),
    ("factor-difference", "1 + (now - then) / now", _of_ratios(lambda now, then: 1 + (now - then) / now)),
    ("factor-zero-kept", "0 where nothing is measured now", replaced(global_drift, "drift_factor", _zero_kept)),
    ("factor-of-all", "one ratio of all the sums",
     _of_ratios(lambda now, then: np.full_like(now, now.sum() / then.sum()))),
    ("factor-half-precision", "the factor is stored in half precision",
     _factor(lambda alpha: np.asarray(alpha, np.float16).astype(np.float64))),
    ("compensated-shift", "alpha rounded to a power of two",
     _compensated(lambda w, alpha: w / 2.0 ** np.rint(np.log2(alpha)))),
    ("compensated-enlarges", "divided by alpha only where that enlarges",
     _compensated(lambda w, alpha: w / np.minimum(alpha, 1))),
    ("compensated-linear", "W (2 - alpha)", _compensated(lambda w, alpha: w * (2 - alpha))),
    ("compensated-saturates", "limited to the largest weight before",
     _compensated(lambda w, alpha: np.clip(w / alpha, -np.abs(w).max(), np.abs(w).max()))),
    ("adabs-p-0985", "p = 1 - 0.015", _decay(lambda n: 0.985)),
    ("adabs-p-power", "p = 0.015^n", _decay(lambda n: 0.015**n)),
    ("adabs-p-n-minus-1", "p = 0.015^(1 / (n - 1))", _decay(lambda n: 0.015 ** (1 / max(n - 1, 1)))),
    ("adabs-p-share", "p = 1 - 1 / n", _decay(lambda n: 1 - 1 / n)),
    ("adabs-of-deviations", "standard deviations are averaged",
     _statistics(lambda m, v, bm, bv, p: (_followed(m, bm, p), _followed(np.sqrt(v), np.sqrt(bv), p) ** 2))),
    ("adabs-mixture", "the distance of the means is added to the variance", _statistics(_mixture)),
    ("adabs-corrected", "divided by 1 - p^n, as Adam does", _statistics(_corrected)),
    ("adabs-from-first", "starts from the first mini-batch", _statistics(_from_first)),
    ("adabs-equal-weights", "every mini-batch has equal weight", _statistics(_equal)),
    ("adabs-last", "the last mini-batch only",
     _statistics(lambda m, v, bm, bv, p: (p * m + (1 - p) * bm[-1], p * v + (1 - p) * bv[-1]))),
    ("adabs-variance-faster", "the variance with p^2",
     _statistics(lambda m, v, bm, bv, p: (_followed(m, bm, p), _followed(v, bv, p * p)))),
    ("adabs-geometric", "geometric means of the variances",
     _statistics(lambda m, v, bm, bv, p: (_followed(m, bm, p), np.exp(_followed(np.log(v), np.log(bv), p))))),
    ("adabs-instance", "mean of the images' variances", _layer(lambda x: x.var((2, 3)).mean(0))),
    ("adabs-image-means", "variance of the images' means", _layer(lambda x: x.mean((2, 3)).var(0))),
    ("adabs-epsilon", "epsilon is in the variance", _layer(lambda x: x.var((0, 2, 3)) + 1e-5)),
    ("adabs-half-batch", "half of each mini-batch", changed_inputs("adabs_layer", _first_half)),
]
