"""How much the loss is expected to grow through the weight errors of one layer, to second order.

    estimate = 1/2 sum_i F_i dW_i^2          F_i = 1/N sum_n (dL_n / dW_i)^2

L_n: cross-entropy of calibration image n; dW: weights of the layer on the chip minus those wanted. F, the diagonal of the
empirical Fisher information, stands in for the second derivatives of L, and the first derivatives are left out, since at
the end of training their mean is near zero. The gradients are those of the handwritten backward pass, one image at a
time, batch norm with its running statistics. The estimate has the unit of the loss (nats), not points of accuracy.
"""

from functools import lru_cache

import numpy as np

from refpcm.evaluation.calibration import random_rows
from refpcm.spec.crossbars import to_matrices
from refpcm.spec.nn import cross_entropy

IMAGES = 128  # calibration images whose gradients are taken
DRAW = 2 ** 32 - 2  # draw of the calibration images, in the address of their choice


def squared_gradients(inputs, protocol):
    """Return {layer: F (R, K)} float64 of the layers on the chip, from calibration images of the protocol.

    Kept between units of the same inputs. Raises RefpcmError for data without calibration images.
    """
    return _squared_gradients(inputs, protocol.seed, protocol.calibration == "test", protocol.on_chip)


@lru_cache(maxsize=1)
def _squared_gradients(inputs, seed, on_test_images, on_chip):
    network, parameters = inputs.file.network, inputs.file.parameters
    images = inputs.calibration_images("test" if on_test_images else "train")
    labels = inputs.data.test_labels if on_test_images else inputs.data.train_labels
    count = min(IMAGES, len(images))
    chosen = random_rows(images, count, seed, DRAW, inputs.forms.random)
    sums = {}
    for row in chosen:
        logits = inputs.engine.forward(parameters, inputs.normalised(images[row:row + 1]), training=True, frozen=True)
        _, dlogits = cross_entropy(logits, labels[row:row + 1])
        for name, matrix in to_matrices(network, inputs.engine.backward(parameters, dlogits), on_chip).items():
            sums[name] = sums.get(name, 0.0) + np.square(matrix.astype(np.float64))
    return {name: total / count for name, total in sums.items()}


def second_order(inputs, on_chip, matrices, squared):
    """Return {layer: estimate} for weights {layer: (R, K)} of a chip; squared: of `squared_gradients`."""
    wanted = to_matrices(inputs.file.network, inputs.file.parameters, on_chip)
    return {name: float(0.5 * np.sum(squared[name] * np.square(matrix.astype(np.float64) - wanted[name])))
            for name, matrix in matrices.items()}
