"""AdaBS, adaptive batch norm statistics (Joshi et al. 2020, Methods F, eq. 4 to 8).

n mini-batches of m training images pass through the drifted network, which normalises with the batch's statistics
meanwhile, and every batch norm's running mean and variance follow: s <- p s + (1 - p) s_batch, p = 0.015^(1/n), the
variance being the biased one. Nothing else changes. CIFAR-10: n = 13, m = 200; ImageNet: n = 26, m = 50. Open (I-11):
which views of the training images; default: those that the network's training showed.
"""

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec import random

REST = 0.015  # weight the trained statistics keep after all n mini-batches
BATCHES, BATCH_SIZE = 13, 200
IMAGENET_BATCHES, IMAGENET_BATCH_SIZE = 26, 50


def decay(batches):
    """p = 0.015^(1/n). Raises RefpcmError unless n is at least 1. E-64."""
    if batches < 1:
        raise RefpcmError(f"AdaBS needs at least one mini-batch, not {batches}")
    return REST ** (1.0 / batches)


def updated(statistic, batch_statistic, p):
    """p statistic + (1 - p) batch_statistic, float64 (C,). E-65."""
    return p * np.asarray(statistic, np.float64) + (1.0 - p) * np.asarray(batch_statistic, np.float64)


def usual_size(imagenet):
    """Return the paper's (n, m), for ImageNet or for CIFAR-10."""
    return (IMAGENET_BATCHES, IMAGENET_BATCH_SIZE) if imagenet else (BATCHES, BATCH_SIZE)


def calibration_images(seed, chip, draw, image_count, batches=BATCHES, batch_size=BATCH_SIZE, generator=random):
    """Return which of the calibration images AdaBS takes: int64 (n, m), all different. E-66.

    generator: `refpcm.spec.random` or `refpcm.fast.random`. Raises RefpcmError if there are not enough images.
    """
    if batches * batch_size > image_count or batch_size < 2:
        raise RefpcmError(f"AdaBS with {batches} mini-batches of {batch_size} images does not fit {image_count} "
                          "calibration images, all different, or a mini-batch has fewer than 2: change their number "
                          "(adabs-batches) or size (adabs-batch-size)")
    order = generator.permutation(seed, chip, random.Purpose.CALIBRATION_SELECTION, 0, draw, image_count)
    return order[:batches * batch_size].reshape(batches, batch_size)


def calibrate(engine, parameters, mini_batches):
    """New parameters whose running statistics follow the mini-batches; all others are the same arrays. E-67.

    engine: `refpcm.spec.engine.Engine` or another with its interface. parameters: of the drifted network.
    mini_batches: a sequence of n arrays (m, C, H, W), normalised.
    Raises RefpcmError for an empty sequence.
    """
    p = decay(len(mini_batches))
    statistics = {}
    for images in mini_batches:
        engine.forward(parameters, images, training=True)
        for norm, batch in engine.statistics.items():
            for name, value in ((f"{norm}.running_mean", batch.mean), (f"{norm}.running_var", batch.variance)):
                statistics[name] = updated(statistics.get(name, parameters[name]), value, p)
    return {**parameters, **{name: value.astype(parameters[name].dtype) for name, value in statistics.items()}}
