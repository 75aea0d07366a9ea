"""What changes the weights in a training step, as one object: the specification's functions, or faster ones."""

from dataclasses import dataclass
from typing import Any, Callable

from refpcm.spec import random
from refpcm.spec.training import clipping, sgd, weight_noise, weight_noise_kinds


@dataclass(frozen=True)
class Rules:
    """Functions with the signatures of the specification's; all sets of rules give the same bits.

    generator: `refpcm.spec.random` or `refpcm.fast.random`.
    """
    generator: Any = random
    noisy_parameters: Callable = weight_noise.noisy_parameters
    multiplicative_parameters: Callable = weight_noise_kinds.multiplicative_parameters
    update: Callable = sgd.update
    clip_parameters: Callable = clipping.clip_parameters


SPECIFICATION = Rules()
