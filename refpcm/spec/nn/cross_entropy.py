"""Softmax cross-entropy with label smoothing (Szegedy et al. 2016, section 7)."""

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.elementary import exp, log


def cross_entropy(logits, labels, smoothing=0.0):
    """logits (N, M), integer labels (N,) -> mean loss (float64 scalar), dL/dlogits (N, M). E-22.

        L = -1/N sum_n sum_m q_nm ln p_nm,   q = (1 - smoothing) onehot + smoothing / M,   p = softmax

    computed in float64 whatever the dtype of the logits, with the exp and log of `refpcm.spec.elementary`, whose bits are
    the same on every CPU. dL/dlogits = (p - q) / N.
    Raises RefpcmError for labels outside 0 .. M - 1.
    """
    n, m = logits.shape
    if len(labels) != n or (n and not (0 <= labels.min() and labels.max() < m)):
        raise RefpcmError(f"cross_entropy wants {n} labels in 0 .. {m - 1}")
    z = logits.astype(np.float64)
    z -= z.max(1, keepdims=True)
    log_p = z - log(exp(z).sum(1, keepdims=True))
    q = np.full((n, m), smoothing / m)
    q[np.arange(n), labels] += 1 - smoothing
    return -(q * log_p).sum() / n, ((exp(log_p) - q) / n).astype(logits.dtype)
