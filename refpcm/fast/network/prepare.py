"""What a pass makes of its parameters before the first step: packed weights, and folded batch norms for inference."""

from dataclasses import dataclass

import numpy as np

from refpcm.fast.kernels.convolution import Packing
from refpcm.fast.network.buffers import floats
from refpcm.fast.network.plan import ConvStep
from refpcm.fast.threads import run_together
from refpcm.spec.nn.batch_norm import EPSILON


@dataclass(frozen=True)
class Prepared:
    """What a ConvStep needs beside tensors: its factors `scale` (K,) are in the packed weights, `bias` (K,) is added."""
    packing: Packing
    scale: np.ndarray
    bias: np.ndarray = None


def prepare_training(context):
    """{result: Prepared} of all ConvSteps, for a training pass."""
    prepared = {}
    for step in context.plan.convolutions:
        ones = np.ones(step.conv.out_channels, np.float32)
        prepared[step.result] = Prepared(context.packing(step, ones), ones)
    pack(one.packing for one in prepared.values())
    return prepared


def prepare_inference(context, steps):
    """{result: Prepared} of those of the steps that are ConvSteps."""
    prepared = {}
    for step in steps:
        if isinstance(step, ConvStep):
            scale, bias = fold(step, context.parameters)
            prepared[step.result] = Prepared(context.packing(step, scale), scale, bias)
    pack(one.packing for one in prepared.values())
    return prepared


def pack(packings):
    """Fill the packed weights of every Packing that is not None."""
    run_together([packing.pack for packing in packings if packing])


def fold(step, parameters):
    """(scale, bias) float32 (K,): in inference the batch norm's scale goes into the weights, its shift into a bias."""
    gamma, beta, mean, variance = (parameters[f"{step.norm.name}.{part}"].astype(np.float64)
                                   for part in ("weight", "bias", "running_mean", "running_var"))
    scale = gamma / np.sqrt(variance + EPSILON)
    return floats(scale), floats(beta - mean * scale)
