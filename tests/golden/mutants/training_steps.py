"""Mistakes in the step of SGD (L2) and in noise-aware training over several steps (L5)."""

from refpcm.spec.training import sgd
from tests.golden.mutants.replacing import changed_inputs, parameter, replaced


def _old_velocity(w, gradient, velocity, lr, momentum, nesterov, weight_decay):
    """w looks ahead with the velocity from before the step."""
    d = gradient + weight_decay * w
    w -= (lr * (d + momentum * velocity)).astype(w.dtype)
    velocity[...] = momentum * velocity + d


def _damped(w, gradient, velocity, lr, momentum, nesterov, weight_decay):
    d = gradient + weight_decay * w
    velocity[...] = momentum * velocity + (1 - momentum) * d
    w -= (lr * (d + momentum * velocity if nesterov else velocity)).astype(w.dtype)


def _decays_matrices_only(w, gradient, velocity, lr, momentum, nesterov, weight_decay, original=sgd.sgd_step):
    original(w, gradient, velocity, lr, momentum, nesterov, weight_decay if w.ndim > 1 else 0.0)


def _first_noise_again(inputs, parameters):
    """z.<step>.<name> of every step becomes that of step 0."""
    for name in [name for name in inputs if name.startswith("z.")]:
        inputs[name] = inputs["z.0." + name.split(".", 2)[2]]


def _in_training(change):
    """The change in both operations of L5: that of version 1 of the kit and that of version 2."""
    return changed_inputs("train_steps", change) + changed_inputs("sgd_training", change)


MUTANTS = [
    ("nesterov-old-velocity", "Nesterov with the old velocity", replaced(sgd, "sgd_step", _old_velocity)),
    ("momentum-damped", "v <- m v + (1 - m) d", replaced(sgd, "sgd_step", _damped)),
    ("backward-noisy-for-clean", "backward with the noisy weights although clean is asked",
     _in_training(parameter("backward", "noisy"))),
    ("backward-clean-for-noisy", "backward with the clean weights although noisy is asked",
     _in_training(parameter("backward", "clean"))),
    ("noise-per-run", "the first step's noise in every step", _in_training(_first_noise_again)),
    ("no-weight-decay", "weight decay left out in training", _in_training(parameter("weight_decay", 0.0))),
    ("decay-weights-only", "no weight decay on vectors: batch norm, biases", replaced(sgd, "sgd_step", _decays_matrices_only)),
    ("no-clipping", "clipping left out", _in_training(parameter("alpha", 0.0))),
]
