"""The steps of a plan going backward. Specification: refpcm.spec.network.

A tensor's gradient is complete when its last reader has added its part; then it goes through the tensor's ReLU, and
the sums that its batch norm needs are taken. Where the last reader is a convolution, its kernel does all that.
`plan` refuses other orders of readers.
"""

import numpy as np

from refpcm.fast.kernels import elementwise, head, pooling
from refpcm.fast.kernels.convolution import input_gradient, input_gradient_packing, weight_gradient_of
from refpcm.fast.kernels.finish import AFFINE, GRADIENT, finish
from refpcm.fast.network.buffers import floats
from refpcm.fast.network.plan import ConvStep, HeadStep, MaxPoolStep, PadStep
from refpcm.fast.network.prepare import pack
from refpcm.fast.threads import run_tasks
from refpcm.spec.resnet import IMAGE


class Backward:
    """One backward pass.

    waiting: {tensor name: readers whose part is missing}; arrived: {tensor name: buffer with the sum so far, or, once
    complete, the gradient behind the ReLU}; gradients: {parameter name: gradient}.
    """

    def __init__(self, context, dlogits):
        self.context, self.dlogits = context, dlogits
        self.waiting, self.arrived, self.gradients = dict(context.plan.readers), {}, {}

    def run(self):
        self._pack()
        for step in reversed(self.context.plan.steps):
            STEPS[type(step)](self, step)
        return self.gradients

    def _pack(self):
        """Pack the weights of all convolutions whose input has a gradient."""
        context, self.packings = self.context, {}
        for step in context.plan.convolutions:
            if step.source != IMAGE:
                self.packings[step.result] = input_gradient_packing(
                    context.square, context.packed_memory(step), context.floats(step.conv, "weight"), step.conv.stride,
                    context.shape(step.source)[1])
        pack(self.packings.values())

    def _head(self, step):
        context, buffers = self.context, self.context.buffers
        channels, plane = context.shape(step.source)
        weight, pooled = context.floats(step.linear, "weight"), context.scratch("pooled", (buffers.images, channels))
        dweight, dbias, dpooled = np.empty_like(weight), np.empty(len(weight), np.float32), np.empty_like(pooled)
        run_tasks(head.linear_weight_gradient, len(weight), self.dlogits, pooled, dweight, dbias)
        run_tasks(head.linear_input_gradient, buffers.images, self.dlogits, weight, dpooled)
        self._own(step.linear, weight=dweight, bias=dbias)
        out = buffers.take(step.source)
        run_tasks(pooling.average_pool_gradient, len(out) * channels, dpooled, out, plane.grid)
        self._only_part(step.source, out)

    def _pad(self, step):
        context, buffers, g = self.context, self.context.buffers, self.arrived.pop(step.result)
        (channels, plane), out = context.shape(step.source), buffers.take(step.source)
        run_tasks(pooling.pad_shortcut_gradient, len(out) * channels, g, context.shape(step.result)[1].grid,
            step.layer.stride, step.layer.before, out, plane.grid)
        buffers.give(step.result, g)
        self._first_part(step.source, out)

    def _max_pool(self, step):
        context, buffers, g = self.context, self.context.buffers, self.arrived.pop(step.result)
        (channels, plane), out = context.shape(step.source), buffers.take(step.source)
        run_tasks(pooling.max_pool_gradient, len(out) * channels, g, buffers.values[step.result],
            context.shape(step.result)[1].grid, buffers.values[step.source], plane.grid, step.window, out)
        buffers.give(step.result, g)
        self._only_part(step.source, out)

    def _conv(self, step):
        context, buffers, g = self.context, self.context.buffers, self.arrived.pop(step.result)
        (channels, plane), norm = context.shape(step.result), buffers.norms[step.result]
        z = buffers.convolved[step.result]
        if not step.relu:  # a projection: g is the gradient of the sum that it was added to
            norm.sums = self._sums(elementwise.gradient_sums, step.result, g, z)
        dgamma, dbeta = norm.parameter_gradients()
        self._own(step.norm, weight=floats(dgamma), bias=floats(dbeta))
        # A residual's g lives on as the gradient of its skip; elsewhere dz takes its place.
        dz = buffers.take(step.result) if step.skip else g
        context.chain.add(elementwise.normalise_gradient, len(z) * channels, g, z,
                          *norm.gradient(context.floats(step.norm, "weight")), dz, plane.grid, buffers.last_lanes)
        if step.skip:
            self._first_part(step.skip, g)
        x, x_plane = context.read_by(step), context.shape(step.source)[1]
        collected = weight_gradient_of(context.chain, context.square, context.scratch, step.conv, x, x_plane, dz, plane)
        if step.source != IMAGE:
            self._input(step, dz)
        else:
            context.chain.run()
        self._own(step.conv, weight=collected())
        buffers.give(step.result, dz)

    def _input(self, step, dz):
        """The source's gradient: this convolution's part and what has arrived; through the ReLU if it is the last.

        The chain runs here.
        """
        context, buffers, name = self.context, self.context.buffers, step.source
        (channels, plane), addend, out = context.shape(name), self.arrived.pop(name, None), buffers.take(name)
        self.waiting[name] -= 1
        behind_relu = self.waiting[name] == 0 and self.context.plan.has_relu(name)
        if behind_relu:
            epilogue = finish(GRADIENT, floats(buffers.norms[name].mean), out, addend=addend, output=buffers.values[name],
                         activation=buffers.convolved[name])
        else:
            epilogue = finish(AFFINE, np.zeros(channels, np.float32), out, addend=addend)
        row_sums = input_gradient(context.chain, self.packings[step.result], context.scratch, step.conv.kernel,
                                  step.conv.stride, dz, context.shape(step.result)[1], out, plane, epilogue,
                                  buffers.last_lanes)
        context.chain.run()
        if behind_relu:
            buffers.norms[name].sums = row_sums.sum(0)
        if addend is not None:
            buffers.give(name, addend)
        self.arrived[name] = out

    def _first_part(self, name, gradient):
        """A part that a later reader's convolution will add to."""
        self.waiting[name] -= 1
        self.arrived[name] = gradient

    def _only_part(self, name, gradient):
        """The whole gradient, from a reader that is no convolution."""
        self._first_part(name, gradient)
        if self.context.plan.has_relu(name):
            buffers = self.context.buffers
            buffers.norms[name].sums = self._sums(elementwise.relu_gradient, name, gradient, buffers.values[name],
                                                  buffers.convolved[name], out=gradient)

    def _sums(self, kernel, name, *tensors, out=None):
        """Sums (C, 2) of a kernel that takes (tensors ..., mean, sums, [out], grid)."""
        (channels, plane), mean = self.context.shape(name), floats(self.context.buffers.norms[name].mean)
        sums = self.context.scratch("plane sums", (len(tensors[0]), channels, 2), np.float64)
        results = (sums,) if out is None else (sums, out)
        run_tasks(kernel, len(tensors[0]) * channels, *tensors, mean, *results, plane.grid)
        return sums.sum(0)

    def _own(self, layer, **gradients):
        for part, gradient in gradients.items():
            self.gradients[f"{layer.name}.{part}"] = gradient


STEPS = {ConvStep: Backward._conv, PadStep: Backward._pad, MaxPoolStep: Backward._max_pool, HeadStep: Backward._head}
