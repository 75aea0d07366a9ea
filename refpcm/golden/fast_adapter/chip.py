"""L8 chip: equations, products on tiles and the network's engine in their fast forms, in float32."""

from dataclasses import replace

import numpy as np

from refpcm.fast.tiles.engine import EngineOnTiles
from refpcm.fast.tiles.kernels import code_at
from refpcm.fast.tiles.product import windows_product
from refpcm.golden.fast_adapter import device_equations
from refpcm.golden.fast_adapter.networks import OPERATORS, own_parameters
from refpcm.golden.fast_adapter.precision import float32_only
from refpcm.golden.reference.chip import whole_chip
from refpcm.spec.layers import IMAGE, Linear
from refpcm.spec.network_on_tiles import layer_inputs, window
from refpcm.spec.pcm.converters import Converter
from refpcm.spec.pcm.tile import parts


@float32_only
def chip_inference(inputs, parameters):
    """Return the whole way of a network over a chip; GDC and AdaBS have one form, the specification's."""
    return whole_chip(inputs, parameters, device_equations, through_tiles, EngineOnTiles)


def through_tiles(net, weights, analog, images):
    """Return {"codes_in", "codes_out": {layer: codes}} of a forward pass operator by operator, and the engine's logits."""
    values, codes = {IMAGE: images}, {"codes_in": {}, "codes_out": {}}
    for layer in net.layers:
        x = [values[name] for name in layer.inputs]
        if layer.name not in analog.matrices:
            values[layer.name] = OPERATORS[type(layer)](layer, x, own_parameters(layer, weights), False)
            continue
        driven = layer_inputs(layer, x[0])
        matrix, ranges, tiles = analog.matrices[layer.name], analog.ranges[layer.name], analog.tiles
        y = windows_product(driven, matrix, *window(layer), tiles, ranges)
        y = y / np.asarray(analog.alphas[layer.name], np.float32).reshape(-1, 1, 1)
        values[layer.name] = y[:, :, 0, 0] if isinstance(layer, Linear) else y
        codes["codes_in"][layer.name] = _codes(driven, tiles.dac, ranges.inputs)
        codes["codes_out"][layer.name] = _codes(np.stack(_sums(layer, driven, matrix, tiles, ranges), 1), tiles.adc,
                                                ranges.outputs)
    return codes, EngineOnTiles(net, analog).forward(weights, images)


def _sums(layer, driven, matrix, tiles, ranges):
    """Return the column sums of each row part: products of a matrix of which the other rows are 0, without an ADC."""
    ideal = replace(tiles, rows=None, adc=Converter(None))
    sums = []
    for begin, end in parts(len(matrix), tiles.rows):
        part = np.zeros_like(matrix)
        part[begin:end] = matrix[begin:end]
        sums.append(windows_product(driven, part, *window(layer), ideal, ranges))
    return sums


def _codes(values, converter, full_scale):
    codes = [code_at(x, full_scale / converter.levels, converter.levels) for x in values.astype(np.float64).flat]
    return np.clip(codes, -converter.levels, converter.levels).astype(np.int32).reshape(values.shape)
