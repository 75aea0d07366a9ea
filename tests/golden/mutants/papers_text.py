"""Readings that the paper's text excludes: transfer, AdaBS's variance, converters' ranges."""

import numpy as np

from refpcm.golden.reference import chosen
from refpcm.spec import nn
from refpcm.spec.compensation import adabs
from refpcm.spec.pcm import programming, tile, transfer
from tests.golden.mutants.replacing import changed_inputs, changed_output, parameter, replaced


def _sigma_at_the_sign(g_us, z, device):
    """sigma at G_T with its sign: the net is put together, and taken apart again."""
    net, noise = g_us[0] - g_us[1], np.where(g_us[1] > 0, -z[1], z[0])
    net = net + programming.programming_sigma_us(net, device) * noise
    return np.stack([net, 0 * net])


def _both_devices(g_us, z, device):
    """An error for each device of the pair; that of G- is the other's, turned round in the order of the array."""
    found = g_us + programming.programming_sigma_us(g_us, device) * np.stack([z[0], z[0][::-1]])
    return found


def _unbiased(x, gamma, beta, original=nn.batch_norm_training):
    out, statistics, cache = original(x, gamma, beta)
    return out, statistics._replace(variance=statistics.variance * statistics.count / (statistics.count - 1)), cache


def _mean_of_squares(x, gamma, beta, original=nn.batch_norm_training):
    out, statistics, cache = original(x, gamma, beta)
    return out, statistics._replace(variance=statistics.variance + statistics.mean ** 2), cache


class _Ranked(tile.Tail):
    """The nearest rank instead of a place between two."""

    def quantile(self):
        return float(np.sort(self.largest)[0])


class _Signed(tile.Tail):
    """The quantile of x instead of |x|."""

    def add(self, values):
        super().add(np.maximum(values, 0))


class _Positive(tile.Tail):
    """No way out where the quantile is 0."""

    def quantile(self):
        ordered = np.sort(self.largest)
        return float(ordered[0] + (ordered[min(1, len(ordered) - 1)] - ordered[0]) * (self.position - int(self.position)))


MUTANTS = [
    ("transfer-cut", "transfer cut at zero", replaced(transfer, "transferred_us", lambda g, z, device, original=transfer.transferred_us:
                                                      np.maximum(original(g, z, device), 0))),
    ("transfer-signed-sigma", "sigma of transfer at the signed target", replaced(transfer, "transferred_us", _sigma_at_the_sign)),
    ("transfer-two-devices", "an error for both devices of a pair", replaced(transfer, "transferred_us", _both_devices)),
    ("transfer-other-fit", "transfer with the error of joshi2020",
     replaced(chosen, "device", lambda parameters, original=chosen.device: original({**parameters, "device": "joshi2020"}))),
    ("adabs-unbiased", "AdaBS with the unbiased variance", replaced(nn, "batch_norm_training", _unbiased)),
    ("adabs-mean-of-squares", "mean of squares for the variance", replaced(nn, "batch_norm_training", _mean_of_squares)),
    ("adabs-p-of-others", "p = 0.1 as in training", replaced(adabs, "decay", lambda batches: 0.9)),
    ("range-largest", "range of a converter: the largest", changed_inputs("converter_range", parameter("quantile", 1.0))),
    ("range-995", "99.5th for 99.995th percentile",
     changed_inputs("converter_range", lambda inputs, p: p.update(quantile=min(p["quantile"], 0.995)))),
    ("range-nearest-rank", "quantile by nearest rank", replaced(tile, "Tail", _Ranked)),
    ("range-signed", "quantile of x for |x|", replaced(tile, "Tail", _Signed)),
    ("range-zero", "a range of 0 where most inputs are 0", replaced(tile, "Tail", _Positive)),
    ("range-doubled", "the range from -r to r taken for its width", changed_output("converter_range", "range", lambda r: r * 2)),
]
