"""The Numba form of `refpcm.pcm.tile.product`, for all positions of an image at once, float32.

Conversions and noise are the same operations in the same order as in the specification. The column sums are left to
BLAS, which may add in another order: an ADC code may then differ by one where a sum lies on a tie. Images are taken one
by one, so that a thread stores the input vectors of one image and its sums, no more.
"""

import numpy as np
from numba import prange

from refpcm.exact import exact_kernel
from refpcm.pcm.tile import parts

ROUNDER = 1.5 * 2.0 ** 52
CHUNK = 4096  # values a thread converts at a time


def windows_product(values, weights, kernel, stride, tiles, ranges, z=None, w_max=1.0, saturation=None):
    """Products of the weights (R, K) with the input vectors of all positions: (N, C, H, W) -> (N, K, H_out, W_out).

    values: converted already (`convert_fast`) and padded, float32. The vector of a position is its window (C, kernel,
    kernel) in C order, R = C kernel^2. z: standard normal (N, P, K, V), P row parts, V = H_out W_out positions, wanted
    if output_noise is not 0. Otherwise as `refpcm.pcm.tile.product`; of its converters only the ADC is applied.
    """
    n, _, h, w = values.shape
    out = np.zeros((n, weights.shape[1], (h - kernel) // stride + 1, (w - kernel) // stride + 1), np.float32)
    levels = 0.0 if tiles.adc.bits is None else float(tiles.adc.levels)
    sigma = float(tiles.output_noise * w_max * ranges.inputs)
    bounds = np.array(parts(len(weights), tiles.rows))
    saturated = _windows_product(np.ascontiguousarray(values), np.ascontiguousarray(weights), kernel, stride, bounds,
                                 z if sigma else np.zeros((0, 1, 1, 1)), sigma, levels,
                                 ranges.outputs / levels if levels else 1.0, out)
    if saturation is not None and tiles.adc.bits is not None:
        saturation.adc_values += out.size * len(bounds)
        saturation.adc_saturated += saturated
    return out


def convert_fast(x, converter, full_scale, saturation=None):
    """`refpcm.pcm.converters.convert` for float32 x of any shape, counting what saturates as the DAC's."""
    x = np.ascontiguousarray(x, np.float32)
    if converter.bits is None:
        return x
    out = np.empty_like(x)
    saturated = _convert(x.reshape(-1), float(converter.levels), full_scale / converter.levels, out.reshape(-1))
    if saturation is not None:
        saturation.dac_values += x.size
        saturation.dac_saturated += saturated
    return out


@exact_kernel()
def _step(x, levels, step):
    """The value that x is converted to, and whether it was beyond the range.

    Adding and subtracting ROUNDER rounds to the nearest whole number, half to even, in two additions that vectorise.
    """
    code = min(max(x / step, -levels - 1.0), levels + 1.0)
    code = (code + ROUNDER) - ROUNDER
    return min(max(code, -levels), levels) * step, abs(code) > levels


@exact_kernel(parallel=True)
def _convert(x, levels, step, out):
    count = 0
    for chunk in prange((x.size + CHUNK - 1) // CHUNK):
        here = 0
        for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, x.size)):
            out[i], beyond = _step(np.float64(x[i]), levels, step)
            here += beyond
        count += here
    return count


@exact_kernel()
def _fill_vectors(image, kernel, stride, width, x):
    """x (R, V) <- the windows of image (C, H, W), one column a position; `width` positions a row."""
    r = 0
    for c in range(image.shape[0]):
        for i in range(kernel):
            for j in range(kernel):
                for row in range(x.shape[1] // width):
                    source, target = image[c, row * stride + i], x[r, row * width:(row + 1) * width]
                    if stride == 1:  # vectorises
                        for column in range(width):
                            target[column] = source[j + column]
                    else:
                        for column in range(width):
                            target[column] = source[j + column * stride]
                r += 1


@exact_kernel()
def _add_converted(current, levels, step, y):
    """y (M,) += ADC(current (M,)); returns how many saturated. levels 0: ideal."""
    count = 0
    if levels == 0:
        for i in range(current.size):
            y[i] += current[i]
    else:
        for i in range(current.size):
            value, beyond = _step(np.float64(current[i]), levels, step)
            y[i] += np.float32(value)
            count += beyond
    return count


@exact_kernel(parallel=True)
def _windows_product(values, weights, kernel, stride, bounds, z, sigma, levels, step, out):
    """out (N, K, H_out, W_out) += the products, part by part; returns how many sums saturated. z empty: no noise."""
    columns, height, width = out.shape[1], out.shape[2], out.shape[3]
    count = 0
    for n in prange(len(values)):
        x = np.empty((len(weights), height * width), np.float32)
        _fill_vectors(values[n], kernel, stride, width, x)
        here = 0
        for p in range(len(bounds)):
            begin, end = bounds[p, 0], bounds[p, 1]
            current = np.dot(weights[begin:end].T, x[begin:end])
            if len(z):
                for k in range(columns):
                    for v in range(height * width):
                        current[k, v] = np.float32(current[k, v] + sigma * z[n, p, k, v])
            here += _add_converted(current.reshape(-1), levels, step, out[n].reshape(-1))
        count += here
    return count
