"""Other noise on the weights than additive one: multiplicative, as the paper compares, and state-dependent (I-14), ours.

As there, the gradient goes to the clean weights as it is (I-13): no derivative of the noise itself, which would be
1 + eta z for the multiplicative kind.
"""

import numpy as np

from refpcm.spec import random
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.pcm.mapping import to_conductances, to_weights
from refpcm.spec.pcm.programming import programmed_us
from refpcm.spec.training.weight_noise import change_layers, w_max_of


def multiplicative_noise(w, eta, z):
    """Return w (1 + eta z): w, z of one shape, z standard normal. E-72."""
    return w * (1 + w.dtype.type(eta) * z)


def state_dependent_noise(w, w_max, scale, z, device=JOSHI2020):
    """Return the weights as they would be right after programming them on PCM (I-14), before drift and read noise. E-73.

    w (any shape) becomes the pair of targets G+, G- of refpcm.spec.pcm.mapping; each becomes max(G_T + scale sigma z, 0)
    with sigma the polynomial of refpcm.spec.pcm.programming, the idle (RESET) device too (I-5); their difference is the
    weight. z (2, *w.shape) standard normal, float64. scale 1: the device itself.
    """
    g_us = to_conductances(w, w_max, device.g_max_us)
    return to_weights(programmed_us(g_us, scale * z, device), w_max, device.g_max_us).astype(w.dtype)


def multiplicative_parameters(network, parameters, eta, seed, step):
    """Return parameters with multiplicative noise on the crossbar weights; addressed like weight_noise.noisy_parameters."""
    def noisy(number, weights):
        return multiplicative_noise(weights, eta, random.normals(seed, 0, random.Purpose.WEIGHT_NOISE, number, step, 0,
                                                              weights.size, np.float32))
    return change_layers(network, parameters, noisy)


def programmed_parameters(network, parameters, scale, seed, step, generator=random):
    """Return the parameters with state-dependent noise on the crossbar weights.

    Addressed by (seed, PROGRAMMING_NOISE, layer, step, weight) for G+, for G- by the number of weights more. generator:
    `refpcm.spec.random` or `refpcm.fast.random`.
    """
    def noisy(number, weights):
        z = generator.normals(seed, 0, random.Purpose.PROGRAMMING_NOISE, number, step, 0, 2 * weights.size)
        return state_dependent_noise(weights, w_max_of([weights]), scale, z.reshape(2, -1))
    return change_layers(network, parameters, noisy)
