"""Fast forms of SGD, weight noise and clipping, a kernel call for all tensors; same bits as sgd, weight_noise, clipping.

Used when the network runs on the fast kernels. Arrays that are not float32, contiguous and writable are left to the
specifications.
"""

from functools import lru_cache

import numpy as np

from refpcm import rng
from refpcm.kernels.parallel import run, same_threads
from refpcm.training import clipping, sgd, weight_noise
from refpcm.training.update_kernels import (CHUNK, clip_tasks, largest_tasks, moment_tasks, noise_tasks, sgd_tasks)

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
    run(sgd_tasks, len(tasks), tasks, _addresses(w), _addresses(g), _addresses(v), np.float32(lr), np.float32(momentum),
        bool(nesterov), decays)


@same_threads()
def noisy_parameters(network, parameters, eta, seed, step, purpose=rng.Purpose.WEIGHT_NOISE):
    """See weight_noise.noisy_parameters."""
    parts = weight_noise.layer_parts(network, parameters)
    names = [name for _, layer in parts for name in layer]
    w = [parameters[name] for name in names]
    if not _plain(w):
        return weight_noise.noisy_parameters(network, parameters, eta, seed, step, purpose)
    seed, _, draw, _ = rng.check_address(seed, 0, purpose, len(parts) - 1, step)
    tasks, first_tasks = _tasks(tuple(a.size for a in w))
    largest = np.empty(len(tasks), np.uint32)
    run(largest_tasks, len(tasks), tasks, _addresses(w), largest)
    of_tensor = dict(zip(names, np.maximum.reduceat(largest, first_tasks).view(np.float32)))
    numbers, firsts, scales = [], [], []
    for number, layer in parts:
        w_max = max(float(of_tensor[name]) for name in layer)
        numbers += [number] * len(layer)
        firsts += [sum(parameters[other].size for other in layer[:i]) for i in range(len(layer))]
        scales += [eta * w_max] * len(layer)
    out = [np.empty_like(a) for a in w]
    run(noise_tasks, len(tasks), tasks, _addresses(w), _addresses(out), np.array(numbers, np.uint32),
        np.array(firsts, np.uint64), np.array(scales, np.float32), (np.uint32(seed), np.uint32(purpose), np.uint32(draw)))
    return {**parameters, **dict(zip(names, out))}


@same_threads()
def clip_parameters(network, parameters, alpha):
    """See clipping.clip_parameters.

    The specification adds up in NumPy's order. Here any order serves: unless the bound comes so near to the middle
    between two float32 numbers that the order could decide, both round to the same one.
    """
    parts = weight_noise.layer_parts(network, parameters)
    names = [name for _, layer in parts for name in layer]
    w = [parameters[name] for name in names]
    if not _plain(w):
        return clipping.clip_parameters(network, parameters, alpha)
    tasks, first_tasks = _tasks(tuple(a.size for a in w))
    moments = np.empty((len(tasks), 2))
    run(moment_tasks, len(tasks), tasks, _addresses(w), moments)
    of_tensor = dict(zip(names, np.add.reduceat(moments, first_tasks)))
    bounds = []
    for _, layer in parts:
        bounds += [_bound([parameters[name] for name in layer], sum(of_tensor[name] for name in layer),
                          alpha)] * len(layer)
    run(clip_tasks, len(tasks), tasks, _addresses(w), np.array(bounds, np.float32))


def _bound(weights, moments, alpha):
    """float32(clipping.clip_bound(weights, alpha)), from (sum, sum of squares) of the layer's weights."""
    count = sum(w.size for w in weights)
    mean, square = moments / count
    variance, slack = square - mean * mean, (count + 16) * ROUNDING * square
    low, high = (np.float32(alpha * np.sqrt(max(value, 0.0))) for value in (variance - slack, variance + slack))
    return low if low == high else np.float32(clipping.clip_bound(weights, alpha))
