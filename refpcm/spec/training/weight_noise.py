"""Noise on the weights of the forward pass (Joshi et al. 2020, Methods C): what makes a network bear PCM.

A crossbar layer's weights are its weight tensor and, of the linear layer, its biases too, since they sit on the same
crossbar (I-1). W_max is the largest magnitude among them. Noise is drawn once a mini-batch (I-23); once an image
in `image_noise`.
"""

import numpy as np

from refpcm.spec import random
from refpcm.spec.crossbars import analog_layers
from refpcm.spec.resnet import crossbar_layers


def weight_noise(w, w_max, eta, z):
    """Return w + eta W_max z: additive noise, which is independent of the weight's value. E-71.

    w, z of one shape; eta = eta_tr, a fraction of W_max; z standard normal. The paper: eta_tr = 3.8 % for PCM.
    """
    return w + w.dtype.type(eta * w_max) * z


def w_max_of(parts):
    """Return W_max of a layer, the largest magnitude in its arrays of weights. E-28."""
    return max(float(np.abs(part).max()) for part in parts)


def layers_with_noise(network, which):
    """Return {name: number among the crossbar layers} of those with noise: "all" or "inner", as `analog_layers` has them."""
    return {layer.name: number for number, layer in analog_layers(network, which)}


def layer_parts(network, parameters):
    """Return [(number among the crossbar layers, [names of its parameters])] in signal order."""
    return [(number, [name for part in ("weight", "bias") if (name := f"{layer.name}.{part}") in parameters])
            for number, layer in enumerate(crossbar_layers(network))]


def change_layers(network, parameters, change):
    """Return parameters with change(number, weights (n,)) in place of every crossbar layer's weights; others as they are.

    weights: all of the layer in one array, biases last; `number` among the crossbar layers.
    """
    changed = dict(parameters)
    for number, names in layer_parts(network, parameters):
        parts = [parameters[name] for name in names]
        weights = change(number, np.concatenate([part.ravel() for part in parts]))
        for name, part, new in zip(names, parts, np.split(weights, np.cumsum([part.size for part in parts])[:-1])):
            changed[name] = new.reshape(part.shape)
    return changed


def noisy_parameters(network, parameters, eta, seed, step, purpose=random.Purpose.WEIGHT_NOISE):
    """Return parameters whose crossbar weights carry fresh noise; all others are the same arrays. E-71.

    Addressed by (seed, purpose, layer, step, position in the weight tensor; biases follow the weights).
    """
    noisy = dict(parameters)
    for number, names in layer_parts(network, parameters):
        sizes = [parameters[name].size for name in names]
        z = random.normals(seed, 0, purpose, number, step, 0, sum(sizes), np.float32)
        w_max = w_max_of([parameters[name] for name in names])
        for name, part in zip(names, np.split(z, np.cumsum(sizes)[:-1])):
            w = parameters[name]
            noisy[name] = weight_noise(w, w_max, eta, part.reshape(w.shape))
    return noisy
