"""The switch between the specification and the fast forms: everything that has both is asked for here.

`find_forms("numpy")` runs all of it, network, chips, tiles, updates and augmentation, on `refpcm.spec`. The fast forms are
loaded when they are first asked for, since importing Numba takes a while.
"""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Callable

from refpcm.errors import RefpcmError
from refpcm.spec.training.augmentation import no_moves
from refpcm.spec.training.config import KERNELS
from refpcm.spec.training.rules import Rules


@dataclass(frozen=True)
class Forms:
    """One form of everything, under the names and signatures of the specification.

    random: words, uniforms, normals, permutation of `refpcm.spec.random`. chip: program, read, read_conductances of
    `refpcm.spec.pcm.chip`. rules: what changes weights in training. transform_images: of
    `refpcm.spec.training.augmentation`. convolve: conv2d_forward of `refpcm.spec.nn`, of both fast forms the same.
    make_engine(network): an object with the methods of `refpcm.spec.engine.Engine`; make_engine_on_tiles(network, analog):
    one with its forward pass alone.
    """
    kernels: str
    random: Any
    chip: Any
    rules: Rules
    transform_images: Callable
    convolve: Callable
    make_engine: Callable
    make_engine_on_tiles: Callable

    def normalised(self, images, mean, std):
        """Return images (N, C, H, W) uint8 as float32, (x / 255 - mean) / std channel by channel."""
        return self.transform_images(images, no_moves(len(images)), 0, mean, std)


@lru_cache
def find_forms(kernels):
    """Return the Forms by name: winograd, direct (smaller rounding errors) or numpy, the specification.

    Raises RefpcmError for an unknown name.
    """
    if kernels not in KERNELS:
        raise RefpcmError(f"unknown kernels {kernels!r}; known are {', '.join(KERNELS)}")
    return _specification() if kernels == "numpy" else _fast(kernels)


def _specification():
    from refpcm.spec import random
    from refpcm.spec.engine import Engine
    from refpcm.spec.network_on_tiles import EngineOnTiles
    from refpcm.spec.nn import conv2d_forward
    from refpcm.spec.pcm import chip
    from refpcm.spec.training.augmentation import transform_images
    return Forms("numpy", random, chip, Rules(), transform_images, conv2d_forward, Engine, EngineOnTiles)


def _fast(kernels):
    from refpcm.fast import chip, random
    from refpcm.fast.network.engine import Engine
    from refpcm.fast.nn import conv2d_forward
    from refpcm.fast.tiles.engine import EngineOnTiles
    from refpcm.fast.training import update
    from refpcm.fast.training.augmentation import transform_images
    rules = Rules(random, update.noisy_parameters, update.multiplicative_parameters, update.update,
                  update.clip_parameters)
    return Forms(kernels, random, chip, rules, transform_images, conv2d_forward,
                 partial(Engine, kernels=kernels), EngineOnTiles)
