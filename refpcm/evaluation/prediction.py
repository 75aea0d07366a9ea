"""Which class a network says each image shows."""

import numpy as np

from refpcm.errors import RefpcmError


def predict(forms, engine, parameters, images, mean, std, batch_size=256):
    """Return the class of each image (N, C, H, W) uint8, int64 (N,), with the running statistics.

    Raises RefpcmError if an output of the network is not finite: the largest would be no answer.
    """
    classes = np.empty(len(images), np.int64)
    for begin in range(0, len(images), batch_size):
        part = images[begin:begin + batch_size]
        classes[begin:begin + batch_size] = largest(engine.forward(parameters, forms.normalised(part, mean, std)))
    return classes


def largest(logits):
    """Return the class with the largest of the logits (N, classes) of each image. Raises RefpcmError as `predict`."""
    if not np.isfinite(logits).all():
        raise RefpcmError("the network's outputs are not finite: weights or running statistics are too large "
                          "for its arithmetic, so no class can be told")
    return logits.argmax(1)


def accuracy(forms, engine, parameters, dataset):
    """Return the share of dataset.test_images that are right, and their number."""
    predicted = predict(forms, engine, parameters, dataset.test_images, dataset.mean, dataset.std)
    correct = int((predicted == dataset.test_labels).sum())
    return correct / len(predicted), correct
