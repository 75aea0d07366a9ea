"""Mapping: a weight becomes the conductances of a differential pair, and back.

Joshi et al. 2020, Methods: G_T = W G_max / W_max with W_max = max |W| of the layer; a positive G_T goes to G+, a
negative one as |G_T| to G-; the other device of the pair has target 0 (RESET). R rows = inputs, K columns = outputs.
"""

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.arrays import real_numbers


def largest_weight(weights):
    """Return W_max = max |W| of a matrix (R, K). E-28.

    Raises RefpcmError for an empty matrix, for NaN, infinity and numbers beyond float32, and for what is not real.
    """
    weights = real_numbers(weights, "a matrix")
    if weights.ndim != 2 or weights.size == 0:
        raise RefpcmError(f"a crossbar takes a matrix (inputs, outputs), not an array of shape {weights.shape}")
    w_max = float(np.max(np.abs(weights)))
    if not np.isfinite(w_max):
        raise RefpcmError("a matrix with NaN or infinite weights cannot be programmed; look at the training run")
    if w_max > float(np.finfo(np.float32).max):
        raise RefpcmError(f"a matrix with weights up to {w_max:.3g} is beyond float32 and cannot be read back; scale it")
    return w_max


def to_conductances(weights, w_max, g_max_us):
    """Targets G_T [uS] (2, R, K) of G+ and G- for weights (R, K): max(+-W, 0) / W_max * G_max; all 0 if W_max is 0.

    E-29.
    """
    weights = real_numbers(weights, "a matrix").astype(np.float64)
    if w_max == 0:
        return np.zeros((2,) + weights.shape)
    return np.stack([np.maximum(weights, 0.0), np.maximum(-weights, 0.0)]) / w_max * g_max_us


def to_weights(g_us, w_max, g_max_us):
    """Effective weights (R, K) = (G+ - G-) W_max / G_max of conductances (2, R, K) [uS]. E-30."""
    return (g_us[0] - g_us[1]) * (w_max / g_max_us)
