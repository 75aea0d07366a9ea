"""The Numba form of `refpcm.pcm.tile.product`, for all positions of an image at once, float32.

Conversions and noise are the same operations in the same order as in the specification. Column sums are added in the
order of the rows, on every machine; the specification leaves them to BLAS, whose order is its own: an ADC code may then
differ by one where a sum lies on a tie. No BLAS here: its threads and ours would wait for each other. Images are taken
one by one, so that a thread stores the input vectors of one image and its sums, no more.
"""

import numpy as np
from numba import prange

from refpcm.exact import exact_kernel
from refpcm.pcm.tile import parts

ROUNDER = 1.5 * 2.0 ** 52


def windows_product(values, weights, kernel, stride, padding, tiles, ranges, z=None, w_max=1.0, saturation=None):
    """Products of the weights (R, K) with the input vectors of all positions: (N, C, H, W) -> (N, K, H_out, W_out).

    values float32; `padding` zeros are added on every side. The vector of a position is its window (C, kernel, kernel)
    in C order, R = C kernel^2; a pixel is converted once, however many vectors it is in, and counts once, padding too.
    z: standard normal (N, P, K, V), P row parts, V = H_out W_out positions, wanted if output_noise is not 0. Otherwise
    as `refpcm.pcm.tile.product`.
    """
    n, c, h, w = values.shape
    h, w = h + 2 * padding, w + 2 * padding
    out = np.zeros((n, weights.shape[1], (h - kernel) // stride + 1, (w - kernel) // stride + 1), np.float32)
    dac, adc = (_levels_and_step(converter, full_scale) for converter, full_scale in
                ((tiles.dac, ranges.inputs), (tiles.adc, ranges.outputs)))
    sigma = float(tiles.output_noise * w_max * ranges.inputs)
    bounds = np.array(parts(len(weights), tiles.rows))
    dac_saturated, adc_saturated = _windows_product(
        np.ascontiguousarray(values, np.float32), np.ascontiguousarray(weights), kernel, stride, padding, bounds,
        z if sigma else np.zeros((0, 1, 1, 1)), sigma, dac, adc, out)
    if saturation is not None and tiles.dac.bits is not None:
        saturation.dac_values += n * c * h * w
        saturation.dac_saturated += dac_saturated
    if saturation is not None and tiles.adc.bits is not None:
        saturation.adc_values += out.size * len(bounds)
        saturation.adc_saturated += adc_saturated
    return out


def _levels_and_step(converter, full_scale):
    """Of a converter as the kernels take it; 0 levels: ideal."""
    return (0.0, 1.0) if converter.bits is None else (float(converter.levels), full_scale / converter.levels)


@exact_kernel()
def _step(x, levels, step):
    """The value that x is converted to, and whether it was beyond the range.

    Adding and subtracting ROUNDER rounds to the nearest whole number, half to even, in two additions that vectorise.
    """
    code = min(max(x / step, -levels - 1.0), levels + 1.0)
    code = (code + ROUNDER) - ROUNDER
    return min(max(code, -levels), levels) * step, abs(code) > levels


@exact_kernel()
def _convert_image(image, padding, dac, out):
    """The inside of out (C, H + 2 padding, W + 2 padding) <- DAC(image (C, H, W)); returns how many saturated."""
    count, (levels, step) = 0, dac
    for c in range(image.shape[0]):
        for row in range(image.shape[1]):
            source, target = image[c, row], out[c, row + padding, padding:padding + image.shape[2]]
            if levels == 0:
                target[:] = source
            else:
                for column in range(source.size):
                    target[column], beyond = _step(np.float64(source[column]), levels, step)
                    count += beyond
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
def _add_product(weights, x, current):
    """current (K, V) += weights (R, K)^T x (R, V), float32, added in the order of the rows, each sum for itself.

    Four rows at a time, so that a sum is loaded and stored a quarter as often.
    """
    rows, last = x.shape[0], x.shape[0] // 4 * 4
    for r in range(0, last, 4):
        for k in range(current.shape[0]):
            _add_four(weights[r, k], weights[r + 1, k], weights[r + 2, k], weights[r + 3, k], x[r], x[r + 1], x[r + 2],
                      x[r + 3], current[k])
    for r in range(last, rows):
        for k in range(current.shape[0]):
            w = weights[r, k]
            for v in range(x.shape[1]):
                current[k, v] += w * x[r, v]


@exact_kernel()
def _add_four(w0, w1, w2, w3, x0, x1, x2, x3, y):
    for v in range(y.size):
        y[v] = (((y[v] + w0 * x0[v]) + w1 * x1[v]) + w2 * x2[v]) + w3 * x3[v]


@exact_kernel()
def _add_converted(current, adc, y):
    """y (M,) += ADC(current (M,)); returns how many saturated."""
    count, (levels, step) = 0, adc
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
def _windows_product(values, weights, kernel, stride, padding, bounds, z, sigma, dac, adc, out):
    """out (N, K, H_out, W_out) += the products, part by part; returns how many inputs and sums saturated.

    dac, adc: levels and step. z empty: no noise.
    """
    channels, (columns, height, width) = values.shape[1], out.shape[1:]
    dac_count, adc_count = 0, 0
    for n in prange(len(values)):
        image = np.zeros((channels, values.shape[2] + 2 * padding, values.shape[3] + 2 * padding), np.float32)
        dac_count += _convert_image(values[n], padding, dac, image)
        x = np.empty((len(weights), height * width), np.float32)
        _fill_vectors(image, kernel, stride, width, x)
        here = 0
        for p in range(len(bounds)):
            begin, end = bounds[p, 0], bounds[p, 1]
            current = np.zeros((columns, height * width), np.float32)
            _add_product(weights[begin:end], x[begin:end], current)
            if len(z):
                for k in range(columns):
                    for v in range(height * width):
                        current[k, v] = np.float32(current[k, v] + sigma * z[n, p, k, v])
            here += _add_converted(current.reshape(-1), adc, out[n].reshape(-1))
        adc_count += here
    return dac_count, adc_count
