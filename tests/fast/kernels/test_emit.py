"""The emitted tiles alone: every number of one tile against NumPy."""

import numpy as np
import pytest

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels import conv, weight_gradient
from refpcm.fast.kernels.emit import OUT_TILE, PIXEL_TILE, in_tile, tile_sums
from refpcm.fast.kernels.layout import LANES

_convolve_3, _convolve_7 = conv.tile_3, conv.tile_7_stride_2
_gradient_1, _gradient_3 = weight_gradient.tile_1, weight_gradient.tile_3_stride_2


@kernel
def convolve(size, x, w, out):
    args = (x.ctypes.data, w.ctypes.data, out.ctypes.data, x.shape[0], x.shape[1], x[0].size * 4, x[0, 0].size * 4,
            out[0].size * 4, LANES * 4)
    if size == 3:
        _convolve_3(*args)
    else:
        _convolve_7(*args)


@kernel
def correlate(size, x, dy, sums):
    args = (x.ctypes.data, dy.ctypes.data, sums.ctypes.data, dy.shape[1], dy.shape[2], x[0].size * 4,
            x[0, 0].size * 4 * (2 if size == 3 else 1), dy[0].size * 4, dy[0, 0].size * 4)
    if size == 3:
        _gradient_3(*args)
    else:
        _gradient_1(*args)


@pytest.mark.parametrize("size, stride", [(3, 1), (7, 2)])
def test_convolve_tile(size, stride):
    rng = np.random.default_rng(0)
    x = rng.integers(-8, 9, (5, size, stride * (PIXEL_TILE - 1) + size, LANES)).astype(np.float32)
    w = rng.integers(-8, 9, (size, 5, size, OUT_TILE)).astype(np.float32)
    out = np.full((OUT_TILE, PIXEL_TILE, LANES), np.nan, np.float32)
    convolve(size, x, w, out)
    for p in range(PIXEL_TILE):
        window = x[:, :, p * stride:p * stride + size]
        np.testing.assert_array_equal(out[:, p], np.einsum("cijl,icjk->kl", window, w))


@pytest.mark.parametrize("size, stride", [(1, 1), (3, 2)])
def test_weight_gradient_tile_adds_to_what_is_there(size, stride):
    rng, rows, columns = np.random.default_rng(0), 3, 5
    x = rng.integers(-8, 9, (in_tile(size), stride * rows, stride * columns + size, LANES)).astype(np.float32)
    dy = rng.integers(-8, 9, (OUT_TILE, rows, columns, LANES)).astype(np.float32)
    sums = np.full(tile_sums(size), 7, np.float32)
    correlate(size, x, dy, sums)
    exact = np.zeros((OUT_TILE, in_tile(size), size), np.float32)
    for j in range(size):
        window = x[:, ::stride, j:j + stride * columns:stride][:, :rows, :columns]
        exact[:, :, j] = np.einsum("chwl,khwl->kc", window, dy)
    np.testing.assert_array_equal(sums, 7 + np.pad(exact.reshape(-1), (0, tile_sums(size) - exact.size)))
