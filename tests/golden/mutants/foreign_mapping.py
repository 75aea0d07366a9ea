"""Mistakes in mapping and in the transfer model, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import chosen, device_equations
from refpcm.spec.pcm import mapping, programming
from tests.golden.mutants.replacing import changed_output, replaced

TO_CONDUCTANCES = mapping.to_conductances


def _w_max(largest):
    """Another W_max; weights beyond it saturate: largest(weights (R, K)) -> a number or (R, 1)."""
    def map_weights(inputs, parameters):
        w = np.asarray(inputs["weights"], np.float64)
        w_max = np.where(largest(w) == 0, 1.0, largest(w))
        return {"g_target_us": TO_CONDUCTANCES(np.clip(w / w_max, -1, 1), 1.0, parameters["g_max_us"])}
    return replaced(reference, "map_weights", map_weights)


def _targets(change):
    """Other targets: change(share of W_max with its sign, G_max) -> (G+, G-)."""
    def map_weights(inputs, parameters):
        w = np.asarray(inputs["weights"], np.float64)
        return {"g_target_us": np.stack(change(w / (np.abs(w).max() or 1.0), parameters["g_max_us"]))}
    return replaced(reference, "map_weights", map_weights)


def _balanced(share, g_max_us):
    return g_max_us * (1 + share) / 2, g_max_us * (1 - share) / 2


def _from_g_min(share, g_max_us):
    g_us = 0.1 + np.abs(share) * (g_max_us - 0.1)
    return np.where(share >= 0, g_us, 0.1), np.where(share >= 0, 0.1, g_us)


def _eleven_levels(share, g_max_us):
    levels = np.rint(10 * share) / 10
    return np.maximum(levels, 0) * g_max_us, np.maximum(-levels, 0) * g_max_us


def _three_quarters(share, g_max_us):
    """The idle device is set to minus one third of the other, as if it could make the difference larger."""
    return np.abs(np.where(share > 0, share, share / 3)) * g_max_us, np.abs(
        np.where(share < 0, share, share / 3)
    ) * g_max_us


def _unmapped(change):
    """Other weights: change(g_us, w_max, g_max_us) -> weights."""
    def unmap_weights(inputs, parameters):
        return {"weights": change(inputs["g_us"], parameters["w_max"], parameters["g_max_us"])}
    return [(place, "unmap_weights", unmap_weights) for place in (reference, device_equations)]


def _collapsed(change):
    """Another collapsed pair: change(G+, G-, G_max) -> (G+, G-)."""
    return replaced(
        reference,
        "collapsed_pair",
        lambda inputs, parameters: {"g_us": np.stack(change(*inputs["g_us"], parameters["g_max_us"]))},
    )


def _by_device(plus, minus, g_max_us):
    scale = g_max_us / max(plus.max(), minus.max())
    return np.maximum(plus - minus, 0) * scale, np.maximum(minus - plus, 0) * scale


def _by_side(plus, minus, g_max_us):
    sides = np.maximum(plus - minus, 0), np.maximum(minus - plus, 0)
    return [side * g_max_us / (side.max() or 1.0) for side in sides]


def _keeps_idle(plus, minus, g_max_us):
    scale = g_max_us / np.abs(plus - minus).max()
    return np.where(plus > minus, plus, 0) * scale, np.where(plus > minus, 0, minus) * scale


def _transferred(change):
    """Another transfer model: change(G_T with its sign, sigma, z, G_max) -> G."""
    def transferred(inputs, parameters):
        device, g_us = chosen.device(parameters), inputs["g_target_us"].astype(np.float64)
        sigma_us = programming.programming_sigma_us(np.abs(g_us), device)
        return {"g_us": change(g_us, sigma_us, inputs["z"], device.g_max_us)}
    return replaced(reference, "transferred", transferred)


MUTANTS = [
    ("w-max-signed", "W_max = max W", _w_max(np.max)),
    ("w-max-two-sigma", "W_max = 2 sigma(W), larger weights cut", _w_max(lambda w: 2 * w.std())),
    ("w-max-999", "W_max = 99.9th percentile of |W|, larger weights cut",
     _w_max(lambda w: np.quantile(np.abs(w), 0.999))),
    ("w-max-per-row", "one W_max for each input", _w_max(lambda w: np.abs(w).max(1, keepdims=True))),
    ("map-balanced", "both devices of a pair carry half of the weight about G_max / 2", _targets(_balanced)),
    ("map-g-min", "targets between 0.1 uS and G_max", _targets(_from_g_min)),
    ("map-11-levels", "targets rounded to eleven levels", _targets(_eleven_levels)),
    ("map-three-quarters", "the idle device carries a third of the weight", _targets(_three_quarters)),
    ("unmap-by-largest", "divided by the largest conductance read instead of G_max",
     _unmapped(lambda g_us, w_max, g_max_us: (g_us[0] - g_us[1]) * (w_max / g_us.max()))),
    ("unmap-clipped", "weights limited to +-W_max after the read",
     _unmapped(lambda g_us, w_max, g_max_us: np.clip((g_us[0] - g_us[1]) * (w_max / g_max_us), -w_max, w_max))),
    ("unmap-magnitude", "the sign is lost where G- carries it", changed_output("unmap_weights", "weights", np.abs)),
    ("collapse-by-device", "the pair stretched by the largest device, not by the largest net", _collapsed(_by_device)),
    ("collapse-by-side", "G+ and G- stretched each by its own largest", _collapsed(_by_side)),
    ("collapse-keeps-larger", "the smaller device is dropped, not subtracted", _collapsed(_keeps_idle)),
    ("transfer-flat", "sigma = 3.8 % of G_max for all targets",
     _transferred(lambda g, sigma, z, g_max: g + 0.0377 * g_max * z)),
    ("transfer-saturates", "conductances limited to +-G_max",
     _transferred(lambda g, sigma, z, g_max: np.clip(g + sigma * z, -g_max, g_max))),
    ("transfer-towards-sign", "z is taken in the direction of the weight",
     _transferred(lambda g, sigma, z, g_max: g + sigma * z * np.where(g < 0, -1, 1))),
]
