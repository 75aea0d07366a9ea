"""Runs a network of refpcm.resnet on the fast kernels: forward, backward, inference. Specification: refpcm.network.

Per-channel arithmetic (statistics, coefficients) is float64 NumPy; everything a pixel large runs in kernels.
Buffers are made on first use for a batch size and used again in every later step.
"""

import os
from dataclasses import dataclass, field
from math import prod

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.kernels import conv, conv_plain, elementwise, head, winograd
from refpcm.kernels.emit import OUT_TILE
from refpcm.kernels.finish import AFFINE, GRADIENT, STATISTICS
from refpcm.kernels.layout import LANES, empty_lanes, groups
from refpcm.kernels.parallel import run, same_threads
from refpcm.kernels.plan import ConvStep, HeadStep, MaxPoolStep, PadStep, make_plan, tensor_shapes
from refpcm.nn.batch_norm import EPSILON
from refpcm.network import check
from refpcm.resnet import IMAGE

CHUNK = 128  # images an inference pass takes at once
NO_FLOOR, ZERO = np.float32(-np.inf), np.float32(0)
FORMS = {"vector": conv, "plain": conv_plain, "winograd": conv}
SECOND_CACHE = 512 * 1024  # bytes that a band of the weight gradient may fill
PARTS = 8  # pieces of a weight gradient, whatever the number of threads
FAR = 64  # a mean farther than 8 standard deviations from the running mean is worth a second pass
SMALL_WEIGHTS = 65536  # up to here a weight gradient is split over images, beyond over channels


@dataclass
class _Norm:
    """What a training pass knows of one batch norm: float64 (C,)."""
    mean: np.ndarray
    inverse_std: np.ndarray
    count: int
    sums: np.ndarray = None  # (C, 2): of g and g * (z - mean), once its gradient has arrived


@dataclass
class _Pass:
    """Buffers of one batch size: {tensor: activation}, {tensor: convolution output}, {tensor: batch norm state}."""
    images: int
    group_count: int
    tensors: dict
    values: dict = field(default_factory=dict)
    sums: dict = field(default_factory=dict)
    norms: dict = field(default_factory=dict)
    free: dict = field(default_factory=dict)

    @property
    def last_lanes(self):
        return self.images - LANES * (self.group_count - 1)

    def buffer(self, kept, name):
        """The buffer of tensor `name` in the dictionary `kept`, made on first use."""
        if name not in kept:
            kept[name] = self.take(self.tensors[name])
        return kept[name]

    def take(self, tensor):
        """A buffer for `tensor`; its border is zero, its inside anything."""
        free = self.free.setdefault(tensor, [])
        return free.pop() if free else empty_lanes(self.group_count, tensor.channels, tensor.plane)

    def give(self, tensor, buffer):
        self.free[tensor].append(buffer)


def _floats(array):
    """float32, contiguous, writable (kernels are compiled for that alone); the array itself if it is that already."""
    if array.dtype == np.float32 and array.flags.c_contiguous and array.flags.writeable:
        return array
    return np.array(array, np.float32, order="C")


def _statistics(reference, sums, count):
    """Mean and biased variance from the sums of (z - reference) and its square."""
    shifted = sums[:, 0] / count
    return reference + shifted, np.maximum(sums[:, 1] / count - shifted ** 2, 0)


def _blocks(channels):
    return -(-channels // OUT_TILE)


class Engine:
    """Fast executor of one network, float32.

    kernels: "vector" (emitted vector code), "winograd" (the same, with F(2x2) for 3x3 convolutions of stride 1) or
    "plain" (Numba loops); None takes REFPCM_KERNELS, else "vector".
    Raises RefpcmError for a network without a fast form or an unknown kernels name.
    """

    def __init__(self, network, kernels=None):
        kernels = kernels or os.environ.get("REFPCM_KERNELS") or "vector"
        if kernels not in FORMS:
            raise RefpcmError(f"unknown kernels {kernels!r}; known are: {', '.join(FORMS)}")
        self.network, self._form, self._winograd = network, FORMS[kernels], kernels == "winograd"
        self._plan = make_plan(network)
        self._training, self._inference = None, {}
        self._scratch = {}
        self.statistics = {}

    # --- forward

    @same_threads()
    def forward(self, parameters, images, training=False):
        """images (N, C, H, W) -> logits (N, classes), float32.

        training: batch norm uses the statistics of the batch, which `statistics` then holds as
        {batch-norm name: (mean, unbiased variance)}, float64 (C,); `backward` may follow.
        """
        check(self.network, parameters, images)
        if len(images) == 0:
            raise RefpcmError("the batch is empty; give at least one image")
        images = _floats(images)
        if not training:
            parts = [self._infer(parameters, images[i:i + CHUNK]) for i in range(0, len(images), CHUNK)]
            return np.concatenate(parts)
        state = self._state(self._training, images)
        if state is not self._training:
            self._training = None  # free the old buffers before the new ones are made
            self._training = state
        self.statistics = {}
        self._pack_images(state, images)
        for step in self._plan.steps:
            logits = self._FORWARD[type(step)](self, step, state, parameters)
        return logits

    def _state(self, old, images):
        """Buffers for these images; those of the last pass where they fit."""
        tensors = tensor_shapes(self._plan, *images.shape[1:])
        if old is None or old.tensors != tensors or old.group_count != groups(len(images)):
            old = _Pass(len(images), groups(len(images)), tensors)
        old.images = len(images)
        return old

    def _pack_images(self, state, images):
        packed, plane = state.buffer(state.values, IMAGE), state.tensors[IMAGE].plane
        run(elementwise.pack_images, state.group_count * images.shape[1], images, packed,
            plane.origin, plane.row, plane.height, plane.width)

    def _conv_forward(self, step, state, parameters):
        name, channels, plane = step.result, *self._shape(state, step.result)
        z = state.buffer(state.sums, name)
        reference = _floats(parameters[f"{step.norm.name}.running_mean"])
        sums = self._convolve(step, state, parameters, np.ones(channels, np.float32), z, STATISTICS, reference)
        count = state.images * plane.height * plane.width
        if count < 2:
            raise RefpcmError("batch norm in training needs at least two values a channel; use a larger batch")
        mean, variance = _statistics(reference, sums, count)
        if np.any((mean - reference) ** 2 > FAR * variance):  # digits were lost: once more, from the mean itself
            reference, sums = _floats(mean), self._array("plane sums", (state.group_count, channels, 2), np.float64)
            run(elementwise.moments, state.group_count * channels, z, reference, sums,
                plane.origin, plane.row, plane.height, plane.width, state.last_lanes)
            mean, variance = _statistics(reference, sums.sum(0), count)
        norm = state.norms[name] = _Norm(mean, 1 / np.sqrt(variance + EPSILON), count)
        self.statistics[step.norm.name] = (norm.mean, variance * count / (count - 1))
        if step.relu:
            self._normalise(step, state, parameters)

    def _normalise(self, step, state, parameters):
        """result = relu(norm(z) + skip); a projection's batch norm is applied here, while it is added."""
        z, (channels, plane) = state.sums[step.result], self._shape(state, step.result)
        own = self._affine(step, state, parameters)
        if step.skip is None:
            mode, skip, other = elementwise.NO_SKIP, z, own
        elif step.skip in state.values:
            mode, skip, other = elementwise.SKIP, state.values[step.skip], own
        else:
            projection = self._producer(step.skip)
            mode, skip = elementwise.SKIP_NORM, state.sums[step.skip]
            other = self._affine(projection, state, parameters)
        run(elementwise.normalise, state.group_count * channels, z, *own, mode, skip, *other, ZERO,
            state.buffer(state.values, step.result), plane.origin, plane.row, plane.height, plane.width)

    def _affine(self, step, state, parameters):
        """(mean, scale, shift) of a batch norm in training, float32."""
        norm = state.norms[step.result]
        gamma = np.asarray(parameters[f"{step.norm.name}.weight"], np.float64)
        return (_floats(norm.mean), _floats(gamma * norm.inverse_std), _floats(parameters[f"{step.norm.name}.bias"]))

    def _pad_forward(self, step, state, parameters):
        source, (channels, plane) = state.tensors[step.source].plane, self._shape(state, step.result)
        run(elementwise.pad_shortcut, state.group_count * channels, state.values[step.source], source.origin,
            source.row, step.layer.stride, step.before, state.buffer(state.values, step.result),
            plane.origin, plane.row, plane.height, plane.width)

    def _pool_forward(self, step, state, parameters):
        source, (channels, plane), layer = state.tensors[step.source].plane, self._shape(state, step.result), step.layer
        run(elementwise.max_pool, state.group_count * channels, state.values[step.source], source.origin, source.row,
            source.height, source.width, layer.kernel, layer.stride, layer.padding,
            state.buffer(state.values, step.result), plane.origin, plane.row, plane.height, plane.width)

    def _head_forward(self, step, state, parameters):
        channels, plane = self._shape(state, step.source)
        pooled = self._array("pooled", (state.images, channels))
        run(elementwise.average_pool, state.group_count * channels, state.values[step.source],
            plane.origin, plane.row, plane.height, plane.width, pooled)
        logits = np.empty((state.images, step.linear.out_features), np.float32)
        weight, bias = (_floats(parameters[f"{step.linear.name}.{part}"]) for part in ("weight", "bias"))
        run(head.linear, state.images, pooled, weight, bias, logits)
        return logits

    # --- inference: batch norm folded into the convolutions, buffers given back as soon as they were read

    def _infer(self, parameters, images):
        state = self._state(self._inference.get(groups(len(images))), images)
        self._inference[state.group_count] = state
        self._pack_images(state, images)
        waiting = dict(self._plan.readers)
        for step in self._plan.steps:
            if isinstance(step, ConvStep):
                self._conv_inference(step, state, parameters)
            else:
                logits = self._FORWARD[type(step)](self, step, state, parameters)
            for name in filter(None, (step.source, getattr(step, "skip", None))):
                waiting[name] -= 1
                if waiting[name] == 0:
                    state.give(state.tensors[name], state.values.pop(name))
        return logits

    def _conv_inference(self, step, state, parameters):
        gamma, beta, mean, variance = (np.asarray(parameters[f"{step.norm.name}.{part}"], np.float64)
                                       for part in ("weight", "bias", "running_mean", "running_var"))
        scale = gamma / np.sqrt(variance + EPSILON)
        out = state.buffer(state.values, step.result)
        self._convolve(step, state, parameters, _floats(scale), out, AFFINE, _floats(beta - mean * scale),
                       floor=ZERO if step.relu else NO_FLOOR, addend=state.values[step.skip] if step.skip else None)

    # --- backward

    @same_threads()
    def backward(self, parameters, dlogits):
        """dL/dlogits (N, classes) of the last training forward -> {parameter name: gradient}, float32.

        `parameters` may hold other weights than the forward pass had (interpretation I-2).
        """
        state = self._training
        if state is None or not state.values:
            raise RefpcmError("backward needs a forward(..., training=True) before it")
        if dlogits.shape != (state.images, self.network.classes):
            raise RefpcmError(f"dlogits must be {(state.images, self.network.classes)}, got {dlogits.shape}")
        self._waiting, self._pending, gradients = dict(self._plan.readers), {}, {}
        self._dlogits = _floats(dlogits)
        for step in reversed(self._plan.steps):
            self._BACKWARD[type(step)](self, step, state, parameters, gradients)
        names = [f"{layer.name}.{part}" for layer in self.network.layers for part in ("weight", "bias")]
        return {name: gradients[name] for name in names if name in gradients}

    def _head_backward(self, step, state, parameters, gradients):
        tensor = state.tensors[step.source]
        channels, plane = self._shape(state, step.source)
        weight = _floats(parameters[f"{step.linear.name}.weight"])
        dweight, dbias = np.empty_like(weight), np.empty(len(weight), np.float32)
        dpooled = np.empty((state.images, channels), np.float32)
        run(head.linear_weight_gradient, len(weight), self._dlogits, self._array("pooled", dpooled.shape), dweight, dbias)
        run(head.linear_input_gradient, state.images, self._dlogits, weight, dpooled)
        gradients[f"{step.linear.name}.weight"], gradients[f"{step.linear.name}.bias"] = dweight, dbias
        out = state.take(tensor)
        run(elementwise.average_pool_gradient, state.group_count * channels, dpooled, out,
            plane.origin, plane.row, plane.height, plane.width)
        self._arrive(state, step.source, out)

    def _arrive(self, state, name, gradient):
        """A reader's part of dL/d`name` in a buffer of its own. The last part must be the first or only one."""
        self._waiting[name] -= 1
        if name == IMAGE or self._waiting[name] > 0:
            self._pending[name] = gradient
            return
        producer = self._producer(name)
        if isinstance(producer, ConvStep) and producer.relu:
            channels, plane = self._shape(state, name)
            sums = self._array("plane sums", (state.group_count, channels, 2), np.float64)
            run(elementwise.relu_gradient, state.group_count * channels, gradient, state.values[name], state.sums[name],
                _floats(state.norms[name].mean), sums, gradient, plane.origin, plane.row, plane.height, plane.width)
            state.norms[name].sums = sums.sum(0)
        self._pending[name] = gradient

    def _conv_backward(self, step, state, parameters, gradients):
        name, tensor = step.result, state.tensors[step.result]
        norm, g = state.norms[name], self._pending.pop(name)
        if not step.relu:  # a projection: g is the gradient of the sum it was added to, shared with the main path
            norm.sums = self._gradient_sums(state, name, g)
        gamma = np.asarray(parameters[f"{step.norm.name}.weight"], np.float64)
        dbeta, dgamma = norm.sums[:, 0], norm.sums[:, 1] * norm.inverse_std
        gradients[f"{step.norm.name}.weight"], gradients[f"{step.norm.name}.bias"] = _floats(dgamma), _floats(dbeta)
        scale = gamma * norm.inverse_std
        slope = -scale * norm.inverse_std * dgamma / norm.count
        # A residual's g lives on as the gradient of its skip; elsewhere dz takes its place.
        dz = state.take(tensor) if step.skip else g
        plane = tensor.plane
        run(elementwise.normalise_gradient, state.group_count * tensor.channels, g, state.sums[name], _floats(norm.mean),
            _floats(scale), _floats(slope), _floats(-scale * dbeta / norm.count), dz,
            plane.origin, plane.row, plane.height, plane.width, state.last_lanes)
        if step.skip:
            self._skip_gradient(step, state, g)
        gradients[f"{step.conv.name}.weight"] = self._weight_gradient(step, state, dz)
        if step.source != IMAGE:
            self._input_gradient(step, state, parameters, dz)
        state.give(tensor, dz)

    def _skip_gradient(self, step, state, g):
        self._waiting[step.skip] -= 1
        self._pending[step.skip] = g

    def _gradient_sums(self, state, name, g):
        channels, plane = self._shape(state, name)
        sums = self._array("plane sums", (state.group_count, channels, 2), np.float64)
        run(elementwise.gradient_sums, state.group_count * channels, g, state.sums[name],
            _floats(state.norms[name].mean), sums, plane.origin, plane.row, plane.height, plane.width)
        return sums.sum(0)

    def _input_gradient(self, step, state, parameters, dz):
        """dL/dsource: the convolution's part plus what has arrived already, through the source's ReLU if it is complete."""
        name, tensor = step.source, state.tensors[step.source]
        (channels, plane), below = self._shape(state, name), state.tensors[step.result].plane
        self._waiting[name] -= 1
        addend, out = self._pending.pop(name, None), state.take(tensor)
        producer = self._producer(name)
        through_relu = self._waiting[name] == 0 and isinstance(producer, ConvStep)
        if through_relu:
            mode, constants = GRADIENT, _floats(state.norms[name].mean)
            output, activation = state.values[name], state.sums[name]
        else:
            mode, constants, output, activation = AFFINE, np.zeros(channels, np.float32), out, out
        weight, size, stride = _floats(parameters[f"{step.conv.name}.weight"]), step.conv.kernel, step.conv.stride
        finish = (mode, constants, NO_FLOOR, out if addend is None else addend, addend is not None, output, activation)
        if stride == 1:
            first = below.origin - (size - 1 - step.conv.padding) * (below.row + 1)
            sums = self._convolve_unit(step.conv, 1, state, weight, constants, True, dz, first, below.row, out, plane, *finish)
        else:
            packed = self._array("packed", (4, _blocks(channels), 2, len(weight), 2, OUT_TILE))
            conv.pack_weights_by_parity(weight, packed)
            rows = state.group_count * plane.height
            sums = self._array("row sums", (rows, channels, 2), np.float64)
            run(self._form.input_gradient_rows_stride_2, rows, dz, below.origin, below.row, packed, size, out,
                plane.origin, plane.row, plane.height, plane.width, *finish, sums, state.last_lanes)
        if through_relu:
            state.norms[name].sums = sums.sum(0)
        if addend is not None:
            state.give(tensor, addend)
        self._pending[name] = out

    def _weight_gradient(self, step, state, dz):
        layer, source, plane = step.conv, state.tensors[step.source].plane, state.tensors[step.result].plane
        size, tiles = layer.kernel, _blocks(layer.out_channels)
        small = layer.out_channels * layer.in_channels * size ** 2 <= SMALL_WEIGHTS
        image_parts = min(state.group_count, PARTS) if small else 1
        blocks = -(-tiles // min(tiles, PARTS // image_parts))
        sections = -(-tiles // blocks)
        row_bytes = (layer.in_channels * layer.stride ** 2 + layer.out_channels) * plane.width * LANES * 4
        band = max(SECOND_CACHE // row_bytes, -(-96 // plane.width))
        partial = self._array("partial", (image_parts, sections, blocks, -(-layer.in_channels // conv.in_tile(size)),
                                          size, conv.tile_sums(size)))
        gradient = np.empty((layer.out_channels, layer.in_channels, size, size), np.float32)
        run(self._form.weight_gradient_parts, image_parts * sections, state.values[step.source],
            source.origin - layer.padding * (source.row + 1), source.row, layer.stride, dz, plane.origin, plane.row,
            plane.height, plane.width, size, image_parts, band, partial)
        run(conv.collect_weight_gradient, layer.out_channels, partial, gradient)
        return gradient

    def _pad_backward(self, step, state, parameters, gradients):
        g, tensor = self._pending.pop(step.result), state.tensors[step.source]
        plane, out = state.tensors[step.result].plane, state.take(tensor)
        run(elementwise.pad_shortcut_gradient, state.group_count * tensor.channels, g, plane.origin, plane.row,
            plane.height, plane.width, step.layer.stride, step.before, out, tensor.plane.origin, tensor.plane.row)
        state.give(state.tensors[step.result], g)
        self._arrive(state, step.source, out)

    def _pool_backward(self, step, state, parameters, gradients):
        g, tensor, layer = self._pending.pop(step.result), state.tensors[step.source], step.layer
        plane, source, out = state.tensors[step.result].plane, tensor.plane, state.take(tensor)
        run(elementwise.max_pool_gradient, state.group_count * tensor.channels, g, state.values[step.result],
            plane.origin, plane.row, plane.height, plane.width, state.values[step.source], source.origin, source.row,
            source.height, source.width, layer.kernel, layer.stride, layer.padding, out)
        state.give(state.tensors[step.result], g)
        self._arrive(state, step.source, out)

    # --- shared

    def _convolve(self, step, state, parameters, scale, out, mode, constants, floor=NO_FLOOR, addend=None):
        """A forward convolution; returns the (C, 2) sums of mode STATISTICS."""
        source, (channels, plane), layer = state.tensors[step.source].plane, self._shape(state, step.result), step.conv
        sums = self._convolve_unit(
            layer, layer.stride, state, _floats(parameters[f"{layer.name}.weight"]), scale, False,
            state.values[step.source], source.origin - layer.padding * (source.row + 1), source.row, out, plane,
            mode, constants, floor, out if addend is None else addend, addend is not None, out, out)
        return sums.sum(0) if mode == STATISTICS else None

    def _convolve_unit(self, layer, stride, state, weight, scale, transposed, x, x_first, x_row, out, plane, *finish):
        """Pack the weights and run a convolution, direct or by Winograd; returns the sums (tasks, channels, 2)."""
        inputs, channels, size = x.shape[1], out.shape[1], layer.kernel
        if self._winograd and size == 3 and stride == 1 and inputs >= winograd.LESS_CHANNELS:
            packed = self._array("packed", (_blocks(channels), winograd.PLACES, inputs, OUT_TILE))
            pack, convolve, tasks = winograd.pack_weights, winograd.convolve_row_pairs, (plane.height + 1) // 2
        else:
            packed = self._array("packed", (_blocks(channels), size, inputs, size, OUT_TILE))
            pack, convolve, tasks = conv.pack_weights, self._form.convolve_rows, plane.height
        pack(weight, scale, transposed, packed)
        tasks *= state.group_count
        sums = self._array("row sums", (tasks, channels, 2), np.float64)
        run(convolve, tasks, x, x_first, x_row, stride, packed, out, plane.origin, plane.row, plane.height, plane.width,
            *finish, sums, state.last_lanes)
        return sums

    def _producer(self, name):
        return next((step for step in self._plan.steps if step.result == name), None)

    def _shape(self, state, name):
        return state.tensors[name].channels, state.tensors[name].plane

    def _array(self, name, shape, dtype=np.float32):
        """Scratch memory by name, used again; its contents are whatever was there."""
        size = prod(shape)
        if name not in self._scratch or self._scratch[name].size < size:
            self._scratch[name] = np.empty(size, dtype)
        return self._scratch[name][:size].reshape(shape)

    _FORWARD = {ConvStep: _conv_forward, PadStep: _pad_forward, MaxPoolStep: _pool_forward, HeadStep: _head_forward}
    _BACKWARD = {ConvStep: _conv_backward, PadStep: _pad_backward, MaxPoolStep: _pool_backward, HeadStep: _head_backward}
