"""The Numba form of `refpcm.pcm.tile.product` for float32: the same operations in the same order, so the same bits.

Only the sums along the columns are left to BLAS. Nothing larger than the inputs and one part's sums is stored.
"""

import numpy as np
from numba import prange

from refpcm.exact import exact_kernel
from refpcm.pcm.tile import parts

CHUNK = 64  # input vectors a thread takes at a time


def product_fast(x, weights, tiles, ranges, z=None, w_max=1.0, saturation=None):
    """`refpcm.pcm.tile.product` for float32 x (N, R) and weights (R, K), with the same arguments and result."""
    analog = convert_fast(x, tiles.dac, ranges.inputs, saturation)
    sigma = float(tiles.output_noise * w_max * ranges.inputs)
    y = np.zeros((x.shape[0], weights.shape[1]), np.float32)
    no_noise = np.zeros((0, 1, 1))
    for p, (begin, end) in enumerate(parts(weights.shape[0], tiles.rows)):
        current = analog[:, begin:end] @ weights[begin:end]
        saturated = _accumulate(current, z if sigma else no_noise, p, sigma, _levels(tiles.adc),
                                float(ranges.outputs), y)
        if saturation is not None and tiles.adc.bits is not None:
            saturation.adc_values += current.size
            saturation.adc_saturated += saturated
    return y


def convert_fast(x, converter, full_scale, saturation=None):
    """`refpcm.pcm.converters.convert` for float32 x of any shape, counting what saturates as the DAC's."""
    x = np.ascontiguousarray(x, np.float32)
    if converter.bits is None:
        return x
    out = np.empty_like(x)
    saturated = _convert(x.reshape(-1), _levels(converter), float(full_scale), out.reshape(-1))
    if saturation is not None:
        saturation.dac_values += x.size
        saturation.dac_saturated += saturated
    return out


def _levels(converter):
    """Largest code; 0 for an ideal converter."""
    return 0.0 if converter.bits is None else float(converter.levels)


@exact_kernel()
def _step(x, levels, full_scale):
    """The value that x is converted to, and 1 if it was beyond the range."""
    code = np.rint(np.float64(x) / full_scale * levels)
    beyond = abs(code) > levels
    return min(max(code, -levels), levels) / levels * full_scale, beyond


@exact_kernel(parallel=True)
def _convert(x, levels, full_scale, out):
    count = 0
    size = CHUNK * 64
    for chunk in prange((x.size + size - 1) // size):
        here = 0
        for i in range(chunk * size, min((chunk + 1) * size, x.size)):
            out[i], beyond = _step(x[i], levels, full_scale)
            here += beyond
        count += here
    return count


@exact_kernel(parallel=True)
def _accumulate(current, z, p, sigma, levels, full_scale, y):
    """y (N, K) += ADC(current (N, K) + sigma z[:, p]); returns how many saturated. levels 0: ideal; no z: no noise."""
    n, columns = current.shape
    count = 0
    for chunk in prange((n + CHUNK - 1) // CHUNK):
        here = 0
        for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, n)):
            for k in range(columns):
                value = current[i, k]
                if len(z):
                    value = np.float32(value + sigma * z[i, p, k])
                if levels > 0:
                    converted, beyond = _step(value, levels, full_scale)
                    value = np.float32(converted)
                    here += beyond
                y[i, k] += value
        count += here
    return count


@exact_kernel(parallel=True)
def fill_patches(padded, kernel, stride, out):
    """padded (N, C, H, W) -> out (N, H_out, W_out, C k k): the inputs of a convolution's matrix, one row a position."""
    n, h, w, _ = out.shape
    channels = padded.shape[1]
    for line in prange(n * h):
        image, row = line // h, line % h
        for column in range(w):
            r = 0
            for c in range(channels):
                for i in range(kernel):
                    for j in range(kernel):
                        out[image, row, column, r] = padded[image, c, row * stride + i, column * stride + j]
                        r += 1
