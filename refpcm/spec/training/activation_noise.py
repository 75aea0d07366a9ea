"""Noise on what enters or leaves the crossbars during training, instead of noise on their weights (I-12).

Compared in Joshi et al. 2020 with noise on the weights. Which number meets which activation is addressed by the
image's place in the batch and the element's in the image, so it depends on no memory layout.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from refpcm.spec import random
from refpcm.spec.resnet import crossbar_layers

PURPOSE = {"inputs": random.Purpose.ACTIVATION_NOISE, "pre-activations": random.Purpose.PREACTIVATION_NOISE}


@dataclass(frozen=True)
class ActivationNoise:
    """The noise of one training step, as `refpcm.spec.network.forward` and the fast engine take it.

    place: "inputs" or "pre-activations" of every crossbar layer; eta: standard deviation over the largest magnitude
    (nn.noise.add_noise); numbers: {crossbar layer name: its number}; generator: `refpcm.spec.random` or
    `refpcm.fast.random`.
    """
    place: str
    eta: float
    numbers: dict
    seed: int
    step: int
    generator: object = random

    def normals(self, name, shape):
        """Standard normals, float32, for layer `name`'s input or output: (N, C, H, W), or (N, features)."""
        return self.generator.normals(self.seed, 0, PURPOSE[self.place], self.numbers[name], self.step, 0, prod(shape),
                                      np.float32).reshape(shape)


def activation_noise(config, network, step, generator=random):
    """The noise that `config` wants on the activations of a step; None if it wants none there."""
    if not config.weight_noise or config.noise_kind not in PURPOSE:
        return None
    numbers = {layer.name: number for number, layer in enumerate(crossbar_layers(network))}
    return ActivationNoise(config.noise_kind, config.weight_noise, numbers, config.seed, step, generator)
