"""Clipping of the weights after every update (Joshi et al. 2020, Methods C and D): no outlier may set W_max alone."""

import numpy as np

from refpcm.spec.training.weight_noise import layer_parts


def clip_bound(weights, alpha):
    """Return alpha sigma(W), sigma the population standard deviation of the clean weights at this moment (I-3), float64. E-74.

    weights: the arrays of one layer. alpha: the paper's 2.0 for CIFAR-10, 2.5 for ImageNet.
    """
    return alpha * float(np.std(np.concatenate([w.ravel() for w in weights]), dtype=np.float64))


def clip(w, bound):
    """Return w limited to -bound .. bound. E-75."""
    return np.clip(w, w.dtype.type(-bound), w.dtype.type(bound))


def clip_parameters(network, parameters, alpha):
    """Clip every crossbar layer's weights in place; of the linear layer the biases too, which share its crossbar."""
    for _, names in layer_parts(network, parameters):
        bound = clip_bound([parameters[name] for name in names], alpha)
        for name in names:
            parameters[name][...] = clip(parameters[name], bound)
