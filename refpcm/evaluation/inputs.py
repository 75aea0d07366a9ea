"""What the units of an evaluation share: network, data and engines, loaded once and handed on."""

import hashlib
import threading

import numpy as np

from refpcm.datasets.dataset import in_another_order
from refpcm.errors import RefpcmError
from refpcm.evaluation.prediction import largest, predict

BATCH = 256  # test images at a time; those that see the same read with read_noise "per_batch"


class Inputs:
    """Network (file: NetworkFile), data (Dataset), forms (Forms), and an engine for each thread of this process.

    Raises RefpcmError for files that cannot be read and for data that do not fit the network.
    """

    def __init__(self, network_path, data_path, kernels):
        from refpcm.datasets import load
        from refpcm.files.network_file import load_network
        from refpcm.forms import find_forms
        self.file, self.data, self.forms = load_network(network_path), load(data_path), find_forms(kernels)
        shape, classes = self.file.network.input_shape, self.file.network.classes
        if self.data.test_images.shape[1:] != shape or len(self.data.classes) != classes:
            raise RefpcmError(f"{network_path} wants images {shape} in {classes} classes; {self.data.name} has images "
                              f"{self.data.test_images.shape[1:]} in {len(self.data.classes)}: choose other data")
        _check_classes(network_path, self.file.classes, self.data)
        self._own = threading.local()
        self._own.engine = self.forms.make_engine(self.file.network)

    @property
    def engine(self):
        """The calling thread's engine: the buffers of an engine serve one thread at a time."""
        if not hasattr(self._own, "engine"):
            self._own.engine = self.forms.make_engine(self.file.network)
        return self._own.engine

    def normalised(self, images):
        """Return images (N, C, H, W) uint8 as float32, by the mean and std that the network was trained with."""
        return self.forms.normalised(images, self.file.mean, self.file.std)

    def count_correct(self, parameters, images=None, begin=0, engine=None):
        """Return how many of the test images begin .. images - 1 the parameters recognise; see `recognised`."""
        return int(self.recognised(parameters, images, begin, engine).sum())

    def count_correct_each(self, variants, images=None):
        """Return [how many of the first `images` test images] every parameters of `variants` recognise.

        They share the layers before their first difference from variants[0] (`Engine.forward_each`).
        """
        end, counts = self.image_count(images), np.zeros(len(variants), np.int64)
        for first in range(0, end, BATCH):
            chosen = slice(first, min(first + BATCH, end))
            batch = self.normalised(self.data.test_images[chosen])
            for i, logits in enumerate(self.engine.forward_each(variants, batch)):
                counts[i] += np.count_nonzero(largest(logits) == self.data.test_labels[chosen])
        return counts.tolist()

    def recognised(self, parameters, images=None, begin=0, engine=None):
        """Return which of the test images begin .. images - 1 (None: all) the parameters recognise, bool (N,).

        engine: another than the thread's own, such as one on tiles. Raises RefpcmError for outputs that are not
        finite.
        """
        return self.predicted(parameters, images, begin, engine) == self.data.test_labels[begin:self.image_count(images)]

    def predicted(self, parameters, images=None, begin=0, engine=None):
        """Return the class of each of the test images begin .. images - 1, int64 (N,); see `recognised`."""
        end, found = self.image_count(images), []
        for first in range(begin, end, BATCH):  # so that no more than a batch of a large set is decoded
            found.append(predict(self.forms, engine or self.engine, parameters,
                                 self.data.test_images[first:min(first + BATCH, end)], self.file.mean, self.file.std))
        return np.concatenate(found)

    def calibration_images(self, source):
        """Images (N, C, H, W) uint8 that AdaBS and converter ranges may use.

        source: "test" on request, anything else: training images.

        Raises RefpcmError if there are none.
        """
        images = self.data.test_images if source == "test" else self.data.train_images
        if not len(images):
            raise RefpcmError(f"{self.data.name} has no training images to calibrate with; name data that has, or "
                              "choose calibration test (--calibration test), which lets the test images be seen before "
                              "the test")
        return images

    def image_count(self, images=None):
        """Number of test images if only the first `images` are wanted; None: all. Raises RefpcmError for none."""
        if images is not None and images < 1:
            raise RefpcmError(f"the number of test images (--images) must be at least 1, not {images}")
        if not len(self.data.test_labels):
            raise RefpcmError(f"{self.data.name} has no test images; choose other data")
        return len(self.data.test_labels[:images])

    def digest(self, *arrays):
        """A SHA-256, to be gone on with, of the network's parameters and these arrays of the data."""
        digest = hashlib.sha256()
        for name in sorted(self.file.parameters):
            digest.update(name.encode() + self.file.parameters[name].tobytes())
        for array in arrays:
            digest.update(array.tobytes())
        return digest


def _check_classes(path, known, data):
    """Raises RefpcmError if classes that the network and the data share stand in another order, or if they share none."""
    if known == data.classes or known == tuple(f"class {i}" for i in range(len(known))):
        return
    names = f"{path} knows the classes {', '.join(known[:3])}, ...; {data.name} has {', '.join(data.classes[:3])}, ..."
    if in_another_order(known, data.classes):
        raise RefpcmError(f"{names}: those of the same name in another order; prepare the data in the network's order")
    if not set(known) & set(data.classes):
        raise RefpcmError(f"{names}: choose the network's data with --data, or give the network its right names "
                          "(refpcm.convert --classes)")


def load_inputs(protocol):
    """Return the Inputs that a protocol (its network, data and kernels) names. Raises as Inputs."""
    return Inputs(protocol.network, protocol.data, protocol.kernels)
