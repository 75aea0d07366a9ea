"""L5 of version 2: three steps of SGD, every tensor in the order of the signal, by the usual and by other hyper-parameters."""

from math import sqrt

import numpy as np

from refpcm.golden.build import case
from refpcm.golden.case import PRECISION, UNITLESS, Tolerance, made, stored
from refpcm.golden.levels.level5 import BATCH, SIZE, STEPS, TIGHTER, _noise
from refpcm.golden.levels.network_inputs import parameter_inputs
from refpcm.spec.resnet import build, parameter_shapes

WATCHED = ("conv1.weight", "bn1.bias", "layer2.0.downsample.0.weight", "layer3.0.bn2.weight", "fc.weight", "fc.bias")
STATISTICS = ("bn1.running_mean", "layer3.0.bn2.running_var")
EQUATION = ("noisy W = W + eta W_max z on every convolution and the linear layer, W_max over its bias, too; d = dL/dw + "
            "weight_decay w; v <- momentum v + d; w <- w - lr (d + momentum v) by the rule nesterov, else w - lr v; then "
            "clipping at alpha sigma; running <- 0.9 running + 0.1 batch")
USUAL = {"lr": 0.05, "momentum": 0.9, "weight_decay": 5e-4, "smoothing": 0.0, "rule": "nesterov"}
CASES = {  # name: parameters, scale of the last layer's biases, interpretation, mistake
    "plain": (
        {**USUAL, "eta": 0.0, "alpha": 0.0, "backward": "clean"}, 0.1, "",
        "gradients summed instead of averaged; statistics updated with the biased variance; no weight decay, or on weights only"),
    "noisy": (
        {**USUAL, "eta": 0.038, "alpha": 2.0, "backward": "noisy"}, 0.1, "I-2 noisy, I-3",
        "update goes to the noisy weights; clipping before the update; clipping of the noisy weights"),
    "paper": (
        {**USUAL, "weight_decay": 0.0, "rule": "plain", "eta": 0.038, "alpha": 2.0, "backward": "clean"}, 0.1,
        "I-2 clean, I-3", "backward pass with the noisy weights, as other code does: the paper's is without noise (Methods C)"),
    "other": (
        {"lr": 0.02, "momentum": 0.8, "weight_decay": 2e-3, "smoothing": 0.1, "rule": "nesterov", "eta": 0.06, "alpha": 1.5,
         "backward": "clean"}, 0.8, "I-2 clean, I-3",
        "usual hyper-parameters built in; W_max of the last layer without its largest bias; smoothing left out")}


def cases():
    """8 cases: four ways of training in float64 and float32."""
    return [_case(name, dtype, *choice) for dtype in ("float64", "float32") for name, choice in CASES.items()]


def _case(name, dtype, parameters, bias_scale, interpretation, catches):
    network = build("tiny-resnet8")
    labels = np.arange(STEPS * BATCH).reshape(STEPS, BATCH) * 7 % 10
    inputs = [made("images", (STEPS, BATCH, 3, SIZE, SIZE), dtype, 500, 1000), stored("labels", labels)]
    for entry in parameter_inputs(network, dtype, 500):
        recipe = entry.content
        scale = bias_scale if entry.name == "fc.bias" else recipe.scale
        inputs.append(made(entry.name, entry.shape, dtype, recipe.seed, recipe.layer, scale=scale, offset=recipe.offset))
    inputs += _noise(network, dtype) if parameters["eta"] else []
    outputs = {}
    for step in range(STEPS):
        within = (dtype, UNITLESS, _tolerance(dtype, step))
        outputs[f"loss.{step}"] = within
        outputs.update({f"gradient.{step}.{parameter}": within for parameter in reversed(WATCHED)})
        outputs.update({f"updated.{step}.{parameter}": within for parameter in WATCHED + STATISTICS})
    outputs.update({f"after.{parameter}": within for parameter in parameter_shapes(network)})
    return case(f"L5-steps-{name}-{dtype[5:]}", "sgd_training", EQUATION, catches, inputs, outputs,
                {"architecture": "tiny-resnet8", "classes": 10, **parameters, "watched": " ".join(WATCHED + STATISTICS)},
                interpretation)


def _tolerance(dtype, step):
    """A twentieth, in float32, of 2 u sqrt(504) x 8 layers there and back, ten times more with each step."""
    value = 2 * PRECISION[dtype] * sqrt(504) * 16 * 10.0 ** step
    why = f"2 u sqrt(504) x 16 layers x 10^{step}: errors grow with every step"
    if dtype == "float64":
        return Tolerance("probe", value, why)
    return Tolerance("probe", value / TIGHTER, f"({why}) / {TIGHTER:g}: rounding errors are not all of one sign")
