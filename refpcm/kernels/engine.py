"""Runs a network of refpcm.resnet on the fast kernels: forward, backward, inference. Specification: refpcm.network."""

import os
import threading
from dataclasses import dataclass

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.kernels import forward, head
from refpcm.kernels.backward import Backward
from refpcm.kernels.buffers import Buffers, Scratch, floats
from refpcm.kernels.convolution import FORMS, Form, convolve
from refpcm.kernels.layout import LANES, groups
from refpcm.kernels.noise import wanted
from refpcm.kernels.parallel import one_at_a_time, run, same_threads
from refpcm.kernels.plan import Plan, make_plan, tensor_shapes
from refpcm.kernels.small_batch import SmallBatch
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
    noise: object = None
    frozen: bool = False

    def shape(self, name):
        """(channels, plane) of a tensor."""
        return self.buffers.tensors[name].channels, self.buffers.tensors[name].plane

    def floats(self, layer, part):
        """A layer's parameter as contiguous float32, such as (K, C, k, k) for the "weight" of a convolution."""
        return floats(self.parameters[f"{layer.name}.{part}"])

    def read_by(self, step):
        """What the convolution of a ConvStep reads: its source, or the noisy copy of it in this training pass."""
        return self.buffers.noisy_inputs.get(step.result, self.buffers.values[step.source])

    def convolve(self, step, scale, out, how):
        """out = the convolution of a ConvStep, times scale (C_out,), finished as `how` says (convolution.convolve)."""
        return convolve(self.form, self.scratch, self.floats(step.conv, "weight"), scale, False, step.conv.stride,
                        self.read_by(step), self.shape(step.source)[1], step.conv.padding, out,
                        self.shape(step.result)[1], how, self.buffers.last_lanes)

    def linear(self, step, pooled):
        """pooled (N, C) -> logits (N, classes) of a HeadStep."""
        logits = np.empty((len(pooled), step.linear.out_features), np.float32)
        run(head.linear, len(pooled), pooled, self.floats(step.linear, "weight"), self.floats(step.linear, "bias"),
            logits)
        return logits


class Engine:
    """Fast executor of one network, float32.

    kernels: "vector" (emitted vector code), "winograd" (the same, with F(2x2) for 3x3 convolutions of stride 1),
    "winograd4" (F(4x4) where the planes divide by 4, else F(2x2)) or "plain" (Numba loops); None takes
    REFPCM_KERNELS, else "vector".
    Raises RefpcmError for a network without a fast form or an unknown kernels name, and, in place of wrong numbers, when
    a second thread uses it while the first does.
    """

    images_at_once = CHUNK

    def __init__(self, network, kernels=None):
        kernels = kernels or os.environ.get("REFPCM_KERNELS") or "vector"
        if kernels not in FORMS:
            raise RefpcmError(f"unknown kernels {kernels!r}; known are: {', '.join(FORMS)}")
        self.network, self.statistics, self._may_go_back = network, {}, False
        self._plan, self._form, self._scratch = make_plan(network), FORMS[kernels], Scratch()
        self._training, self._inference, self._small, self._kernels = None, {}, None, kernels
        self._in_use = threading.Lock()

    @one_at_a_time
    @same_threads()
    def forward(self, parameters, images, training=False, noise=None, frozen=False):
        """images (N, C, H, W) -> logits (N, classes), float32.

        training: batch norm uses the statistics of the batch, which `statistics` then holds as
        {batch-norm name: (mean, unbiased variance)}, float64 (C,); `backward` may follow. noise: see refpcm.network;
        of a training pass only. frozen: a training pass with the running statistics, whose gradient takes them for
        constants (refpcm.network does both with training=False); `statistics` is then empty.
        """
        check(self.network, parameters, images)
        if len(images) == 0:
            raise RefpcmError("the batch is empty; give at least one image")
        images = floats(images)
        if not training:
            if noise is not None:
                raise RefpcmError("noise on activations belongs to a training pass; use refpcm.network elsewhere")
            if self._tail(len(images)):
                if self._small is None or self._small.shape != images.shape[1:]:
                    self._small = SmallBatch(self._plan, images.shape[1:])
                self._small.load(parameters)
            return self._infer_all(parameters, images, self._small)
        context = self._context(parameters, self._training_buffers(images), noise, frozen)
        context.buffers.noisy_inputs = context.buffers.noisy_inputs if wanted(context, "inputs") else {}
        forward.pack_images(context, images)
        for step in self._plan.steps:
            logits = forward.TRAINING[type(step)](step, context)
        self.statistics, self._may_go_back = context.statistics, True
        return logits

    @one_at_a_time
    @same_threads()
    def backward(self, parameters, dlogits):
        """dL/dlogits (N, classes) of the last training forward -> {parameter name: gradient}, float32.

        `parameters` may hold other weights than the forward pass had (interpretation I-2).
        """
        if not self._may_go_back:
            raise RefpcmError("backward needs a forward(..., training=True) just before it")
        wanted = self._training.images, self.network.classes
        if dlogits.shape != wanted:
            raise RefpcmError(f"dlogits must be {wanted}, got {dlogits.shape}")
        gradients = Backward(self._context(parameters, self._training), floats(dlogits)).run()
        names = [f"{layer.name}.{part}" for layer in self.network.layers for part in ("weight", "bias")]
        return {name: gradients[name] for name in names if name in gradients}

    def prepared(self, parameters):
        """The function images -> logits that `forward(parameters, images)` is at this moment.

        It copies the parameters and packs them once, which takes a good part of the time of a batch of 1; changing the
        arrays later does not change it. Not to be called by two threads at a time.
        """
        frozen, small = {name: np.array(value) for name, value in parameters.items()}, None

        @same_threads()
        def infer(images):
            nonlocal small
            if len(images) == 0:
                raise RefpcmError("the batch is empty; give at least one image")
            if small is None or small.shape != images.shape[1:]:
                check(self.network, frozen, images)
                small = SmallBatch(self._plan, images.shape[1:])
                small.load(frozen)
            return self._infer_all(frozen, floats(images), small)
        return infer

    def _tail(self, count):
        """How many of `count` images, the last, would leave lanes empty and go to small_batch.py instead.

        The plain loops stay plain, subclasses have convolutions of their own, and Winograd's form, which rounds
        differently, takes all images of a batch of 16 or more.
        """
        if self._kernels == "plain" or type(self) is not Engine or (self._kernels != "vector" and count >= LANES):
            return 0
        return count % LANES

    def _infer_all(self, parameters, images, small):
        self._may_go_back = False  # all passes share scratch memory
        whole, some = len(images) - self._tail(len(images)), self.images_at_once
        logits = [self._infer(parameters, images[i:min(i + some, whole)]) for i in range(0, whole, some)]
        if whole < len(images):
            logits.append(small(images[whole:]))
        return logits[0] if len(logits) == 1 else np.concatenate(logits)

    def _context(self, parameters, buffers, noise=None, frozen=False):
        return Context(self._plan, self._form, self._scratch, buffers, parameters, {}, noise, frozen)

    def _training_buffers(self, images):
        """The buffers of the last step if they fit, else new ones, the old being freed first."""
        self.statistics, self._may_go_back = {}, False
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
