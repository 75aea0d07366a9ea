"""Rules of training that act on one array of weights: noise and clipping (L1), the step of SGD (L2), in float32."""

import numpy as np

from refpcm.fast.training import update
from refpcm.fast.training.update_kernels import fill_noisy
from refpcm.golden.fast_adapter.precision import float32_only
from refpcm.spec.resnet import Conv2d, Network


@float32_only
def weight_noise(inputs, parameters):
    """Return weights with noise from the inner loop of the kernel that adds it to a layer."""
    w = inputs["weights"]
    return {"noisy": noisy(w, float(np.abs(w).max()), parameters["eta"], inputs["z"])}


def noisy(w, w_max, eta, z):
    """Return w + eta w_max z by the kernel's inner loop; w, z float32 of one shape."""
    out = np.empty_like(w)
    fill_noisy(w.reshape(-1), np.float32(eta * w_max), z.reshape(-1), False, out.reshape(-1))
    return out


def one_layer(weight):
    """Return a network of one convolution and its parameters, as the fast rules take them; weight (K, C, k, k)."""
    outputs, inputs, kernel, _ = weight.shape
    layer = Conv2d("layer", ("image",), inputs, outputs, kernel, 1, kernel // 2)
    return Network("one convolution", (layer,), (inputs, kernel, kernel)), {"layer.weight": weight}


@float32_only
def clipped_weights(inputs, parameters):
    """Return weights from the rule that clips all layers of a network, here a network of one layer."""
    network, weights = one_layer(inputs["weights"].copy())
    update.clip_parameters(network, weights, parameters["alpha"])
    return {"clipped": weights["layer.weight"]}


@float32_only
def sgd_step(inputs, parameters):
    """Return weights and velocity from the update of all parameters, here of one parameter."""
    w, velocity = {"w": inputs["w"].copy()}, {"w": inputs["velocity"].copy()}
    update.update(w, {"w": inputs["gradient"]}, velocity, {"w"}, parameters["lr"], parameters["momentum"],
                  parameters["rule"] == "nesterov", parameters["weight_decay"])
    return {"w": w["w"], "velocity": velocity["w"]}
