"""Noise that differs from image to image of a batch: on what enters or leaves the crossbars (I-12), or on their weights (I-23).

Joshi et al. 2020 compare the first with noise on the weights that all images of a batch share. Which number meets what is
addressed by the image's place in the batch and the element's in the image, or in the weights, so it depends on no memory
layout.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from refpcm.spec import random
from refpcm.spec.resnet import crossbar_layers
from refpcm.spec.training.config import PER_IMAGE
from refpcm.spec.training.weight_noise import w_max_of, weight_noise

PURPOSE = {"inputs": random.Purpose.ACTIVATION_NOISE, "pre-activations": random.Purpose.PREACTIVATION_NOISE,
           PER_IMAGE: random.Purpose.WEIGHT_NOISE}


@dataclass(frozen=True)
class ActivationNoise:
    """The noise of one training step, as `refpcm.spec.network.forward` and the fast engine take it.

    place: "inputs" or "pre-activations" of every crossbar layer, or PER_IMAGE, its weights anew for each image; eta:
    standard deviation over the largest magnitude (nn.noise.add_noise, weight_noise); numbers: {crossbar layer with noise:
    its number}; generator: `refpcm.spec.random` or `refpcm.fast.random`.
    """
    place: str
    eta: float
    numbers: dict
    seed: int
    step: int
    generator: object = random

    def normals(self, name, shape):
        """Standard normals, float32, for layer `name`'s input, output or weights: (N, ...)."""
        return self.generator.normals(self.seed, 0, PURPOSE[self.place], self.numbers[name], self.step, 0, prod(shape),
                                      np.float32).reshape(shape)

    def weights_of_images(self, name, parts, images):
        """Yield for each of `images` images the arrays `parts`, all weights of layer `name`, with noise of its own."""
        w_max, sizes = w_max_of(parts), [part.size for part in parts]
        for z in self.normals(name, (images, sum(sizes))):
            yield [weight_noise(w, w_max, self.eta, own.reshape(w.shape))
                   for w, own in zip(parts, np.split(z, np.cumsum(sizes)[:-1]))]


def activation_noise(config, network, step, generator=random):
    """The noise of a step that `config` wants image by image; None if it wants none of that kind."""
    if not config.weight_noise or config.noise_kind not in PURPOSE:
        return None
    layers = list(enumerate(crossbar_layers(network)))
    numbers = {layer.name: number for number, layer in (layers[1:-1] if config.noise_layers == "inner" else layers)}
    return ActivationNoise(config.noise_kind, config.weight_noise, numbers, config.seed, step, generator)
