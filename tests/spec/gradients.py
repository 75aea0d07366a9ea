"""Gradients against differences, one number of a whole network after the other."""

import numpy as np


def assert_numeric(gradients, targets, loss):
    """Each gradient {name: array} is the central difference of loss() over targets {name: array}, which loss() reads."""
    for name, gradient in gradients.items():
        target, numeric = targets[name], np.empty_like(gradient)
        for index in np.ndindex(target.shape):
            kept, step = target[index], 1e-6
            target[index] = kept + step
            above = loss()
            target[index] = kept - step
            numeric[index] = (above - loss()) / (2 * step)
            target[index] = kept
        assert np.abs(numeric - gradient).max() < 1e-8, name
