"""Averaging of weights: the mean over the last steps of a run instead of the last of them (Izmailov et al. 2018).

SGD at a learning rate that is not small circles about a good point; the mean lies nearer to it, in a flatter place.
Izmailov et al. (arXiv 1803.05407, algorithm 1) take a weight vector an epoch; here every step counts, all alike.
"""

import numpy as np


def averaged_steps(config, per_epoch, total):
    """Return how many of the last of `total` steps are averaged."""
    return min(total, round(config.average_epochs * per_epoch))


def include(average, parameters, count):
    """Make `average` {learned parameter: float64} the mean of `count` members, of which `parameters` is the last. E-86.

    average changes in place; with count = 1 it is what `parameters` holds of the same names.
    """
    for name, mean in average.items():
        mean += (parameters[name] - mean) / count


def empty_average(velocity):
    """Return a mean of no members, for all learned parameters (those that have a velocity)."""
    return {name: np.zeros(value.shape) for name, value in velocity.items()}
