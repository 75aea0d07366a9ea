"""Runs a network on the fast kernels: forward, backward, inference. Specification: refpcm.spec.network."""

import threading
from dataclasses import dataclass
from functools import partial

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.fast.kernels import head
from refpcm.fast.kernels.convolution import FORMS, convolve, packing
from refpcm.fast.kernels.layout import groups
from refpcm.fast.network import forward
from refpcm.fast.network.backward import Backward
from refpcm.fast.network.buffers import Buffers, Scratch, floats
from refpcm.fast.network.inference import run_steps, run_variants
from refpcm.fast.network.noise import wanted
from refpcm.fast.network.plan import Plan, make_plan, tensors_of
from refpcm.fast.network.prepare import prepare_inference, prepare_training
from refpcm.fast.threads import Chain, one_at_a_time, run_tasks, same_threads
from refpcm.spec.network import check

CHUNK = 128  # images that an inference pass takes at once


@dataclass
class Context:
    """What a step needs to know.

    chain: what its kernels wait in; prepared: {result of a ConvStep: prepare.Prepared}.
    """
    plan: Plan
    square: int  # from refpcm.fast.kernels.convolution.FORMS
    scratch: Scratch
    buffers: Buffers
    parameters: dict
    statistics: dict
    chain: Chain
    prepared: dict
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

    def packed_memory(self, step):
        """Where a ConvStep's packed weights stand: a function of a shape."""
        return partial(self.scratch, ("packed", step.result))

    def packing(self, step, scale):
        """Of the convolution of a ConvStep, times scale (C_out,); None: it has no packed weights."""
        return packing(self.square, self.packed_memory(step), self.floats(step.conv, "weight"), scale, step.conv.stride,
                       self.shape(step.result)[1])

    def convolve(self, step, prepared, out, epilogue):
        """out = the convolution of a ConvStep, finished as `epilogue` says, in the chain (convolution.convolve)."""
        return convolve(self.chain, prepared.packing, self.scratch, step.conv.stride, self.read_by(step),
                        self.shape(step.source)[1], step.conv.padding, out, self.shape(step.result)[1], epilogue,
                        self.buffers.last_lanes)

    def linear(self, step, pooled):
        """pooled (N, C) -> logits (N, classes) of a HeadStep."""
        logits = np.empty((len(pooled), step.linear.out_features), np.float32)
        run_tasks(head.linear, len(pooled), pooled, self.floats(step.linear, "weight"), self.floats(step.linear, "bias"),
            logits)
        return logits


class Engine:
    """Runs one network in float32, with the methods of `refpcm.spec.engine.Engine`.

    kernels: "winograd" (F(4x4, 3x3) for convolutions of stride 1 where the planes divide by 4, else F(2x2)) or "direct",
    with smaller rounding errors. The logits of an image are independent of the batch that it comes in.
    Raises RefpcmError for a network without a fast form or an unknown kernels name, and, in place of wrong numbers, when
    a second thread uses it while the first does.
    """

    images_at_once = CHUNK

    def __init__(self, network, kernels="winograd"):
        if kernels not in FORMS:
            raise RefpcmError(f"unknown kernels {kernels!r}; known are: {', '.join(FORMS)}")
        self.network, self.statistics, self._may_go_back = network, {}, False
        self._plan, self._square, self._scratch = make_plan(network), FORMS[kernels], Scratch()
        self._training, self._inference = None, {}
        self._in_use = threading.Lock()

    @one_at_a_time
    @same_threads()
    def forward(self, parameters, images, training=False, noise=None, frozen=False):
        """images (N, C, H, W) -> logits (N, classes), float32.

        training: batch norm uses the statistics of the batch, which `statistics` then holds as
        {batch-norm name: refpcm.spec.nn.batch_norm.Statistics}; `backward` may follow. noise: see refpcm.spec.network;
        of a training pass only. frozen: a training pass with the running statistics, whose gradient takes them for
        constants (refpcm.spec.network does both with training=False); `statistics` is then empty.
        """
        images = self._checked(parameters, images)
        if not training:
            if noise is not None:
                raise RefpcmError("noise of each image belongs to a training pass; use refpcm.spec.network elsewhere")
            return self._infer_all(parameters, images)
        context = self._context(parameters, self._training_buffers(images), noise, frozen)
        context.buffers.noisy_inputs = context.buffers.noisy_inputs if wanted(context, "inputs") else {}
        context.prepared = prepare_training(context)
        forward.pack_images(context, images)
        for step in self._plan.steps:
            logits = forward.TRAINING[type(step)](step, context)
        self.statistics, self._may_go_back = context.statistics, True
        return logits

    @one_at_a_time
    @same_threads()
    def forward_each(self, variants, images):
        """images (N, C, H, W) -> [logits (N, classes)] of every parameters in `variants`, the bits that `forward` gives.

        Layers before the first whose parameters are other arrays than in variants[0] are not computed again: to change
        one layer after the other costs half of as many passes.
        """
        for parameters in variants:
            images = self._checked(parameters, images)
        self._may_go_back = False
        parts = [run_variants(self._inference_context(variants[0], images[i:i + CHUNK]), variants)
                 for i in range(0, len(images), CHUNK)]
        return [np.concatenate(logits) for logits in zip(*parts)]

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

    def _checked(self, parameters, images):
        check(self.network, parameters, images)
        if len(images) == 0:
            raise RefpcmError("the batch is empty; give at least one image")
        return floats(images)

    def _infer_all(self, parameters, images):
        self._may_go_back = False  # all passes share scratch memory
        some, prepared, logits = self.images_at_once, None, []
        for i in range(0, len(images), some):
            context = self._inference_context(parameters, images[i:i + some])
            context.prepared = prepared = prepared or prepare_inference(context, self._plan.steps)
            logits.append(run_steps(context))
        return logits[0] if len(logits) == 1 else np.concatenate(logits)

    def _context(self, parameters, buffers, noise=None, frozen=False):
        return Context(self._plan, self._square, self._scratch, buffers, parameters, {}, Chain(buffers.group_count), {},
                       noise, frozen)

    def _training_buffers(self, images):
        """The buffers of the last step if they fit, else new ones, the old being freed first."""
        self.statistics, self._may_go_back = {}, False
        tensors, count = tensors_of(self._plan, self.network, images.shape[1:]), groups(len(images))
        if self._training is None or (self._training.tensors, self._training.group_count) != (tensors, count):
            self._training = None
            self._training = Buffers(len(images), count, tensors)
        self._training.images = len(images)
        return self._training

    def _inference_context(self, parameters, images):
        """The Context of an inference pass of these images; that they go into their lanes is the first link of its chain."""
        tensors, count = tensors_of(self._plan, self.network, images.shape[1:]), groups(len(images))
        buffers = self._inference.get(count)
        if buffers is None or buffers.tensors != tensors:
            buffers = self._inference[count] = Buffers(len(images), count, tensors)
        buffers.images = len(images)
        context = self._context(parameters, buffers)
        forward.pack_images(context, images)
        return context
