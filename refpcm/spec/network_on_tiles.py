"""A network with its crossbar layers on tiles: the analog counterpart of `refpcm.spec.network.forward`.

Convolutions become products of image windows with the layer's matrix; batch norm, ReLU, additions and pooling stay
digital.
"""

from dataclasses import dataclass, field

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec import random
from refpcm.spec.crossbars import analog_layers, check_matrices, to_matrices
from refpcm.spec.network import FORWARD, Tape
from refpcm.spec.nn.conv2d import conv2d_forward, windows
from refpcm.spec.pcm.converters import saturated
from refpcm.spec.pcm.tile import Ranges, Saturation, Tail, Tiles, parts, product
from refpcm.spec.pcm.tile import count as count_conversions
from refpcm.spec.resnet import IMAGE, Conv2d, Linear
from refpcm.spec.shapes import tensor_shapes

QUANTILE = 0.99995  # of activations and pre-activations: the paper's range of its converters


def layer_inputs(layer, values):
    """What a crossbar layer's matrix sees: (N, C, H, W), or (N, C) with a 1 for the bias as (N, C + 1, 1, 1)."""
    if not isinstance(layer, Linear):
        return values
    return np.concatenate([values, np.ones((len(values), 1), values.dtype)], 1)[:, :, None, None]


def input_vectors(layer, values):
    """Return the input vectors (N, H_out, W_out, R): that of a position is its window (C, k, k) in C order. E-56."""
    view = windows(layer_inputs(layer, values), *window(layer)).transpose(0, 2, 3, 1, 4, 5)
    return view.reshape(*view.shape[:3], -1)


def window(layer):
    """Kernel, stride, padding."""
    return (1, 1, 0) if isinstance(layer, Linear) else (layer.kernel, layer.stride, layer.padding)


@dataclass(frozen=True)
class Analog:
    """The crossbar layers of a network on tiles.

    matrices, w_max, ranges: {layer name: effective weights (R, K) in the state's precision}, {layer name: W_max}, {layer name:
    Ranges}.
    alphas: {layer name: GDC factor}; a layer's output is divided by it.
    address: (seed, chip, draw) of the noise; generator: `refpcm.spec.random` or `refpcm.fast.random`, which draws it.
    variances: {layer name: variance (R, K) of each weight's read noise}, drawn afresh for every product (I-9), for the
    layers that have it; matrices are then the weights' means (refpcm/spec/pcm/product_noise.py).
    Raises RefpcmError for variances that fit no matrix or are no variances.
    """
    tiles: Tiles
    matrices: dict
    w_max: dict
    ranges: dict
    alphas: dict = field(default_factory=dict)
    address: tuple = (0, 0, 0)
    variances: dict = field(default_factory=dict)
    generator: object = random

    def __post_init__(self):
        for name, variance in self.variances.items():
            shape = np.shape(self.matrices.get(name))
            if np.shape(variance) != shape or not (np.min(variance) >= 0 and np.max(variance) < np.inf):
                raise RefpcmError(f"variances of layer {name!r} must be finite, not negative and of the weights' "
                                  f"shape, {shape}: take refpcm.spec.pcm.product_noise.weight_variances of the same chip")


def analog_forward(network, parameters, analog, images, first_image=0, saturation=None, training=False):
    """images (N, C, H, W), normalised -> Tape with every intermediate, as `refpcm.spec.network.forward` leaves it.
    E-56.

    parameters: of the digital layers (and of crossbar layers that are not in analog.matrices).
    first_image: number of the first image in the address of output and read noise; element index is
        ((image * parts + part) * K + column) * positions + position.
    saturation: {layer name: Saturation} to add to; of a layer's inputs every pixel counts once, padding not.
    Raises RefpcmError for matrices that do not fit the network, and for layers that do not fit one another.
    """
    check_matrices(network, analog.matrices)
    tensor_shapes(network, images.shape[1:])
    number = {layer.name: number for number, layer in analog_layers(network)}
    tape = Tape(training, {IMAGE: images})
    for layer in network.layers:
        inputs = [tape.values[name] for name in layer.inputs]
        if layer.name not in analog.matrices:
            tape.values[layer.name] = FORWARD[type(layer)](layer, inputs, parameters, tape)
            continue
        counts = Saturation()
        y = _analog_layer(layer, number[layer.name], analog, inputs[0], first_image, counts)
        if saturation is not None:
            driven = layer_inputs(layer, inputs[0])
            beyond = saturated(driven, analog.tiles.dac, analog.ranges[layer.name].inputs)
            count_conversions(saturation[layer.name], analog.tiles, driven.size, beyond, counts.adc_values,
                              counts.adc_saturated)
        tape.values[layer.name] = y[:, :, 0, 0] if isinstance(layer, Linear) else y
    return tape


def _analog_layer(layer, number, analog, values, first_image, counts):
    """One crossbar layer: (N, C, H, W) or (N, C) -> (N, K, H_out, W_out)."""
    name, weights, tiles = layer.name, analog.matrices[layer.name], analog.tiles
    vectors = input_vectors(layer, values)
    n, height, width, rows = vectors.shape
    row_parts = len(parts(rows, tiles.rows))

    def noise(purpose):
        """Standard normals, one for every vector, row part and column: (N V, P, K)."""
        seed, chip, draw = analog.address
        each = row_parts * weights.shape[1] * height * width
        z = analog.generator.normals(seed, chip, purpose, number, draw, first_image * each, n * each, values.dtype)
        z = z.reshape(n, row_parts, -1, height * width).transpose(0, 3, 1, 2)
        return z.reshape(n * height * width, row_parts, -1)
    variance = analog.variances.get(name)
    y = product(vectors.reshape(-1, rows), weights, tiles, analog.ranges[name],
                noise(random.Purpose.OUTPUT_NOISE) if tiles.output_noise else None, analog.w_max[name], counts, variance,
                noise(random.Purpose.PRODUCT_READ_NOISE) if variance is not None else None)
    y = y / np.asarray(analog.alphas.get(name, 1.0), y.dtype)
    return np.ascontiguousarray(y.reshape(n, height, width, -1).transpose(0, 3, 1, 2))


class EngineOnTiles:
    """A network on tiles with the forward pass of `refpcm.spec.engine.Engine`; `refpcm.fast.tiles.engine` has another.

    Images are numbered on from `next_image`, which the caller may set. saturation: {layer name: Saturation} to add to,
    or None. statistics: as of Engine.
    """

    def __init__(self, network, analog, next_image=0, saturation=None):
        check_matrices(network, analog.matrices)
        self.network, self.analog, self.next_image, self.saturation = network, analog, next_image, saturation
        self.statistics = {}

    def forward(self, parameters, images, training=False):
        """Return the logits (N, classes) of images (N, C, H, W)."""
        first_image, self.next_image = self.next_image, self.next_image + len(images)
        tape = analog_forward(self.network, parameters, self.analog, images, first_image, self.saturation, training)
        self.statistics = tape.statistics
        return tape.values[self.network.layers[-1].name]


def calibrate_ranges(network, parameters, on_chip, batches, count, tiles, quantile=QUANTILE, convolve=conv2d_forward):
    """Return {layer name: Ranges}: the quantile of a layer's inputs, and of its column sums, in the digital network.
    E-57.

    The paper's ranges are the 99.995th percentiles of activations and pre-activations of 10,000 random training images in
    the baseline network (Joshi et al. 2020, Methods). on_chip: as of `refpcm.spec.crossbars.to_matrices`. batches: arrays
    (N, C, H, W), normalised, of training images, `count` in all; they are passed through one after the other. Where tiles
    split a layer's rows, its sums are those of the parts. A layer all of whose inputs are 0 gets a range of 1: any will do.
    convolve: `refpcm.spec.nn.conv2d_forward` or a faster one. Raises RefpcmError for inputs or sums that are not finite.
    """
    matrices, tails = to_matrices(network, parameters, on_chip), {}
    for images in batches:
        tape = Tape(False, {IMAGE: images})
        for layer in network.layers:
            inputs = [tape.values[name] for name in layer.inputs]
            if isinstance(layer, Conv2d):
                value = convolve(inputs[0], parameters[f"{layer.name}.weight"], layer.stride, layer.padding)
            else:
                value = FORWARD[type(layer)](layer, inputs, parameters, tape)
            tape.values[layer.name] = value
            if layer.name in matrices:
                _observe(layer, inputs[0], column_sums(layer, inputs[0], value, matrices[layer.name], tiles), tails, count,
                         quantile)
    return {name: Ranges(max(inputs.quantile(), least) or 1.0, sums.quantile() or 1.0)
            for name, (inputs, sums, least) in tails.items()}


def column_sums(layer, inputs, outputs, weights, tiles):
    """Return the column sums of each row part of one layer, a list of arrays: the outputs themselves where there is one part."""
    bounds = parts(len(weights), tiles.rows)
    if len(bounds) == 1:
        return [outputs]
    vectors = input_vectors(layer, inputs)
    vectors = vectors.reshape(-1, vectors.shape[-1])
    return [vectors[:, begin:end] @ weights[begin:end] for begin, end in bounds]


def _observe(layer, inputs, sums, tails, count, quantile):
    """Add a batch's inputs and column sums of one layer to its tails."""
    if layer.name not in tails:
        least = 1.0 if isinstance(layer, Linear) else 0.0  # the bias row is driven by 1
        totals = (count * sum(array.size for array in arrays) // len(inputs) for arrays in ([inputs], sums))
        tails[layer.name] = *(Tail(total, quantile) for total in totals), least
    for what, tail, arrays in zip(("an input", "a column sum"), tails[layer.name], ([inputs], sums)):
        for array in arrays:
            if not np.isfinite(array).all():
                raise RefpcmError(f"converter ranges: {what} of layer {layer.name!r} is not finite for the calibration "
                                  "images; look at the network's parameters")
            tail.add(array)
