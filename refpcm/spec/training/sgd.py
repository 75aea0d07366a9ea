"""Stochastic gradient descent with (Nesterov) momentum and weight decay, in the form PyTorch uses.

    d = dL/dw + weight_decay w
    v <- momentum v + d
    w <- w - lr (d + momentum v)    (Nesterov)      or      w <- w - lr v
"""

import numpy as np

from refpcm.spec.layers import learned


def decayed_names(parameters, choice):
    """Return the names of the parameters that weight decay acts on.

    choice: "weights", of convolutions and linear layers only, not batch norm and biases (He et al. 2019, section 3.1),
    or "all", every learned parameter, as PyTorch does unless told otherwise.
    """
    return {name for name in learned(parameters) if choice == "all" or parameters[name].ndim > 1}


def sgd_step(w, gradient, velocity, lr, momentum, nesterov, weight_decay):
    """Update w and velocity (any shape, float32) in place; scalars are rounded to the dtype of w first. E-79."""
    lr, momentum, weight_decay = (w.dtype.type(value) for value in (lr, momentum, weight_decay))
    direction = gradient + weight_decay * w
    velocity *= momentum
    velocity += direction
    w -= lr * (direction + momentum * velocity if nesterov else velocity)


def update(parameters, gradients, velocity, decayed, lr, momentum, nesterov, weight_decay):
    """Return `sgd_step` of every parameter that has a gradient; those not named in `decayed` without weight decay."""
    for name, gradient in gradients.items():
        sgd_step(parameters[name], gradient, velocity[name], lr, momentum, nesterov,
                 weight_decay if name in decayed else 0.0)


def zero_velocities(parameters):
    """Return {name: zeros} for every learned parameter."""
    return {name: np.zeros_like(parameters[name]) for name in learned(parameters)}
