"""The memory layout of the kernels: 16 images side by side are the lanes of one vector.

Dimensions: N images, G = ceil(N / 16) groups of images, C channels, H rows, W columns, P pixels of a stored plane.
A tensor (N, C, H, W) becomes (G, C, P, 16): image n sits in lane n % 16 of group n // 16, and pixel (h, w) at index
(h + halo) * row + w + halo of a plane that carries a border of `halo` zeros on every side. The border replaces every
test for an edge; the odd number of pixels a plane keeps planes apart in the cache.
"""

from dataclasses import dataclass

import numpy as np

LANES = 16
SPARE_PLANES = 4  # kernels that work on tiles of 4 channels may read, never use, this far past the end


@dataclass(frozen=True)
class Plane:
    """Geometry of one stored channel."""
    height: int
    width: int
    halo: int = 1

    @property
    def row(self):
        """Pixels from one row to the next."""
        return self.width + 2 * self.halo

    @property
    def origin(self):
        """Index of pixel (0, 0)."""
        return self.halo * (self.row + 1)

    @property
    def pixels(self):
        """Stored pixels of a plane, border included, made odd."""
        return ((self.height + 2 * self.halo) * self.row) | 1

    @property
    def grid(self):
        """What kernels are told of a plane: index of pixel (0, 0), pixels from row to row, rows, columns."""
        return self.origin, self.row, self.height, self.width


def groups(images):
    """Number of groups that hold `images` images."""
    return -(-images // LANES)


def empty_lanes(group_count, channels, plane):
    """Zeroed float32 array (G, C, P, 16), 64-byte aligned, with readable spare planes behind it."""
    size = group_count * channels * plane.pixels * LANES
    memory = np.zeros(size + SPARE_PLANES * plane.pixels * LANES + LANES, np.float32)
    start = -memory.ctypes.data % 64 // 4
    return memory[start:start + size].reshape(group_count, channels, plane.pixels, LANES)


def interior(tensor, plane):
    """View (G, C, H, W, 16) of the pixels inside the border."""
    rows = plane.height + 2 * plane.halo
    grid = tensor[:, :, :rows * plane.row].reshape(*tensor.shape[:2], rows, plane.row, LANES)
    return grid[:, :, plane.halo:plane.halo + plane.height, plane.halo:plane.halo + plane.width]


def pack(images, tensor, plane):
    """Write images (N, C, H, W) into the lanes of `tensor`; lanes without an image become zero."""
    inside = interior(tensor, plane)
    for group in range(len(tensor)):
        some = images[group * LANES:(group + 1) * LANES]
        inside[group, ..., :len(some)] = some.transpose(1, 2, 3, 0)
        inside[group, ..., len(some):] = 0


def in_last_group(count):
    """Number of images in the last group of so many."""
    return count - LANES * (groups(count) - 1)


def unpack(tensor, plane, images):
    """The inverse of `pack`: (N, C, H, W) for N = `images`."""
    inside = interior(tensor, plane)
    return np.ascontiguousarray(inside.transpose(0, 4, 1, 2, 3)).reshape(-1, *inside.shape[1:4])[:images]
