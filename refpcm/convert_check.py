"""Whether a converted network recognises images, and which of two placements of option A's zeros it was trained with."""

from dataclasses import replace
from math import sqrt

import numpy as np

from data_tools.foreign_text import shown
from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.evaluation.prediction import predict
from refpcm.forms import find_forms
from refpcm.spec.resnet import other_placement

IMAGES = 500  # test images, spread evenly over the test set; their standard error is at most 2.2 percentage points


def checked(network_file, folder, may_choose):
    """(NetworkFile, list of sentences) after a try on test images of the prepared folder or ImageNet index `folder`.

    With option A both placements are tried; the better one is returned if `may_choose`, else named in a warning.
    Raises RefpcmError for images or classes that are not the network's.
    """
    images, labels, data = test_images(network_file.network, folder)
    other = other_placement(network_file.network)
    tried = [network_file] + ([replace(network_file, network=other)] if other else [])
    shares = [share_right(candidate, images, labels) for candidate in tried]
    said = " and ".join(f"{100 * share:.1f} % with {candidate.network.architecture}"
                        for share, candidate in zip(shares, tried))
    notes = [f"of {len(images)} test images of {data} are recognised {said}"]
    best = tried[int(np.argmax(shares))]
    if max(shares) < guessing(network_file.network.classes, len(images)):
        notes.append("warning: that is near guessing; check --mean and --std, the order of the classes, and that the data "
                     "are those of the network")
    elif best is not network_file and may_choose:
        notes.append(f"{best.network.architecture} was taken, which fits better")
        network_file = best
    elif best is not network_file:
        notes.append(f"warning: {best.network.architecture} fits better; choose it with --architecture")
    return network_file, notes


def test_images(network, folder):
    """(images (N, C, H, W) uint8, labels (N,), name of the data): IMAGES of the test set, or all if it has fewer.

    Raises RefpcmError if there are none, or of another shape or number of classes than the network's.
    """
    data = load(folder)
    name, count = shown(data.name), len(data.test_labels)
    if data.test_images.shape[1:] != network.input_shape or len(data.classes) != network.classes or not count:
        raise RefpcmError(f"--check {folder}: the network wants images {network.input_shape} in {network.classes} classes; "
                          f"{name} has {count} test images {tuple(data.test_images.shape[1:])} in {len(data.classes)}: "
                          "choose other data")
    rows = np.unique(np.linspace(0, count - 1, IMAGES).astype(np.int64))
    return data.test_images[rows], data.test_labels[rows], name


def share_right(network_file, images, labels):
    """The share of images that the network recognises; 0 if its outputs are not finite, as of a wrong reading."""
    forms = find_forms("winograd")
    engine = forms.make_engine(network_file.network)
    parameters = {name: np.asarray(value, np.float32) for name, value in network_file.parameters.items()}
    try:
        predicted = predict(forms, engine, parameters, images, network_file.mean, network_file.std)
    except RefpcmError:
        return 0.0
    return float((predicted == labels).mean())


def guessing(classes, images):
    """The share below which a network may be guessing: that of one class and five standard errors, at most 1."""
    share = 1 / classes
    return min(1.0, share + 5 * sqrt(share * (1 - share) / images))
