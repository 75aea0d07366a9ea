"""A network with its crossbar layers on tiles: the analog counterpart of `refpcm.network.forward`.

Convolutions become products of image patches with the layer's matrix; batch norm, ReLU, additions and pooling stay
digital.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from refpcm import rng
from refpcm.analog import analog_layers
from refpcm.network import FORWARD, Tape
from refpcm.pcm.converters import Converter
from refpcm.pcm.tile import Tiles, calibrated_ranges, parts
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


@dataclass(frozen=True)
class Analog:
    """The crossbar layers of a network on tiles.

    matrices, w_max, ranges: {layer name: effective weights (R, K) float32}, {layer name: W_max}, {layer name: Ranges}.
    alphas: {layer name: GDC factor}; a layer's output is divided by it.
    address: (seed, chip, draw) of the output noise.
    """
    tiles: Tiles
    matrices: dict
    w_max: dict
    ranges: dict
    alphas: dict = field(default_factory=dict)
    address: tuple = (0, 0, 0)


def analog_forward(network, parameters, analog, images, first_image=0, saturation=None, training=False, keep=True):
    """images (N, C, H, W) float32, normalised -> Tape with every intermediate, as `refpcm.network.forward` leaves it.

    parameters: of the digital layers (and of crossbar layers that are not in analog.matrices).
    first_image: number of the first image in the output noise's address; element index of the noise is
        (image * vectors an image + vector) * parts * K + part * K + column.
    saturation: {layer name: Saturation} to add to; of a convolution's inputs every pixel counts once.
    keep: False drops every tensor after its last use, to save memory.
    """
    seed, chip, draw = analog.address
    numbers = {layer.name: number for number, layer in analog_layers(network)}
    converted = replace(analog.tiles, dac=Converter(None))
    tape = Tape(training, {IMAGE: images})
    last_use = {name: layer.name for layer in network.layers for name in layer.inputs}
    for layer in network.layers:
        inputs = [tape.values[name] for name in layer.inputs]
        if not keep:
            tape.values = {name: v for name, v in tape.values.items() if last_use[name] != layer.name}
            tape.cache.clear()
        if layer.name not in analog.matrices:
            tape.values[layer.name] = FORWARD[type(layer)](layer, inputs, parameters, tape)
            continue
        weights, ranges = analog.matrices[layer.name], analog.ranges[layer.name]
        counts = None if saturation is None else saturation[layer.name]
        x, spatial = _converted_inputs(layer, inputs[0], analog.tiles.dac, ranges.inputs, counts)
        z = None
        if analog.tiles.output_noise:
            shape = (len(x), len(parts(len(weights), analog.tiles.rows)), weights.shape[1])
            per_image = int(np.prod(shape)) // len(images)
            z = rng.normals(seed, chip, rng.Purpose.OUTPUT_NOISE, numbers[layer.name], draw, first_image * per_image,
                            per_image * len(images)).reshape(shape)
        y = product_fast(x, weights, converted, ranges, z, analog.w_max[layer.name], counts)
        tape.values[layer.name] = layer_outputs(y / np.asarray(analog.alphas.get(layer.name, 1.0), y.dtype), spatial)
    return tape


class AnalogEngine:
    """A network on tiles with the interface of `refpcm.kernels.engine.Engine`, forward only.

    Images are numbered on from `next_image`, which the caller may set. In inference they are taken a few at a time, so
    that the patches of one layer are the largest array there is; in training a mini-batch is taken at once.
    """

    def __init__(self, network, analog, next_image=0):
        self.network, self.analog, self.next_image = network, analog, next_image

    def forward(self, parameters, images, training=False):
        few = len(images) if training else IMAGES_AT_ONCE
        logits = []
        for begin in range(0, len(images), few):
            tape = analog_forward(self.network, parameters, self.analog, images[begin:begin + few], self.next_image,
                                  training=training, keep=False)
            logits.append(tape.values[self.network.layers[-1].name])
            self.next_image += len(images[begin:begin + few])
        self.statistics = tape.statistics
        return np.concatenate(logits)


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
