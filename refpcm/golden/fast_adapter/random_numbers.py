"""L0 bits: `refpcm.fast.random`."""

import numpy as np

from refpcm.fast import random
from refpcm.golden.reference import chosen


def philox4x32(inputs, parameters):
    """Return words from the function that the kernels call for every block, one row at a time."""
    words = [random.philox_block(*counter, *key) for counter, key in zip(inputs["counter"], inputs["key"])]
    return {"words": np.array(words, np.uint32)}


def random_words(inputs, parameters):
    """Return the words of an address."""
    return {"words": random.words(*chosen.address(parameters))}


def random_uniforms(inputs, parameters):
    """Return the uniforms of an address."""
    return {"uniforms": random.uniforms(*chosen.address(parameters))}


def random_normals(inputs, parameters):
    """Return the normals of an address."""
    return {"normals": random.normals(*chosen.address(parameters))}


def random_permutation(inputs, parameters):
    """Return the permutation of an address."""
    *stream, _, count = chosen.address(parameters)
    return {"permutation": random.permutation(*stream, count)}
