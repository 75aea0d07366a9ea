"""What the operators share: float32 in, planes, and the kernel that normalises, adds and cuts off at a floor."""

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.fast.kernels import elementwise
from refpcm.fast.kernels.layout import Plane, empty_lanes, groups, pack
from refpcm.fast.network.buffers import floats
from refpcm.fast.threads import run_tasks


def float32(array):
    """Return the array, contiguous and writable. Raises RefpcmError unless it is float32."""
    if array.dtype != np.float32:
        raise RefpcmError(f"the fast operators compute in float32, not {array.dtype}; use refpcm.spec.nn")
    return floats(array)


def demand_shape(name, array, shape):
    """Raises RefpcmError unless the array has this shape."""
    if array.shape != shape:
        raise RefpcmError(f"{name} must have the shape {shape}, not {array.shape}")


def lanes(images, plane):
    """Return images (N, C, H, W) in the lane layout (G, C, P, 16). Raises RefpcmError unless they are float32."""
    tensor = empty_lanes(groups(len(images)), images.shape[1], plane)
    pack(float32(images), tensor, plane)
    return tensor


def planes(tensor):
    """Return the number of planes of a tensor in the lane layout: the tasks of most kernels."""
    return tensor.shape[0] * tensor.shape[1]


def plane_of(x):
    """Return the plane of a tensor (N, C, H, W)."""
    return Plane(*x.shape[2:])


def plane_sums(tensor):
    """Return an array for two sums a plane: float64 (G, C, 2)."""
    return np.empty((*tensor.shape[:2], 2))


def identity(x):
    """Return mean, scale and shift, each (C,), that leave a tensor (N, C, H, W) as it is."""
    zeros = np.zeros(x.shape[1], np.float32)
    return zeros, np.ones_like(zeros), zeros


def normalised(z, plane, norm, floor, skip=None):
    """Return max((z - mean) scale + shift + skip, floor) in lanes; norm: mean, scale, shift, each (C,)."""
    mode, out = elementwise.NO_SKIP if skip is None else elementwise.SKIP, empty_lanes(*z.shape[:2], plane)
    run_tasks(elementwise.normalise, planes(z), z, norm, mode, z if skip is None else skip, norm,
        np.float32(floor), out, plane.grid)
    return out
