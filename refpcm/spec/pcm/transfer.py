"""The paper's transfer model (Joshi et al. 2020, Results C, Fig. 3c, d): one Gaussian error a weight, and nothing else.

    G = G_T + sigma(|G_T|) z        sigma: the fit of Fig. 3b, measured about 25 s after programming

There is no second device, no drift, no read noise and no cut at zero: sigma holds all that happens until then. The pair of
devices only carries the sign: the error goes to the device with the target, of a weight of zero to G+.
"""

import numpy as np

from refpcm.spec.pcm.programming import programming_sigma_us


def transferred_us(g_target_us, z, device):
    """Return the conductances (2, R, K) [uS] after transfer; the other device of a pair is exactly 0. E-39.

    g_target_us: (2, R, K) [uS], G+ then G-; z: standard normal, of the same shape.
    """
    carries = g_target_us > 0
    carries[0] |= ~carries.any(0)
    return np.where(carries, g_target_us + programming_sigma_us(g_target_us, device) * z, 0.0)
