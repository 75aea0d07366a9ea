"""Mistakes in weight noise, clipping and the step of SGD, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden import reference
from refpcm.spec.training import sgd
from tests.golden.mutants.replacing import replaced

STEP = sgd.sgd_step


def _noise(change):
    """Another noise: change(w, eta, z) -> noisy."""
    return replaced(
        reference,
        "weight_noise",
        lambda inputs, parameters: {"noisy": change(inputs["weights"], parameters["eta"], inputs["z"])},
    )


def _noise_of(size):
    """Noise in other units: size(w) -> a number or an array."""
    return _noise(lambda w, eta, z: w + (eta * size(w)).astype(w.dtype) * z)


def _clipped(change):
    """Another clipping: change(w, alpha) -> w."""
    return replaced(
        reference,
        "clipped_weights",
        lambda inputs, parameters: {
            "clipped": change(inputs["weights"], parameters["alpha"]).astype(inputs["weights"].dtype)
        },
    )


def _clipped_at(bound):
    """Clipping at another bound: bound(w, alpha) -> a number or an array."""
    return _clipped(lambda w, alpha: np.clip(w, -bound(w, alpha), bound(w, alpha)))


def _rows(w, size):
    """size of each row, in w's shape but the last axis one."""
    return size(w.reshape(len(w), -1)).reshape(-1, *[1] * (w.ndim - 1))


def _clip_about_mean(w, alpha):
    return np.clip(w, w.mean() - alpha * w.std(), w.mean() + alpha * w.std())


def _clip_rescale(w, alpha):
    return w * min(1.0, alpha * w.std() / np.abs(w).max())


def _step(change):
    """Another step: change(w, gradient, velocity, lr, momentum, nesterov, weight_decay) -> w, velocity."""
    def sgd_step(w, gradient, velocity, lr, momentum, nesterov, weight_decay):
        scalars = [w.dtype.type(value) for value in (lr, momentum, weight_decay)]
        new, moved = change(w.copy(), gradient, velocity.copy(), scalars[0], scalars[1], nesterov, scalars[2])
        w[...], velocity[...] = new, moved
    return replaced(sgd, "sgd_step", sgd_step)


def _with_gradient(change):
    """The usual step with another gradient: change(w, gradient, weight_decay) -> gradient, weight_decay."""
    def sgd_step(w, gradient, velocity, lr, momentum, nesterov, weight_decay):
        gradient, weight_decay = change(w, gradient, weight_decay)
        STEP(w, gradient.astype(w.dtype), velocity, lr, momentum, nesterov, weight_decay)
    return replaced(sgd, "sgd_step", sgd_step)


def _decoupled(w, g, v, lr, m, nesterov, decay):
    v = m * v + g
    return w - lr * (g + m * v if nesterov else v) - lr * decay * w, v


def _velocity_has_lr(w, g, v, lr, m, nesterov, decay):
    """As TensorFlow and Caffe keep it."""
    d = lr * (g + decay * w)
    v = m * v + d
    return w - (d + m * v if nesterov else v), v


def _decay_after(w, g, v, lr, m, nesterov, decay):
    v = m * v + g
    w = w - lr * (g + m * v if nesterov else v)
    return w - lr * decay * w, v


def _decay_not_in_nesterov(w, g, v, lr, m, nesterov, decay):
    v = m * v + g + decay * w
    return w - lr * (g + m * v if nesterov else v), v


def _momentum_of_old(w, g, v, lr, m, nesterov, decay):
    """The step is taken along the velocity before it learned of the gradient."""
    d = g + decay * w
    new = m * v + d
    return w - lr * (d + m * new if nesterov else v), new


MUTANTS = [
    ("noise-of-sigma", "eta sigma(W)", _noise_of(lambda w: w.std())),
    ("noise-of-span", "eta (max - min) / 2", _noise_of(lambda w: (w.max() - w.min()) / 2)),
    ("noise-of-mean", "eta mean |W|", _noise_of(lambda w: np.abs(w).mean())),
    ("noise-of-row", "eta times the largest of each row",
     _noise_of(lambda w: _rows(np.abs(w), lambda rows: rows.max(1)))),
    ("noise-clipped", "limited to +-W_max",
     _noise(lambda w, eta, z: np.clip(w + eta * np.abs(w).max() * z, -np.abs(w).max(), np.abs(w).max()))),
    ("noise-variance", "eta is taken for a variance", _noise(lambda w, eta, z: w + np.sqrt(eta) * np.abs(w).max() * z)),
    ("noise-full-scale", "eta times 2 W_max, from end to end", _noise_of(lambda w: 2 * np.abs(w).max())),
    ("clip-about-mean", "mean +- alpha sigma", _clipped(_clip_about_mean)),
    ("clip-of-max", "alpha max |W|", _clipped_at(lambda w, alpha: alpha * np.abs(w).max())),
    ("clip-per-row", "sigma of each row", _clipped_at(lambda w, alpha: alpha * _rows(w, lambda rows: rows.std(1)))),
    ("clip-one-side", "large weights only, not small ones", _clipped(lambda w, alpha: np.minimum(w, alpha * w.std()))),
    ("clip-to-zero", "outliers are set to 0", _clipped(lambda w, alpha: np.where(np.abs(w) > alpha * w.std(), 0, w))),
    ("clip-robust", "1.4826 times the median magnitude",
     _clipped_at(lambda w, alpha: alpha * 1.4826 * np.median(np.abs(w)))),
    ("clip-alpha", "+-alpha", _clipped_at(lambda w, alpha: alpha)),
    ("clip-rescale", "weights are scaled until the largest fits", _clipped(_clip_rescale)),
    ("clip-of-magnitudes", "sigma of |W|", _clipped_at(lambda w, alpha: alpha * np.abs(w).std())),
    ("sgd-decoupled", "weight decay past the momentum", _step(_decoupled)),
    ("sgd-velocity-has-lr", "the learning rate is in the velocity", _step(_velocity_has_lr)),
    ("sgd-decay-half", "half of the weight decay", _with_gradient(lambda w, g, decay: (g, decay / 2))),
    ("sgd-decay-l1", "sign(w) decays", _with_gradient(lambda w, g, decay: (g + decay * np.sign(w), 0.0))),
    ("sgd-decay-after", "decay of the weights after the step", _step(_decay_after)),
    ("sgd-decay-not-in-nesterov", "decay in the velocity only", _step(_decay_not_in_nesterov)),
    ("sgd-gradient-clipped", "each gradient limited to norm 1",
     _with_gradient(lambda w, g, decay: (g / max(1.0, float(np.linalg.norm(g))), decay))),
    ("sgd-plain-one-late", "the plain rule moves along the old velocity", _step(_momentum_of_old)),
    ("sgd-velocity-kept", "the velocity is not handed back",
     replaced(
         reference,
         "sgd_step",
         lambda inputs, parameters, original=reference.sgd_step: {
             **original(inputs, parameters),
             "velocity": inputs["velocity"],
         },
     )),
    ("noise-nonzero", "zeros stay zeros", _noise_of(lambda w: np.abs(w).max() * (w != 0))),
]
