"""Noise that differs from image to image of a batch: on what enters or leaves the crossbars (I-12), or on their weights (I-23).

Joshi et al. 2020 compare the first with noise on the weights that all images of a batch share. Which number meets what is
addressed by the image's place in the batch and the element's in the image, or in the weights, so it depends on no memory
layout.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from refpcm.spec import random
from refpcm.spec.training.config import PER_IMAGE
from refpcm.spec.training.weight_noise import layers_with_noise, w_max_of, weight_noise

PLACE = {"inputs": "inputs", "pre-activations": "pre-activations", PER_IMAGE: "weights"}  # of a kind of noise
PURPOSE = {"inputs": random.Purpose.ACTIVATION_NOISE, "pre-activations": random.Purpose.PREACTIVATION_NOISE,
           "weights": random.Purpose.WEIGHT_NOISE}


@dataclass(frozen=True)
class ImageNoise:
    """The noise of one training step, as `refpcm.spec.network.forward` and the fast engine take it.

    place: "inputs" or "pre-activations" of every crossbar layer, or its "weights", anew for each image; eta: standard
    deviation over the largest magnitude (nn.noise.add_noise, weight_noise); numbers: {crossbar layer with noise: its number};
    generator: `refpcm.spec.random` or `refpcm.fast.random`.
    """
    place: str
    eta: float
    numbers: dict
    seed: int
    step: int
    generator: object = random

    def normals(self, name, shape, first=0):
        """Return float32 standard normals (N, ...) for layer `name`'s input, output or weights, from image `first` on."""
        return self.generator.normals(self.seed, 0, PURPOSE[self.place], self.numbers[name], self.step, first * prod(shape[1:]),
                                      prod(shape), np.float32).reshape(shape)

    def weights_of_images(self, name, parts, images):
        """Yield for each of `images` images the arrays `parts`, all weights of layer `name`, with noise of its own."""
        w_max, sizes = w_max_of(parts), [part.size for part in parts]
        for image in range(images):
            z = np.split(self.normals(name, (1, sum(sizes)), image)[0], np.cumsum(sizes)[:-1])
            yield [weight_noise(w, w_max, self.eta, own.reshape(w.shape)) for w, own in zip(parts, z)]


def image_noise(config, network, step, generator=random):
    """Return the noise of a step that `config` wants image by image; None if it wants none of that kind."""
    if not config.weight_noise or config.noise_kind not in PLACE:
        return None
    numbers = layers_with_noise(network, config.noise_layers)
    return ImageNoise(PLACE[config.noise_kind], config.weight_noise, numbers, config.seed, step, generator)
