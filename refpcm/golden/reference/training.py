"""Rules of training that act on one array of weights: noise and clipping (L1), the step of SGD (L2)."""

import numpy as np

from refpcm.spec.training import clipping, sgd
from refpcm.spec.training import weight_noise as noise


def weight_noise(inputs, parameters):
    """weights, z of one shape, z standard normal; eta -> noisy = W + eta max |W| z (Joshi et al. 2020, Methods)."""
    w = inputs["weights"]
    return {"noisy": noise.weight_noise(w, float(np.abs(w).max()), parameters["eta"], inputs["z"])}


def clipped_weights(inputs, parameters):
    """weights of a layer, any shape; alpha -> clipped to +-alpha sigma(W), the population standard deviation (I-3)."""
    w = inputs["weights"]
    return {"clipped": clipping.clip(w, clipping.clip_bound([w], parameters["alpha"]))}


def sgd_step(inputs, parameters):
    """w, gradient, velocity of one shape; lr, momentum, weight_decay -> w, velocity after one step, as in PyTorch.

    d = dL/dw + weight_decay w; v <- momentum v + d; w <- w - lr (d + momentum v) by the rule "nesterov", else w - lr v.
    """
    w, velocity = inputs["w"].copy(), inputs["velocity"].copy()
    sgd.sgd_step(w, inputs["gradient"], velocity, parameters["lr"], parameters["momentum"],
                 parameters["rule"] == "nesterov", parameters["weight_decay"])
    return {"w": w, "velocity": velocity}
