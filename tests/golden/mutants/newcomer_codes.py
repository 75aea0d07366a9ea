"""Mistakes in converters and tiles: invented without knowledge of the cases.

Of PyTorch users, C++ and Verilog engineers, and physicists with MATLAB or Julia, when kit 2.1 was a draft. A comment says
which inputs show a mistake, where few do.
"""

from dataclasses import replace

import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import chip
from refpcm.spec import network_on_tiles
from refpcm.spec.pcm import converters, tile
from tests.golden.mutants.replacing import replaced

PRODUCT, PARTS, CONVERT, CODES = tile.product, tile.parts, converters.convert, converters.codes
IDEAL = converters.Converter(None)


def both_products(product):
    return [(tile, "product", product), (network_on_tiles, "product", product)]


def range_of_histogram(inputs, parameters):
    x = np.abs(inputs["x"].astype(np.float64))
    counts, edges = np.histogram(x, 2048, (0.0, float(x.max()) or 1.0))
    place = int(np.searchsorted(np.cumsum(counts), parameters["quantile"] * x.size))
    return {"range": np.array(edges[min(place, 2047) + 1], inputs["x"].dtype)}


def product_noise_management(x, weights, tiles, ranges, z=None, w_max=1.0, saturation=None, variance=None, z_read=None):
    largest = np.abs(x).max(1, keepdims=True)
    scale = (np.where(largest > 0, largest, ranges.inputs) / ranges.inputs).astype(x.dtype)
    return PRODUCT(x / scale, weights, tiles, ranges, z, w_max, saturation, variance, z_read) * scale


def product_bound_management(x, weights, tiles, ranges, z=None, w_max=1.0, saturation=None, variance=None, z_read=None):
    y = PRODUCT(x, weights, tiles, ranges, z, w_max, saturation, variance, z_read)
    if tiles.adc.bits is None:
        return y
    todo, scale = np.arange(len(x)), 1.0
    for _ in range(10):
        analog = CONVERT((x[todo] / scale).astype(x.dtype), tiles.dac, ranges.inputs)
        beyond = np.zeros(len(todo), bool)
        for begin, end in PARTS(len(weights), tiles.rows):
            beyond |= (np.abs(analog[:, begin:end] @ weights[begin:end]) > ranges.outputs).any(1)
        todo, scale = todo[beyond], 2 * scale
        if len(todo) == 0:
            break
        y[todo] = PRODUCT((x[todo] / scale).astype(x.dtype), weights, tiles, ranges, None if z is None else z[todo],
                          w_max) * x.dtype.type(scale)
    return y


def codes_from_half(x, converter, full_scale):
    with np.errstate(over="ignore"):
        return CODES(np.asarray(x).astype(np.float16).astype(np.float64), converter, full_scale)


def bank_order(rows, limit):
    return np.argsort(np.arange(rows) % len(PARTS(rows, limit)), kind="stable")


def product_interleaved(x, weights, tiles, ranges, z=None, w_max=1.0, saturation=None, variance=None, z_read=None):
    order = bank_order(len(weights), tiles.rows)
    return PRODUCT(np.ascontiguousarray(x[:, order]), weights[order], tiles, ranges, z, w_max, saturation,
                   None if variance is None else variance[order], z_read)


def conversions_interleaved(net, analog, values):
    found = {}
    for layer in net.layers:
        if layer.name in analog.matrices:
            x, matrix, ranges = values[layer.inputs[0]], analog.matrices[layer.name], analog.ranges[layer.name]
            order = bank_order(len(matrix), analog.tiles.rows)
            driven = CONVERT(network_on_tiles.input_vectors(layer, x), analog.tiles.dac, ranges.inputs)[..., order]
            sums = [driven[..., b:e] @ matrix[order][b:e] for b, e in PARTS(len(matrix), analog.tiles.rows)]
            found[layer.name] = network_on_tiles.layer_inputs(layer, x), np.stack(sums, 1).transpose(0, 1, 4, 2, 3)
    return found


def product_bit_serial(x, weights, tiles, ranges, z=None, w_max=1.0, saturation=None, variance=None, z_read=None):
    if tiles.dac.bits is None:
        return PRODUCT(x, weights, tiles, ranges, z, w_max, saturation, variance, z_read)
    codes = CODES(x, tiles.dac, ranges.inputs)
    plain, y = replace(tiles, dac=IDEAL), 0
    quiet, step = replace(plain, output_noise=0.0), ranges.inputs / tiles.dac.levels
    for bit in range(tiles.dac.bits - 1):
        plane = (np.sign(codes) * (np.abs(codes) >> bit & 1) * (step * 2 ** bit)).astype(x.dtype)
        y = y + PRODUCT(plane, weights, *((plain, ranges, z, w_max) if bit == 0 else (quiet, ranges)))
    return y


def unsigned_codes(x, converter, full_scale):
    """Codes of the DAC, with all 2^bits - 1 of them above zero where no input is negative; and what they stand for."""
    if converter.bits is None or np.min(x) < 0:
        return CODES(x, converter, full_scale), CONVERT(x, converter, full_scale)
    step = full_scale / (2 ** converter.bits - 1)
    codes = np.clip(np.rint(np.asarray(x, np.float64) / step), 0, 2 ** converter.bits - 1).astype(np.int32)
    return codes, (codes * step).astype(x.dtype)


def product_unsigned(x, weights, tiles, ranges, z=None, w_max=1.0, saturation=None, variance=None, z_read=None):
    if tiles.dac.bits is None:
        return PRODUCT(x, weights, tiles, ranges, z, w_max, saturation, variance, z_read)
    return PRODUCT(unsigned_codes(x, tiles.dac, ranges.inputs)[1], weights, replace(tiles, dac=IDEAL), ranges, z, w_max,
                   saturation, variance, z_read)


def through_unsigned(net, weights, analog, images):
    tape = network_on_tiles.analog_forward(net, weights, analog, images)
    codes = {"codes_in": {}, "codes_out": {}}
    for layer in net.layers:
        if layer.name in analog.matrices:
            x, matrix, ranges = tape.values[layer.inputs[0]], analog.matrices[layer.name], analog.ranges[layer.name]
            codes["codes_in"][layer.name] = unsigned_codes(network_on_tiles.layer_inputs(layer, x), analog.tiles.dac,
                                                           ranges.inputs)[0]
            driven = unsigned_codes(network_on_tiles.input_vectors(layer, x), analog.tiles.dac, ranges.inputs)[1]
            sums = np.stack([driven[..., b:e] @ matrix[b:e] for b, e in PARTS(len(matrix), analog.tiles.rows)], 1)
            codes["codes_out"][layer.name] = CODES(sums.transpose(0, 1, 4, 2, 3), analog.tiles.adc, ranges.outputs)
    return codes, tape.values[net.layers[-1].name]


def integer_weights(weights, tiles):
    largest = float(np.abs(weights).max())
    return CONVERT(weights, tiles.dac, largest) if largest > 0 else weights


def product_integer_weights(x, weights, tiles, *more, **named):
    return PRODUCT(x, integer_weights(weights, tiles), tiles, *more, **named)


def on_tiles_integer_weights(parameters, weights, w_max, alpha):
    analog = ON_TILES(parameters, weights, w_max, alpha)
    return replace(analog, matrices={name: integer_weights(matrix, analog.tiles) for name, matrix in weights.items()})


ON_TILES = chip.on_tiles


def codes_mid_rise(x, converter, full_scale):
    steps_of_x = np.floor(np.asarray(x, np.float64) / (full_scale / converter.levels))
    return np.clip(steps_of_x, -converter.levels, converter.levels - 1).astype(np.int32)


def convert_mid_rise(x, converter, full_scale):
    if converter.bits is None:
        return x
    return ((codes_mid_rise(x, converter, full_scale) + 0.5) * (full_scale / converter.levels)).astype(x.dtype)


def range_prctile(inputs, parameters):
    x = np.sort(np.abs(inputs["x"].astype(np.float64)))
    place = min(max(parameters["quantile"] * len(x) - 0.5, 0.0), len(x) - 1.0)
    return {"range": np.array(float(np.interp(place, np.arange(len(x)), x)) or x[-1], inputs["x"].dtype)}


def product_snr(x, weights, tiles, ranges, z=None, w_max=1.0, saturation=None, variance=None, z_read=None):
    if not tiles.output_noise or z is None:
        return PRODUCT(x, weights, tiles, ranges, z, w_max, saturation, variance, z_read)
    analog, y = CONVERT(x, tiles.dac, ranges.inputs), np.zeros((len(x), weights.shape[1]), x.dtype)
    for p, (begin, end) in enumerate(PARTS(len(weights), tiles.rows)):
        current = analog[:, begin:end] @ weights[begin:end]
        current = current + tiles.output_noise * np.sqrt(np.mean(current ** 2)) * z[:, p]
        y += CONVERT(current.astype(x.dtype), tiles.adc, ranges.outputs)
    return y


MUTANTS = [
    ("range-of-histogram", "the quantile is read off a histogram of 2048 bins, as an observer for INT8 does",
     replaced(reference, "converter_range", range_of_histogram)),
    ("tile-noise-management", "aihwkit's noise management: each input vector is scaled so that its largest element "
       "fills the DAC, and its sums back",
     both_products(product_noise_management)),
    # only vectors with sums beyond the range of the ADC
    ("tile-bound-management", "aihwkit's bound management: inputs are halved until no sum saturates, sums doubled",
     both_products(product_bound_management)),
    ("codes-from-half-precision", "under autocast: what is converted is in half precision before it is rounded",
     replaced(converters, "codes", codes_from_half)),
    # only matrices of more than one row part
    ("tile-rows-interleaved", "banks: row r is in row part r mod P",
     both_products(product_interleaved) + replaced(chip, "conversions", conversions_interleaved)),
    # only with a DAC and an ADC that are not ideal
    ("tile-bit-serial", "inputs are driven bit by bit, the sum of each bit is converted, then shifted and added",
     both_products(product_bit_serial)),
    # only where no input of a layer is negative: behind every ReLU
    ("tile-dac-unsigned-after-relu", "inputs without negative numbers are unsigned: 2^bits - 1 steps up to the range",
     both_products(product_unsigned) + replaced(chip, "through_tiles", through_unsigned)),
    ("tile-weights-quantised", "weights are integers of as many bits as the inputs, up to the largest",
     replaced(tile, "product", product_integer_weights) + replaced(chip, "on_tiles", on_tiles_integer_weights)),
    ("converter-mid-rise", "mid-rise converters: floor(x / step), which stands for the middle of the step; 0 has no code",
     [(converters, "codes", codes_mid_rise), (converters, "convert", convert_mid_rise),
                (tile, "convert", convert_mid_rise)]),
    # little, where n is large and the quantile beyond the last two numbers
    ("range-prctile", "MATLAB's prctile: sorted number i is the (i - 1/2) / n quantile",
     replaced(reference, "converter_range", range_prctile)),
    # only with output noise
    ("tile-noise-to-signal", "output noise is a noise-to-signal ratio: sigma is that share of the sums' root mean square",
     both_products(product_snr)),
]
