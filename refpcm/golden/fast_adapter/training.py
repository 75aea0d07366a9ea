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
    network, weights = layers_of([weight])
    return network, {"layer.weight": weights["layer.weight"]}


def layers_of(weights):
    """Return a network of convolutions side by side, and their parameters; weights: arrays (K, C, k, k)."""
    names = ["layer" + str(number or "") for number in range(len(weights))]
    layers = [Conv2d(name, ("image",), w.shape[1], w.shape[0], w.shape[2], 1, w.shape[2] // 2)
              for name, w in zip(names, weights)]
    network = Network("convolutions side by side", tuple(layers), (weights[0].shape[1], *weights[0].shape[2:]))
    return network, {f"{name}.weight": w for name, w in zip(names, weights)}


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
