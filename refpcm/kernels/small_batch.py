"""Inference of a few images: the steps of a plan in the layout of single.py. Specification: refpcm.network.

Everything that does not depend on the images is made once: buffers, packed weights, and the list of kernel calls. For
a batch of 1 the kernels take so little time that finding out what to call would be a good part of it.
"""

import numpy as np

from refpcm.kernels import head, pooling, single
from refpcm.kernels.buffers import floats
from refpcm.kernels.convolution import corner
from refpcm.kernels.finish import NO_FLOOR
from refpcm.kernels.forward import ZERO, fold
from refpcm.kernels.layout import LANES, empty_lanes
from refpcm.kernels.parallel import run
from refpcm.kernels.plan import ConvStep, HeadStep, PadStep, tensor_shapes
from refpcm.resnet import IMAGE

SMALL = LANES - 1  # images of the largest such batch; 16 fill the lanes of the other kernels
WORTH_THREADS = 2 ** 21  # multiply-adds of a call, some 40 us, below which waking a thread (10 us) hardly pays


def _blocks(channels):
    """Vectors of LANES channels that hold so many channels."""
    return -(-channels // LANES)


class SmallBatch:
    """Inference of up to SMALL images of shape (C, H, W); `load` the parameters first."""

    def __init__(self, plan, shape):
        self.shape, self._plan, self._tensors = shape, plan, tensor_shapes(plan, *shape)
        self._weights = {step.result: self._room(step.conv) for step in plan.steps if isinstance(step, ConvStep)}
        self._linear, self._calls = None, {}
        self._assign_buffers()

    @staticmethod
    def _room(layer):
        """(packed weights, bias) to be filled by `load`."""
        blocks, size = _blocks(layer.out_channels), layer.kernel
        return (np.zeros((blocks, size, layer.in_channels, size, LANES), np.float32),
                np.zeros(blocks * LANES, np.float32))

    def _assign_buffers(self):
        """{tensor name: (SMALL, B, P, 16)}; a buffer goes to another tensor once it has been read by all."""
        self._values, free, waiting = {}, {}, dict(self._plan.readers)

        def take(name):
            tensor = self._tensors[name]
            spare = free.setdefault((_blocks(tensor.channels), tensor.plane), [])
            self._values[name] = spare.pop() if spare else empty_lanes(SMALL, _blocks(tensor.channels), tensor.plane)
        take(IMAGE)
        for step in self._plan.steps:
            if not isinstance(step, HeadStep):
                take(step.result)
            for name in step.reads:
                waiting[name] -= 1
                if waiting[name] == 0:
                    tensor = self._tensors[name]
                    free[_blocks(tensor.channels), tensor.plane].append(self._values[name])

    def load(self, parameters):
        """Fold every batch norm into its convolution, and pack the weights, as they are now."""
        for step in self._plan.steps:
            if isinstance(step, ConvStep):
                (packed, bias), (scale, shift) = self._weights[step.result], fold(step, parameters)
                weight = floats(parameters[f"{step.conv.name}.weight"])
                run(single.pack_weights, len(packed), weight, scale, packed)
                bias[:len(shift)] = shift
            elif isinstance(step, HeadStep):
                self._linear = [np.array(parameters[f"{step.linear.name}.{part}"], np.float32, order="C")
                                for part in ("weight", "bias")]

    def __call__(self, images):
        """images (N, C, H, W) float32, N <= SMALL -> logits (N, classes)."""
        n = len(images)
        if n not in self._calls:
            self._calls[n] = self._calls_for(n)
        calls, pooled = self._calls[n]
        run(single.pack_images, n, images, self._values[IMAGE], self._tensors[IMAGE].plane.grid)
        for kernel, tasks, threads, arguments in calls:
            if threads:
                run(kernel, tasks, *arguments)
            else:
                kernel(0, tasks, *arguments)
        weight, bias = self._linear
        logits = np.empty((n, len(weight)), np.float32)
        run(head.linear, n, pooled, weight, bias, logits)
        return logits

    def _calls_for(self, n):
        """For n images: [(kernel, tasks, are threads worth it, arguments)], pooled features (n, at least C)."""
        values, calls = {name: value[:n] for name, value in self._values.items()}, []
        for step in self._plan.steps:
            x, x_plane = values[step.source], self._tensors[step.source].plane
            if isinstance(step, HeadStep):
                pooled = np.zeros((n, x.shape[1] * LANES), np.float32)
                planes = x.reshape(-1, 1, *x.shape[2:])
                calls.append((pooling.average_pool, len(planes), False, (planes, x_plane.grid, pooled.reshape(-1, 1))))
                continue
            out, plane = values[step.result], self._tensors[step.result].plane
            if isinstance(step, ConvStep):
                addend = values[step.skip] if step.skip else out
                packed, bias = self._weights[step.result]
                work = n * plane.height * plane.width * packed.size
                calls.append((single.convolve_rows, n * plane.height * out.shape[1], work >= WORTH_THREADS, (
                    x, corner(x_plane, step.conv.padding), x_plane.row, step.conv.stride, packed, bias,
                    step.skip is not None, addend, ZERO if step.relu else NO_FLOOR, out, plane.grid)))
            elif isinstance(step, PadStep):
                calls.append((single.pad_shortcut, n, False, (x, x_plane.grid, step.layer.stride, step.before,
                                                              step.layer.in_channels, out, plane.grid)))
            else:
                arguments = x, x_plane.grid, step.window, out, plane.grid
                calls.append((pooling.max_pool, n * out.shape[1], True, arguments))
        return calls, pooled
