"""Fast forms of SGD, weight noise and clipping: a kernel call for all tensors, same bits as the specifications.

Those are sgd.update, weight_noise, weight_noise_kinds and clipping. Used when the network runs on the fast kernels.
Arrays that are not float32, contiguous and writable are left to the specifications.
"""

from functools import lru_cache

import numpy as np

from refpcm.fast.threads import run_tasks, same_threads
from refpcm.fast.training.update_kernels import CHUNK, clip_tasks, largest_tasks, moment_tasks, noise_tasks, sgd_tasks
from refpcm.spec import random
from refpcm.spec.training import clipping, sgd, weight_noise, weight_noise_kinds

ROUNDING = 2.0 ** -50  # per element: more than any order of additions loses of a sum of squares


@lru_cache(maxsize=16)
def _tasks(sizes):
    """int64 (tasks, 3): tensor, first element, elements; and the first task of every tensor."""
    rows = [(tensor, first, min(CHUNK, size - first)) for tensor, size in enumerate(sizes)
            for first in range(0, size, CHUNK)]
    counts = [-(-size // CHUNK) for size in sizes]
    return np.array(rows, np.int64).reshape(-1, 3), np.cumsum([0, *counts[:-1]])


def _plain(arrays):
    return all(a.dtype == np.float32 and a.flags.c_contiguous and a.flags.writeable for a in arrays)


def _crossbars(network, parameters):
    """Of every crossbar tensor in signal order: its name, the number (T,) of its layer, the array."""
    pairs = [(name, number) for number, names in weight_noise.layer_parts(network, parameters) for name in names]
    names, numbers = zip(*pairs)
    return names, np.array(numbers), [parameters[name] for name in names]


def _first_tensors(numbers):
    """Position of the first tensor of every layer, from the layers' numbers 0, 1, 2, ... of the tensors."""
    return np.unique(numbers, return_index=True)[1]


def _addresses(arrays):
    return np.array([a.ctypes.data for a in arrays], np.int64)


@same_threads()
def update(parameters, gradients, velocity, decayed, lr, momentum, nesterov, weight_decay):
    """sgd.update: `parameters` and `velocity` change in place."""
    w, g, v = [parameters[name] for name in gradients], list(gradients.values()), [velocity[name] for name in gradients]
    if not _plain([*w, *g, *v]):
        return sgd.update(parameters, gradients, velocity, decayed, lr, momentum, nesterov, weight_decay)
    tasks, _ = _tasks(tuple(a.size for a in w))
    decays = np.array([weight_decay if name in decayed else 0.0 for name in gradients], np.float32)
    run_tasks(sgd_tasks, len(tasks), tasks, _addresses(w), _addresses(g), _addresses(v), np.float32(lr), np.float32(momentum),
        bool(nesterov), decays)


@same_threads()
def noisy_parameters(network, parameters, eta, seed, step, purpose=random.Purpose.WEIGHT_NOISE):
    """See weight_noise.noisy_parameters."""
    names, numbers, w = _crossbars(network, parameters)
    if not _plain(w):
        return weight_noise.noisy_parameters(network, parameters, eta, seed, step, purpose)
    tasks, first_tasks = _tasks(tuple(a.size for a in w))
    largest = np.empty(len(tasks), np.uint32)
    run_tasks(largest_tasks, len(tasks), tasks, _addresses(w), largest)
    w_max = np.maximum.reduceat(largest, first_tasks[_first_tensors(numbers)]).view(np.float32)
    noisy = _add_noise(numbers, w, eta * w_max[numbers].astype(np.float64), False, seed, step, purpose)
    return {**parameters, **dict(zip(names, noisy))}


@same_threads()
def multiplicative_parameters(network, parameters, eta, seed, step):
    """See weight_noise_kinds.multiplicative_parameters."""
    names, numbers, w = _crossbars(network, parameters)
    if not _plain(w):
        return weight_noise_kinds.multiplicative_parameters(network, parameters, eta, seed, step)
    noisy = _add_noise(numbers, w, np.full(len(w), eta), True, seed, step, random.Purpose.WEIGHT_NOISE)
    return {**parameters, **dict(zip(names, noisy))}


def _add_noise(numbers, w, scales, multiplicative, seed, step, purpose):
    """The T tensors w with noise, new arrays; numbers, scales (T,): see noise_tasks."""
    seed, _, draw, _ = random.check_address(seed, 0, purpose, numbers[-1], step)
    sizes = np.array([a.size for a in w], np.int64)
    tasks, _ = _tasks(tuple(sizes))
    before = (np.cumsum(sizes) - sizes).astype(np.uint64)
    firsts = before - before[_first_tensors(numbers)][numbers]  # the linear layer's biases follow its weights
    out = [np.empty_like(a) for a in w]
    run_tasks(noise_tasks, len(tasks), tasks, _addresses(w), _addresses(out), numbers.astype(np.uint32), firsts,
        scales.astype(np.float32), multiplicative, (np.uint32(seed), np.uint32(purpose), np.uint32(draw)))
    return out


@same_threads()
def clip_parameters(network, parameters, alpha):
    """See clipping.clip_parameters.

    The specification adds up in NumPy's order. Here any order serves: unless the bound comes so near to the middle
    between two float32 numbers that the order could decide, both round to the same one.
    """
    names, numbers, w = _crossbars(network, parameters)
    if not _plain(w):
        return clipping.clip_parameters(network, parameters, alpha)
    tasks, first_tasks = _tasks(tuple(a.size for a in w))
    moments = np.empty((len(tasks), 2))
    run_tasks(moment_tasks, len(tasks), tasks, _addresses(w), moments)
    of_layer = np.add.reduceat(moments, first_tasks[_first_tensors(numbers)])
    bounds = np.array([bound([parameters[name] for name in layer], of_layer[number], alpha)
                       for number, layer in weight_noise.layer_parts(network, parameters)])
    run_tasks(clip_tasks, len(tasks), tasks, _addresses(w), bounds[numbers])


def bound(weights, moments, alpha):
    """float32(clipping.clip_bound(weights, alpha)), from (sum, sum of squares) of the layer's weights."""
    count = sum(w.size for w in weights)
    mean, square = moments / count
    variance, slack = square - mean * mean, (count + 16) * ROUNDING * square
    low, high = (np.float32(alpha * np.sqrt(max(value, 0.0))) for value in (variance - slack, variance + slack))
    return low if low == high else np.float32(clipping.clip_bound(weights, alpha))
