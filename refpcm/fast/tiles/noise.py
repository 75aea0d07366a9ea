"""Normal numbers for a group of images, side by side in the lanes of `refpcm.fast.kernels.layout`."""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.random import chunk_normals
from refpcm.fast.tiles.vectors import store_transposed
from refpcm.spec import random

CHUNK = 2048  # numbers of an image at a time: those of 16 images stay in the second cache
SPARE = LANES  # keeps the images' numbers apart in the cache


def lane_normals(chain, seed, chip, purpose, layer, draw, first_image, images, out):
    """Add to the chain: out (G, E, 16) float32 <- E standard normals for each of `images` images.

    Image n is in lane n % 16 of group n // 16 and has the elements (first_image + n) E .. + E - 1 of its address. What
    lanes without an image hold means nothing.
    """
    random.check_address(seed, chip, purpose, layer, draw)
    address = int(seed), int(chip), int(purpose), int(layer), int(draw)
    chain.add(_fill_lane_normals, len(out) * -(-out.shape[1] // CHUNK), address, int(first_image), int(images), out)


@kernel
def _fill_lane_normals(start, stop, address, first_image, images, out):
    """A task is a chunk of one group's numbers."""
    seed, chip, purpose, layer, draw = address
    each, flat = out.shape[1], out.reshape(-1)
    chunks, stride = (each + CHUNK - 1) // CHUNK, CHUNK + SPARE
    values = np.zeros(LANES * stride, np.float32)
    for task in range(start, stop):
        group, begin = task // chunks, task % chunks * CHUNK
        count, used = min(CHUNK, each - begin), min(LANES, images - group * LANES)
        for lane in range(used):
            index = (first_image + group * LANES + lane) * each + begin
            chunk_normals(seed, chip, purpose, layer, draw, index, values[lane * stride:lane * stride + count])
        at, whole = (group * each + begin) * LANES, count // LANES * LANES
        for i in range(0, whole, LANES):
            store_transposed(flat, at + i * LANES, values, i, stride)
        for i in range(whole, count):
            for lane in range(used):
                flat[at + i * LANES + lane] = values[lane * stride + i]
