"""The steps of a plan going forward: training and inference. Specification: refpcm.spec.network.

Per-channel arithmetic (statistics, coefficients) is float64 NumPy; everything a pixel large runs in kernels.
"""

from dataclasses import dataclass

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.fast.kernels import elementwise, pooling
from refpcm.fast.kernels.finish import AFFINE, NO_FLOOR, STATISTICS, finish
from refpcm.fast.network import noise
from refpcm.fast.network.buffers import floats
from refpcm.fast.network.plan import ConvStep, HeadStep, MaxPoolStep, PadStep
from refpcm.fast.threads import run_tasks
from refpcm.spec.nn.batch_norm import EPSILON, Statistics
from refpcm.spec.resnet import IMAGE

FAR = 64  # a mean farther than 8 standard deviations from the running mean is worth a second pass
ZERO = np.float32(0)


@dataclass
class Norm:
    """What a training pass knows of one batch norm; float64 (C,).

    count = N H W; infinite for running statistics, which no single value moves, so that their gradient is zero.
    """
    mean: np.ndarray
    variance: np.ndarray  # biased, or the running one
    count: float
    sums: np.ndarray = None  # (C, 2): of g and g * (z - mean), once its gradient has arrived

    @property
    def inverse_std(self):
        return 1 / np.sqrt(self.variance + EPSILON)

    def affine(self, weight, bias):
        """(mean, scale, shift), float32: norm(z) = (z - mean) * scale + shift."""
        return floats(self.mean), floats(weight.astype(np.float64) * self.inverse_std), floats(bias)

    def parameter_gradients(self):
        """dgamma, dbeta, float64 (C,)."""
        return self.sums[:, 1] * self.inverse_std, self.sums[:, 0]

    def gradient(self, weight):
        """(mean, scale, slope, offset), float32 (C,): dz = scale g + slope (z - mean) + offset."""
        scale, (dgamma, dbeta) = weight.astype(np.float64) * self.inverse_std, self.parameter_gradients()
        return (floats(self.mean), floats(scale), floats(-scale * self.inverse_std * dgamma / self.count),
                floats(-scale * dbeta / self.count))


def pack_images(context, images):
    """images (N, C, H, W) float32 into the lanes of the tensor IMAGE, before the chain's other kernels."""
    buffers = context.buffers
    packed = buffers.keep(buffers.values, IMAGE)
    context.chain.add(elementwise.pack_images, packed.shape[0] * packed.shape[1], images, packed,
                      buffers.tensors[IMAGE].plane.grid)


def conv_training(step, context):
    """A ConvStep of a training pass: convolution, and the statistics and ReLU behind it, with the noise it may have.

    A convolution without ReLU is a projection: whoever adds it normalises it.
    Raises RefpcmError for a batch of one value a channel, unless the statistics are frozen.
    """
    buffers, plane = context.buffers, context.shape(step.result)[1]
    reference, count = context.floats(step.norm, "running_mean"), buffers.images * plane.height * plane.width
    if count < 2 and not context.frozen:
        raise RefpcmError("batch norm in training needs at least two values a channel; use a larger batch")
    z = buffers.keep(buffers.convolved, step.result)
    if noise.wanted(context, "inputs"):
        noise.read_noisily(step, context)
    row_sums = context.convolve(step, context.prepared[step.result], z, finish(STATISTICS, reference, z))
    context.chain.run()
    sums = row_sums.sum(0)
    if noise.wanted(context, "weights", step.conv):
        noise.add_weight_noise(context, step, plane, z)
        sums = None if context.frozen else _sums(step, context, reference)
    if noise.wanted(context, "pre-activations"):
        noise.add_lane_noise(context, step.conv, z, plane, z)
        sums = None if context.frozen else _sums(step, context, reference)
    if context.frozen:
        running = (context.parameters[f"{step.norm.name}.{part}"] for part in ("running_mean", "running_var"))
        buffers.norms[step.result] = Norm(*(value.astype(np.float64) for value in running), np.inf)
    else:
        norm = batch_norm(reference, sums, count, lambda near: _sums(step, context, near))
        buffers.norms[step.result] = norm
        context.statistics[step.norm.name] = Statistics(norm.mean, norm.variance, count)
    if step.relu:
        _normalise(step, context)


def _sums(step, context, reference):
    """Sums of z - reference and its square, (C, 2), in a pass of their own."""
    buffers, (channels, plane), z = context.buffers, context.shape(step.result), context.buffers.convolved[step.result]
    sums = context.scratch("plane sums", (len(z), channels, 2), np.float64)
    run_tasks(elementwise.moments, len(z) * channels, z, reference, sums, plane.grid, buffers.last_lanes)
    return sums.sum(0)


def batch_norm(reference, sums, count, sums_from):
    """Norm of a batch from the sums (C, 2) of z - reference and its square.

    Where the mean lies so far from `reference` that digits were lost, sums_from(mean) sums again.
    """
    norm = _norm(reference, sums, count)
    if np.any((norm.mean - reference) ** 2 > FAR * norm.variance):
        reference = floats(norm.mean)
        norm = _norm(reference, sums_from(reference), count)
    return norm


def _norm(reference, sums, count):
    """From the sums of z - reference and its square; NaN where they are beyond float32.

    An infinite variance would leave nothing but the bias of whatever z is, a finite number.
    """
    shifted, squares = sums[:, 0] / count, np.where(np.isinf(sums[:, 1]), np.nan, sums[:, 1])
    return Norm(reference + shifted, np.maximum(squares / count - shifted ** 2, 0), count)


def _normalise(step, context):
    """result = relu(norm(z) + skip); a projection's batch norm is applied here, while it is added."""
    buffers, (channels, plane) = context.buffers, context.shape(step.result)
    z, own = buffers.convolved[step.result], _affine(step, context)
    if step.skip is None:
        mode, skip, skip_norm = elementwise.NO_SKIP, z, own
    elif step.skip in buffers.values:
        mode, skip, skip_norm = elementwise.SKIP, buffers.values[step.skip], own
    else:
        projection = context.plan.producers[step.skip]
        mode, skip, skip_norm = elementwise.SKIP_NORM, buffers.convolved[step.skip], _affine(projection, context)
    context.chain.add(elementwise.normalise, len(z) * channels, z, own, mode, skip, skip_norm, ZERO,
        buffers.keep(buffers.values, step.result), plane.grid)


def _affine(step, context):
    weight, bias = (context.floats(step.norm, part) for part in ("weight", "bias"))
    return context.buffers.norms[step.result].affine(weight, bias)


def conv_inference(step, context):
    """A ConvStep with the running statistics, which are folded into weights and bias, shortcut and ReLU included."""
    buffers = context.buffers
    prepared = context.prepared[step.result]
    out = buffers.keep(buffers.values, step.result)
    epilogue = finish(AFFINE, prepared.bias, out, floor=ZERO if step.relu else NO_FLOOR,
                 addend=buffers.values[step.skip] if step.skip else None)
    context.convolve(step, prepared, out, epilogue)


def pad(step, context):
    """A PadStep, in training and inference."""
    buffers, plane = context.buffers, context.shape(step.result)[1]
    out = buffers.keep(buffers.values, step.result)
    context.chain.add(pooling.pad_shortcut, out.shape[0] * out.shape[1], buffers.values[step.source],
        context.shape(step.source)[1].grid, step.layer.stride, step.layer.before, out, plane.grid)


def max_pool(step, context):
    """A MaxPoolStep, in training and inference."""
    buffers, plane = context.buffers, context.shape(step.result)[1]
    out = buffers.keep(buffers.values, step.result)
    context.chain.add(pooling.max_pool, out.shape[0] * out.shape[1], buffers.values[step.source],
        context.shape(step.source)[1].grid, step.window, out, plane.grid)


def head_of(step, context):
    """A HeadStep, in training and inference -> logits (N, classes)."""
    buffers, (channels, plane) = context.buffers, context.shape(step.source)
    x, pooled = buffers.values[step.source], context.scratch("pooled", (buffers.images, channels))
    context.chain.add(pooling.average_pool, len(x) * channels, x, plane.grid, pooled)
    context.chain.run()
    noise.add_row_noise(context, step.linear, "inputs", pooled)
    logits = context.linear(step, pooled)
    noise.add_products_of_rows(context, step.linear, pooled, logits)
    noise.add_row_noise(context, step.linear, "pre-activations", logits)
    return logits


TRAINING = {ConvStep: conv_training, PadStep: pad, MaxPoolStep: max_pool, HeadStep: head_of}
INFERENCE = {**TRAINING, ConvStep: conv_inference}
