"""A network with its crossbar layers on tiles: the analog counterpart of `refpcm.network.forward`.

Convolutions become products of image windows with the layer's matrix; batch norm, ReLU, additions and pooling stay
digital.
"""

from dataclasses import dataclass, field

import numpy as np

from refpcm import rng
from refpcm.analog import analog_layers
from refpcm.network import FORWARD, Tape
from refpcm.pcm.tile import Tiles, calibrated_ranges, parts
from refpcm.pcm.tile_kernels import windows_product
from refpcm.resnet import IMAGE, Linear

IMAGES_AT_ONCE = 16


def layer_inputs(layer, values):
    """What a crossbar layer's matrix sees: (N, C, H, W), or (N, C) with a 1 for the bias as (N, C + 1, 1, 1)."""
    if not isinstance(layer, Linear):
        return values
    return np.concatenate([values, np.ones((len(values), 1), values.dtype)], 1)[:, :, None, None]


def input_vectors(layer, values):
    """The input vectors (N, H_out, W_out, R), for the specification and for calibration.

    That of a position is its window (C, k, k) of the padded values in C order; k = 1 for a linear layer.
    """
    k, stride, pad = _window(layer)
    padded = np.pad(layer_inputs(layer, values), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k), (2, 3))
    windows = windows[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)
    return windows.reshape(*windows.shape[:3], -1)


def _window(layer):
    """Kernel, stride, padding."""
    return (1, 1, 0) if isinstance(layer, Linear) else (layer.kernel, layer.stride, layer.padding)


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
        ((image * parts + part) * K + column) * positions + position.
    saturation: {layer name: Saturation} to add to; of a convolution's inputs every pixel, padding too, counts once.
    keep: False drops every tensor after its last use, to save memory.
    """
    number = {layer.name: number for number, layer in analog_layers(network)}
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
        x = layer_inputs(layer, inputs[0])
        z = _output_noise(analog, number[layer.name], layer, x.shape, first_image)
        y = windows_product(x, weights, *_window(layer), analog.tiles, ranges, z, analog.w_max[layer.name], counts)
        y /= np.asarray(analog.alphas.get(layer.name, 1.0), y.dtype).reshape(-1, 1, 1)
        tape.values[layer.name] = y[:, :, 0, 0] if isinstance(layer, Linear) else y
    return tape


class AnalogEngine:
    """A network on tiles with the interface of `refpcm.kernels.engine.Engine`, forward only.

    Images are numbered on from `next_image`, which the caller may set. In inference they are taken a few at a time, to
    save memory; in training a mini-batch is taken at once.
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


def _output_noise(analog, number, layer, shape, first_image):
    """Standard normals (N, P, K, V) for inputs of `shape` (N, C, H, W), or None if no noise is wanted."""
    if not analog.tiles.output_noise:
        return None
    weights, (kernel, stride, padding) = analog.matrices[layer.name], _window(layer)
    height, width = ((size + 2 * padding - kernel) // stride + 1 for size in shape[2:])
    each = (len(parts(len(weights), analog.tiles.rows)), weights.shape[1], height * width)
    size = int(np.prod(each))
    seed, chip, draw = analog.address
    return rng.normals(seed, chip, rng.Purpose.OUTPUT_NOISE, number, draw, first_image * size,
                       shape[0] * size).reshape(shape[0], *each)


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
            x = input_vectors(layer, inputs[0])
            x = x.reshape(-1, x.shape[-1])
            least = 1.0 if isinstance(layer, Linear) else 0.0  # the bias row is driven by 1
            ranges[layer.name] = calibrated_ranges(x, matrices[layer.name], tiles, quantile, least)
    return ranges
