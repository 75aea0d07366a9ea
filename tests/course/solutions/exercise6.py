"""Exercise 6: noise and clipping of a layer's weights in training."""

import numpy as np


def weight_noise(inputs, parameters):
    weights = inputs["weights"]
    return {"noisy": weights + parameters["eta"] * np.abs(weights).max() * inputs["z"]}


def clipped_weights(inputs, parameters):
    bound = parameters["alpha"] * inputs["weights"].std()
    return {"clipped": inputs["weights"].clip(-bound, bound)}
