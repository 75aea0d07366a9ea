"""Memory that lives from step to step."""

from dataclasses import dataclass, field
from math import prod

import numpy as np

from refpcm.fast.kernels.layout import empty_lanes, in_last_group


def floats(array):
    """float32, contiguous, writable (kernels are compiled for that alone); the array itself if it is that already."""
    if array.dtype == np.float32 and array.flags.c_contiguous and array.flags.writeable:
        return array
    return np.array(array, np.float32, order="C")


@dataclass
class Buffers:
    """Tensors in the lane layout for one batch size.

    tensors: {tensor name: plan.Tensor}; values: {tensor name: activation}; convolved: {tensor name: the output of its
    step's convolution, before batch norm}; norms: {tensor name: forward.Norm} of the last training pass; noisy_inputs:
    {tensor name: what its step's convolution read, if that was its source with noise}.
    """
    images: int
    group_count: int
    tensors: dict
    values: dict = field(default_factory=dict)
    convolved: dict = field(default_factory=dict)
    norms: dict = field(default_factory=dict)
    noisy_inputs: dict = field(default_factory=dict)
    free: dict = field(default_factory=dict)

    @property
    def last_lanes(self):
        """Images in the last group."""
        return in_last_group(self.images)

    def keep(self, kept, name):
        """The buffer of tensor `name` in `kept` (values or convolved), made on first use."""
        if name not in kept:
            kept[name] = self.take(name)
        return kept[name]

    def take(self, name):
        """A buffer shaped like tensor `name`: its border is zero, its inside anything."""
        tensor = self.tensors[name]
        free = self.free.setdefault(tensor, [])
        return free.pop() if free else empty_lanes(self.group_count, tensor.channels, tensor.plane)

    def give(self, name, buffer):
        """Return a buffer from `take`."""
        self.free[self.tensors[name]].append(buffer)


class Scratch:
    """Arrays by name, whose contents nobody counts on; grown when needed. A name belongs to one dtype."""

    def __init__(self):
        self._memory = {}

    def __call__(self, name, shape, dtype=np.float32):
        size = prod(shape)
        if name not in self._memory or self._memory[name].size < size:
            self._memory[name] = np.empty(size, dtype)
        return self._memory[name][:size].reshape(shape)
