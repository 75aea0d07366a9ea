"""Runs a network of refpcm.resnet on the fast kernels: forward, backward, inference. Specification: refpcm.network."""

import os
from dataclasses import dataclass

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.kernels import forward
from refpcm.kernels.backward import Backward
from refpcm.kernels.buffers import Buffers, Scratch, floats
from refpcm.kernels.convolution import FORMS, Form
from refpcm.kernels.layout import groups
from refpcm.kernels.parallel import same_threads
from refpcm.kernels.plan import Plan, make_plan, tensor_shapes
from refpcm.network import check

CHUNK = 128  # images that an inference pass takes at once


@dataclass
class Context:
    """What a step needs to know."""
    plan: Plan
    form: Form
    scratch: Scratch
    buffers: Buffers
    parameters: dict
    statistics: dict

    def shape(self, name):
        """(channels, plane) of a tensor."""
        return self.buffers.tensors[name].channels, self.buffers.tensors[name].plane

    def floats(self, layer, part):
        return floats(self.parameters[f"{layer.name}.{part}"])


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
        self.network, self.statistics = network, {}
        self._plan, self._form, self._scratch = make_plan(network), FORMS[kernels], Scratch()
        self._training, self._inference = None, {}

    @same_threads()
    def forward(self, parameters, images, training=False):
        """images (N, C, H, W) -> logits (N, classes), float32.

        training: batch norm uses the statistics of the batch, which `statistics` then holds as
        {batch-norm name: (mean, unbiased variance)}, float64 (C,); `backward` may follow.
        """
        check(self.network, parameters, images)
        if len(images) == 0:
            raise RefpcmError("the batch is empty; give at least one image")
        images = floats(images)
        if not training:
            return np.concatenate([self._infer(parameters, images[i:i + CHUNK]) for i in range(0, len(images), CHUNK)])
        context = self._context(parameters, self._training_buffers(images))
        forward.pack_images(context, images)
        for step in self._plan.steps:
            logits = forward.TRAINING[type(step)](step, context)
        self.statistics = context.statistics
        return logits

    @same_threads()
    def backward(self, parameters, dlogits):
        """dL/dlogits (N, classes) of the last training forward -> {parameter name: gradient}, float32.

        `parameters` may hold other weights than the forward pass had (interpretation I-2).
        """
        if not self.statistics:
            raise RefpcmError("backward needs a forward(..., training=True) before it")
        wanted = self._training.images, self.network.classes
        if dlogits.shape != wanted:
            raise RefpcmError(f"dlogits must be {wanted}, got {dlogits.shape}")
        gradients = Backward(self._context(parameters, self._training), floats(dlogits)).run()
        names = [f"{layer.name}.{part}" for layer in self.network.layers for part in ("weight", "bias")]
        return {name: gradients[name] for name in names if name in gradients}

    def _context(self, parameters, buffers):
        return Context(self._plan, self._form, self._scratch, buffers, parameters, {})

    def _training_buffers(self, images):
        """The buffers of the last step if they fit, else new ones, the old being freed first."""
        self.statistics = {}
        tensors, count = tensor_shapes(self._plan, *images.shape[1:]), groups(len(images))
        if self._training is None or (self._training.tensors, self._training.group_count) != (tensors, count):
            self._training = None
            self._training = Buffers(len(images), count, tensors)
        self._training.images = len(images)
        return self._training

    def _infer(self, parameters, images):
        """Buffers go back as soon as they have been read by all."""
        tensors, count = tensor_shapes(self._plan, *images.shape[1:]), groups(len(images))
        buffers = self._inference.get(count)
        if buffers is None or buffers.tensors != tensors:
            buffers = self._inference[count] = Buffers(len(images), count, tensors)
        buffers.images = len(images)
        context, waiting = self._context(parameters, buffers), dict(self._plan.readers)
        forward.pack_images(context, images)
        for step in self._plan.steps:
            result = forward.INFERENCE[type(step)](step, context)
            for name in step.reads:
                waiting[name] -= 1
                if waiting[name] == 0:
                    buffers.give(name, buffers.values.pop(name))
        return result
