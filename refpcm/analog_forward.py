"""A network with its crossbar layers on tiles: the analog counterpart of `refpcm.network.forward`.

Convolutions become products of image patches with the layer's matrix; batch norm, ReLU, additions and pooling stay
digital. Images are taken a few at a time, so that the patches of one layer are the largest array there is.
"""

from dataclasses import replace

import numpy as np

from refpcm import rng
from refpcm.analog import analog_layers
from refpcm.network import FORWARD, Tape
from refpcm.pcm.converters import Converter
from refpcm.pcm.tile import calibrated_ranges, parts
from refpcm.pcm.tile_kernels import convert_fast, fill_patches, product_fast
from refpcm.resnet import IMAGE, Linear

IMAGES_AT_ONCE = 16


def layer_inputs(layer, values):
    """The input vectors of a crossbar layer: (N, C, H, W) or (N, C) float32 -> (vectors, R), and (N, H_out, W_out).

    Vectors follow image, row, column; their entries channel, kernel row, kernel column. A linear layer gets a 1 at the
    end for its bias, and None for the shape.
    """
    if isinstance(layer, Linear):
        return np.concatenate([values, np.ones((len(values), 1), values.dtype)], 1), None
    pad, k = layer.padding, layer.kernel
    padded = np.pad(values, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    n, c = values.shape[:2]
    h, w = ((size - k) // layer.stride + 1 for size in padded.shape[2:])
    out = np.empty((n, h, w, c * k * k), np.float32)
    fill_patches(padded, k, layer.stride, out)
    return out.reshape(n * h * w, -1), (n, h, w)


def layer_outputs(y, spatial):
    """Products (vectors, K) as the layer's output: (N, K, H, W), or (N, K) of a linear layer."""
    return y if spatial is None else np.ascontiguousarray(y.reshape(*spatial, -1).transpose(0, 3, 1, 2))


def analog_forward(network, parameters, matrices, w_max, images, tiles, ranges, address=(0, 0, 0), first_image=0,
                   alphas=None, saturation=None):
    """images (N, C, H, W) float32, normalised -> logits (N, classes).

    parameters: of the digital layers (and of crossbar layers that are not in `matrices`).
    matrices, w_max, ranges: {layer name: effective weights (R, K) float32}, {layer name: W_max}, {layer name: Ranges}.
    address: (seed, chip, draw) of the output noise; its element index is
        (image * vectors an image + vector) * parts * K + part * K + column,
    images counted from first_image, so that batches have no say.
    alphas: {layer name: GDC factor}; the layer's output is divided by it.
    saturation: {layer name: Saturation} to add to; of a convolution's inputs every pixel counts once.
    """
    chunks = [_forward_few(network, parameters, matrices, w_max, images[i:i + IMAGES_AT_ONCE], tiles, ranges, address,
                           first_image + i, alphas or {}, saturation or {})
              for i in range(0, len(images), IMAGES_AT_ONCE)]
    return np.concatenate(chunks)


def _forward_few(network, parameters, matrices, w_max, images, tiles, ranges, address, first_image, alphas, saturation):
    seed, chip, draw = address
    numbers = {layer.name: number for number, layer in analog_layers(network)}
    converted = replace(tiles, dac=Converter(None))
    tape = Tape(False, {IMAGE: images})
    for layer in network.layers:
        inputs = [tape.values[name] for name in layer.inputs]
        if layer.name not in matrices:
            tape.values[layer.name] = FORWARD[type(layer)](layer, inputs, parameters, tape)
            continue
        full_scale, counts = ranges[layer.name], saturation.get(layer.name)
        x, spatial = _converted_inputs(layer, inputs[0], tiles.dac, full_scale.inputs, counts)
        weights = matrices[layer.name]
        z = None
        if tiles.output_noise:
            shape = (len(x), len(parts(len(weights), tiles.rows)), weights.shape[1])
            per_image = int(np.prod(shape)) // len(images)
            z = rng.normals(seed, chip, rng.Purpose.OUTPUT_NOISE, numbers[layer.name], draw, first_image * per_image,
                            per_image * len(images)).reshape(shape)
        y = product_fast(x, weights, converted, full_scale, z, w_max[layer.name], counts)
        tape.values[layer.name] = layer_outputs(y / np.asarray(alphas.get(layer.name, 1.0), y.dtype), spatial)
    return tape.values[network.layers[-1].name]


def _converted_inputs(layer, values, dac, full_scale, saturation):
    """`layer_inputs` after the DAC; a convolution's pixels are converted once, before they go into several vectors."""
    if isinstance(layer, Linear):
        x, spatial = layer_inputs(layer, values)
        return convert_fast(x, dac, full_scale, saturation), spatial
    return layer_inputs(layer, convert_fast(values, dac, full_scale, saturation))


def calibrate_ranges(network, parameters, matrices, images, tiles, quantile=0.9999):
    """{layer name: Ranges} from calibration images (N, C, H, W): training images, never test images.

    The layers' inputs are those of the digital network, so that one layer's converters do not shape the next one's.
    """
    tape = Tape(False, {IMAGE: images})
    ranges = {}
    for layer in network.layers:
        inputs = [tape.values[name] for name in layer.inputs]
        tape.values[layer.name] = FORWARD[type(layer)](layer, inputs, parameters, tape)
        if layer.name in matrices:
            x, _ = layer_inputs(layer, inputs[0])
            least = 1.0 if isinstance(layer, Linear) else 0.0  # the bias row is driven by 1
            ranges[layer.name] = calibrated_ranges(x, matrices[layer.name], tiles, quantile, least)
    return ranges
